-- Certificates: who signs them, whom the API believes, which keys demand one, and when each of ours ends.
set local search_path = gateway;

-- What signs merchants' client certificates. The private half is sealed under a data key of the vault.
create table certificate_authority (
    id text primary key,
    created bigint not null,
    not_before bigint not null,
    not_after bigint not null,
    certificate bytea not null,
    sealed bytea not null,
    list_number bigint not null default 0,
    list_next bigint not null default 0,
    list_stale boolean not null default true,
    list bytea
);

-- Client certificates that we issued or were told of, and foreign authorities whose certificates one merchant uses.
create table client_certificate (
    account text not null,
    livemode boolean not null,
    id text not null,
    created bigint not null,
    kind text not null check (kind in ('issued', 'registered', 'authority')),
    name text not null,
    api_key text,
    app text,
    names text[] not null,
    thumbprint bytea not null check (octet_length(thumbprint) = 32),
    key_hash bytea not null check (octet_length(key_hash) = 32),
    subject bytea not null,
    issuer text not null,
    serial text not null,
    algorithm text not null,
    not_before bigint not null,
    not_after bigint not null,
    certificate bytea not null,
    issued_by text,
    replaces text,
    revoked_at bigint,
    revocation_reason text,
    warned_days int,
    primary key (account, livemode, id)
);
-- One certificate is one merchant's, once and for all: what was revoked cannot come back under another id.
create unique index client_certificate_thumbprint on client_certificate (thumbprint) where kind <> 'authority';
create unique index client_certificate_authority on client_certificate (account, livemode, thumbprint)
    where kind = 'authority' and revoked_at is null;
create index client_certificate_key on client_certificate (key_hash);
create index client_certificate_subject on client_certificate (subject) where revoked_at is null;
create index client_certificate_issuer on client_certificate (issued_by, revoked_at) where revoked_at is not null;
create index client_certificate_end on client_certificate (not_after) where revoked_at is null;

-- Keys that are refused without a client certificate; '*' stands for every secret and restricted key of the account.
create table certificate_requirement (
    account text not null,
    livemode boolean not null,
    api_key text not null,
    created bigint not null,
    primary key (account, livemode, api_key)
);

-- What handshakes believe changes with this number; every listener looks at it twice a second.
create table certificate_trust (
    one boolean primary key default true check (one),
    version bigint not null
);
insert into certificate_trust (version) values (1);

-- Every certificate and key of the installation itself, as its supervisor last saw them: for inventory and warnings.
create table server_certificate (
    name text primary key,
    purpose text not null,
    kind text not null check (kind in ('certificate', 'key')),
    place text not null,
    subject text not null,
    issuer text not null,
    serial text not null,
    algorithm text not null,
    thumbprint bytea,
    not_before bigint,
    not_after bigint,
    seen bigint not null,
    warned_days int
);

grant select, insert, update on certificate_authority, client_certificate, server_certificate
    to lockgate_gateway, lockgate_worker;
grant delete on server_certificate to lockgate_gateway;
grant select, insert, delete on certificate_requirement to lockgate_gateway;
grant select on certificate_requirement to lockgate_worker;
grant select, update on certificate_trust to lockgate_gateway, lockgate_worker;

do $$
declare name text;
begin
    foreach name in array array['client_certificate', 'certificate_requirement'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
grant select on client_certificate, certificate_requirement to lockgate_reporting;
