-- What people prove themselves with beside a password; and approvals: what a privileged operation waits for.
set local search_path = gateway;

-- One row a person: its lock lets one try at a time through, and it remembers when tries failed.
create table factor_guard (
    person text primary key,
    failed bigint[] not null
);

-- An authenticator app. The seed is sealed; step is the last 30 seconds whose code was taken, so none is taken twice.
create table totp (
    person text not null,
    id text not null,
    created bigint not null,
    sealed bytea not null,
    step bigint not null,
    confirmed_at bigint,
    last_used_at bigint,
    primary key (person, id)
);
create index totp_unconfirmed on totp (created) where confirmed_at is null;

create table passkey (
    person text not null,
    id text not null,
    created bigint not null,
    credential bytea not null,
    public_key bytea not null,
    sign_count bigint not null,
    transports text[] not null,
    aaguid text not null,
    backup_eligible boolean not null,
    backed_up boolean not null,
    sealed bytea not null,
    last_used_at bigint,
    primary key (person, id)
);
create unique index passkey_credential on passkey (credential);

-- Challenges that wait for an authenticator's answer; the answer takes the row away, good or not.
create table passkey_challenge (
    hash bytea primary key,
    purpose text not null check (purpose in ('register', 'prove')),
    person text,
    ceremony bytea,
    content bytea not null,
    expires_at bigint not null
);
create index passkey_challenge_age on passkey_challenge (expires_at);

create table recovery_code (
    person text not null,
    hash bytea not null,
    created bigint not null,
    used_at bigint,
    primary key (person, hash)
);

grant select, insert, update, delete on factor_guard, totp, passkey, passkey_challenge, recovery_code
    to lockgate_gateway;
grant select, delete on totp, passkey_challenge to lockgate_worker;

-- What an account asks of privileged operations, beyond our defaults.
create table approval_policy (
    account text not null,
    rules jsonb not null,
    changed_at bigint not null,
    primary key (account)
);

create table approval (
    account text not null,
    livemode boolean not null,
    id text not null,
    created bigint not null,
    expires_at bigint not null,
    maker text not null,
    maker_person text,
    operation text not null,
    method text not null,
    path text not null,
    privilege text not null,
    content bytea not null,
    amount bigint,
    currency text,
    summary text not null,
    sealed bytea not null,
    needs_proof boolean not null,
    needs_second boolean not null,
    proved_at bigint,
    proved_by text,
    decision text check (decision in ('approved', 'refused')),
    decided_at bigint,
    decided_by text,
    used_at bigint,
    used_by text,
    primary key (account, livemode, id),
    check (decided_by <> maker_person or decision = 'refused')
);
create index approval_open on approval (account, livemode, maker, content) where used_at is null and decision is null;

grant select, insert, update on approval, approval_policy to lockgate_gateway;
grant select on approval_policy to lockgate_reporting;
grant select on approval to lockgate_reporting, lockgate_worker;

alter table approval enable row level security;
create policy own_account on approval for select to lockgate_reporting using (
    account = current_setting('lockgate.account', true)
    and livemode = (current_setting('lockgate.livemode', true) = 'true'));
create policy program on approval for all to lockgate_gateway, lockgate_worker using (true) with check (true);
alter table approval_policy enable row level security;
create policy own_account on approval_policy for select to lockgate_reporting using (
    account = current_setting('lockgate.account', true));
create policy program on approval_policy for all to lockgate_gateway, lockgate_worker using (true) with check (true);
