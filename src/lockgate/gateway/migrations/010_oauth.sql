-- Apps of third parties: who they are, what a person let them do, and the codes and tokens that came of it.
set local search_path = gateway;

-- An app belongs to the account that registered it, in one mode; its id names that account.
create table app (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    name text not null,
    method text not null check (method in ('none', 'secret_key', 'private_key_jwt', 'tls_client_auth',
        'self_signed_tls_client_auth')),
    redirect_uris text[] not null,
    scope text not null,
    strict boolean not null,
    data jsonb not null,
    created_by text not null,
    deleted_at bigint,
    primary key (account, livemode, id)
);

-- What one person let one app do with one account. Its effect is never more than the app and the person may do now.
create table app_grant (
    account text not null,
    livemode boolean not null,
    id text not null,
    created bigint not null,
    updated bigint not null,
    person text not null,
    app_account text not null,
    app text not null,
    asked text not null,
    scope text not null,
    publishable_key text,
    last_used_at bigint,
    revoked_at bigint,
    revoked_by text,
    primary key (account, livemode, id)
);
create unique index app_grant_live on app_grant (account, livemode, app, person) where revoked_at is null;
create index app_grant_person on app_grant (person, id) where revoked_at is null;
create index app_grant_app on app_grant (app, id) where revoked_at is null;

-- One redeemed code and all tokens that descend from it: they end together.
create table app_session (
    account text not null,
    livemode boolean not null,
    id text not null,
    grant_id text not null,
    app_account text not null,
    app text not null,
    scope text not null,
    created bigint not null,
    expires_at bigint not null,
    key_thumbprint text,
    ended_at bigint,
    ended_why text,
    primary key (account, livemode, id)
);
create index app_session_grant on app_session (account, livemode, grant_id) where ended_at is null;
create index app_session_age on app_session (expires_at);

-- A code stays as long as its session may live: the second to bring it must be known for what he is.
create table app_code (
    account text not null,
    livemode boolean not null,
    hash bytea not null,
    created bigint not null,
    expires_at bigint not null,
    grant_id text not null,
    app text not null,
    scope text not null,
    asked jsonb not null,
    session text,
    primary key (account, livemode, hash)
);
create index app_code_age on app_code (created);

-- Every refresh token of a session, spent ones too.
create table app_refresh (
    account text not null,
    livemode boolean not null,
    hash bytea not null,
    session text not null,
    created bigint not null,
    expires_at bigint not null,
    used_at bigint,
    primary key (account, livemode, hash)
);
create index app_refresh_session on app_refresh (account, livemode, session);
create index app_refresh_age on app_refresh (expires_at);

-- Authorization requests: pushed by the app (RFC 9126), or opened in a browser and waiting for a person's decision.
create table app_request (
    account text not null,
    livemode boolean not null,
    hash bytea not null,
    state text not null check (state in ('pushed', 'opened')),
    app text not null,
    asked jsonb not null,
    created bigint not null,
    expires_at bigint not null,
    person text,
    primary key (account, livemode, hash)
);
create index app_request_age on app_request (expires_at);

-- Access tokens that ended before their time.
create table app_ended_token (
    account text not null,
    livemode boolean not null,
    jti text not null,
    expires_at bigint not null,
    primary key (account, livemode, jti)
);
create index app_ended_token_age on app_ended_token (expires_at);

-- Proofs of possession and client assertions, by a hash of who made them and their jti: each is good once.
create table proof_seen (
    hash bytea primary key,
    expires_at bigint not null
);
create index proof_seen_age on proof_seen (expires_at);

grant select, insert, update on app, app_grant, app_session, app_code, app_refresh, app_request to lockgate_gateway;
grant select, insert on app_ended_token, proof_seen to lockgate_gateway;
grant delete on app_request to lockgate_gateway;
grant select on app, app_grant to lockgate_worker, lockgate_reporting;
grant select, delete on app_session, app_code, app_refresh, app_request, app_ended_token, proof_seen to lockgate_worker;

do $$
declare name text;
begin
    foreach name in array array['app', 'app_grant', 'app_session', 'app_code', 'app_refresh', 'app_request',
        'app_ended_token'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
