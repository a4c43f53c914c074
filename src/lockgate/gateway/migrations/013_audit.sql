-- The sealed audit log: a chain and a Merkle tree over its records, beside their table, so that no writer waits for it.
set local search_path = gateway;

-- One row for each record in the order in which records were committed. ``leaf`` is the hash of all its columns.
create table audit_seal (
    seq bigint primary key check (seq >= 0),
    account text not null,
    livemode boolean not null,
    record text not null,
    tx bigint not null,
    leaf bytea not null check (length(leaf) = 32),
    chain bytea not null check (length(chain) = 32)
);
create index audit_seal_tx on audit_seal using brin (tx) with (pages_per_range = 16, autosummarize = on);

-- The tree's complete subtrees of 256, 65536, ... leaves: enough to prove anything without reading everything.
create table audit_node (
    level int not null check (level > 0),
    place bigint not null check (place >= 0),
    hash bytea not null check (length(hash) = 32),
    primary key (level, place)
);

-- What the vault signed, as it signed it.
create table audit_checkpoint (
    size bigint primary key check (size > 0),
    root bytea not null,
    chain bytea not null,
    at_ms bigint not null,
    note text not null
);

-- Searching goes by filters over ranges of pages: they cost a writer next to nothing.
create index audit_search on audit using brin (
    created_ms int8_minmax_ops, action text_bloom_ops, actor text_bloom_ops, object text_bloom_ops,
    address text_bloom_ops
) with (pages_per_range = 32, autosummarize = on);

grant usage on schema gateway to lockgate_sealer;
grant select on audit, account to lockgate_sealer;
grant select, insert on audit_seal, audit_node, audit_checkpoint to lockgate_sealer;
grant select on audit_seal, audit_node, audit_checkpoint to lockgate_gateway, lockgate_worker;
grant select on audit_seal, audit_node, audit_checkpoint to lockgate_reporting;

create policy sealer on audit for select to lockgate_sealer using (true);
alter table audit_seal enable row level security;
create policy own_account on audit_seal for select to lockgate_reporting using (
    account = current_setting('lockgate.account', true)
    and livemode = (current_setting('lockgate.livemode', true) = 'true'));
create policy program on audit_seal for all to lockgate_gateway, lockgate_worker, lockgate_sealer
    using (true) with check (true);

-- The only way in which records leave: the oldest ones, once a checkpoint of more than a year ago has them, and never a
-- younger one whatever is asked for. The record of it is written in the same transaction. Their seals stay for ever.
create function retire_audit_v1(p_size bigint, p_most int, p_record audit) returns int
language plpgsql security definer set search_path = gateway, pg_temp as $$
declare
    year_ago_ms constant bigint := (extract(epoch from clock_timestamp() - interval '365 days') * 1000)::bigint;
    gone int;
begin
    if p_record.account <> '-' or p_record.action <> 'audit.retired' then
        raise exception 'not the record of a retirement';
    end if;
    if not exists (select from audit_checkpoint c where c.size = p_size and c.at_ms < year_ago_ms) then
        raise exception 'no checkpoint of more than a year ago has this size';
    end if;
    with old as (
        select a.account, a.livemode, a.id from audit a join audit_seal s
            on (s.account, s.livemode, s.record) = (a.account, a.livemode, a.id)
        where s.seq < p_size and a.tx <= (select l.tx from audit_seal l where l.seq = p_size - 1)
            and a.created_ms < year_ago_ms
        order by a.tx, a.id limit p_most
    )
    delete from audit a using old where (a.account, a.livemode, a.id) = (old.account, old.livemode, old.id);
    get diagnostics gone = row_count;
    if gone > 0 then
        insert into audit (account, livemode, id, created_ms, action, outcome, actor, object, address, request, detail,
            personal)
        select p_record.account, p_record.livemode, p_record.id, p_record.created_ms, p_record.action,
            p_record.outcome, p_record.actor, p_record.object, p_record.address, p_record.request,
            p_record.detail || jsonb_build_object('records', gone), p_record.personal;
    end if;
    return gone;
end $$;
revoke all on function retire_audit_v1 from public;
grant execute on function retire_audit_v1 to lockgate_sealer;
