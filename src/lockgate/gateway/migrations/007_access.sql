-- What every credential rests on: the keys that sign tokens, and audit records in the order in which they commit.
set local search_path = gateway;

-- The transaction that wrote a record: readers go up to the oldest one still open, and miss nothing that commits late.
alter table audit add column tx bigint not null default pg_current_xact_id()::text::bigint;
create index audit_tx on audit using brin (tx) with (pages_per_range = 16, autosummarize = on);

-- Private halves are sealed under a data key of the vault.
create table signing_key (
    kid text primary key,
    created bigint not null,
    signs_from bigint not null,
    public jsonb not null,
    sealed bytea not null
);
create index signing_key_age on signing_key (signs_from);
grant select, insert, delete on signing_key to lockgate_gateway, lockgate_worker;
