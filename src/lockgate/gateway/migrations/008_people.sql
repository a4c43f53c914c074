-- People: who may sign in, which accounts they belong to, how they got in, and what keeps guessing slow.
set local search_path = gateway;

-- One directory for the installation: a person may belong to several accounts. Name and address are sealed.
create table person (
    id text primary key,
    created bigint not null,
    email_index bytea not null,
    personal bytea,
    password text,
    password_changed_at bigint,
    status text not null check (status in ('active', 'disabled')),
    disabled_reason text,
    active_since bigint not null,
    last_seen_at bigint
);
create unique index person_email on person (email_index);
create index person_idle on person (greatest(active_since, coalesce(last_seen_at, 0))) where status = 'active';

-- The hashes that a new password may not match again.
create table person_password (
    person text not null,
    id text not null,
    created bigint not null,
    hash text not null,
    primary key (person, id)
);

create table membership (
    account text not null,
    person text not null,
    created bigint not null,
    roles text[] not null check (cardinality(roles) between 1 and 20),
    status text not null check (status in ('active', 'disabled')),
    granted_by text not null,
    changed_at bigint not null,
    primary key (account, person)
);
create index membership_person on membership (person);

-- 'owner' invitations are made by the operator at the machine and name nobody: whoever has the link is the first owner.
create table invitation (
    account text not null,
    id text not null,
    created bigint not null,
    expires_at bigint not null,
    kind text not null check (kind in ('member', 'owner')),
    status text not null check (status in ('pending', 'accepted', 'revoked')),
    roles text[] not null check (cardinality(roles) between 1 and 20),
    secret_hash bytea not null,
    email_index bytea,
    personal bytea,
    invited_by text not null,
    person text,
    ended_at bigint,
    primary key (account, id),
    check ((kind = 'owner') = (email_index is null))
);
create unique index invitation_secret on invitation (secret_hash);
create index invitation_age on invitation (expires_at) where status = 'pending';

-- Links that went out by mail: to set a new password, or to say that a lock met the right person.
create table person_link (
    hash bytea primary key,
    person text not null,
    purpose text not null check (purpose in ('reset', 'unlock')),
    created bigint not null,
    expires_at bigint not null
);
create index person_link_person on person_link (person);

-- A sign-in that has shown one factor and not yet the second.
create table sign_in (
    id text primary key,
    secret_hash bytea not null,
    person text not null,
    created bigint not null,
    expires_at bigint not null,
    failures int not null,
    device bytea,
    invitation text,
    invitation_account text
);
create index sign_in_age on sign_in (expires_at);
create index sign_in_person on sign_in (person);

-- Failures in a row, under keyed hashes of whom or where they met. Survives every restart.
create table sign_in_failures (
    bucket bytea primary key,
    failures int not null,
    locks int not null,
    began bigint not null,
    last_at bigint not null,
    locked_until bigint
);
create index sign_in_failures_age on sign_in_failures (last_at);

-- Where a person signed in before: a browser by its secret, and an address by its keyed hash.
create table known_place (
    person text not null,
    mark bytea not null,
    kind text not null check (kind in ('device', 'address')),
    created bigint not null,
    last_seen_at bigint not null,
    primary key (person, mark)
);
create index known_place_age on known_place (last_seen_at);

create table session (
    id text primary key,
    person text not null,
    created bigint not null,
    began_at bigint not null,
    last_seen_at bigint not null,
    expires_at bigint not null,
    proved_at bigint not null,
    factors text[] not null,
    device bytea,
    personal bytea,
    ended_at bigint,
    ended_reason text
);
create index session_person on session (person, id);
create index session_age on session (expires_at);

-- Every refresh token of a session, spent ones too: one that comes back later was stolen. Only hashes.
create table session_refresh (
    hash bytea primary key,
    session text not null references session (id) on delete cascade,
    created bigint not null,
    used_at bigint
);
create index session_refresh_session on session_refresh (session);

grant select, insert, update on person, membership, invitation, session, session_refresh, sign_in, sign_in_failures,
    known_place to lockgate_gateway;
grant select, insert, delete on person_password, person_link to lockgate_gateway;
grant delete on sign_in, sign_in_failures, known_place, membership to lockgate_gateway;
grant update (hash) on person_password, person_link to lockgate_gateway; -- locks rows
grant select, update on person, session, invitation to lockgate_worker;
grant select on membership to lockgate_worker;
grant select, delete on sign_in, sign_in_failures, known_place, session, session_refresh, person_link
    to lockgate_worker;
grant select (account, person, created, roles, status, granted_by, changed_at) on membership to lockgate_reporting;

-- These belong to an account and to no mode.
do $$
declare name text;
begin
    foreach name in array array['membership', 'invitation'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
