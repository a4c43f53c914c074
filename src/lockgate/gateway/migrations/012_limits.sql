-- Limits and addresses: how fast each may be, from where, and what was seen of the traffic that this is decided by.
set local search_path = gateway;

-- Rules of the installation's operator stand under the account '-'. subject and class are empty where all are meant.
create table rate_limit (
    account text not null,
    livemode boolean not null,
    id text not null,
    created bigint not null,
    scope text not null check (scope in ('key', 'person', 'app', 'address', 'account')),
    subject text not null,
    class text not null,
    rate int not null check (rate between 1 and 100000),
    per_s int not null check (per_s between 1 and 86400),
    burst int not null check (burst between 1 and 100000),
    at_once int check (at_once between 1 and 100000),
    mode text not null check (mode in ('enforce', 'observe')),
    by_operator boolean not null,
    asked bigint not null default 0,
    would_refuse bigint not null default 0,
    primary key (account, livemode, id)
);
create unique index rate_limit_once on rate_limit (account, livemode, scope, subject, class, mode);

create table address_rule (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    description text,
    scope text not null check (scope in ('account', 'class', 'key', 'role', 'app')),
    subject text not null,
    networks text[] not null check (cardinality(networks) between 1 and 100),
    mode text not null check (mode in ('enforce', 'dry_run')),
    primary key (account, livemode, id)
);

-- Requests by the second, an hour to a row: pairs of the second in the hour and how many came, two bytes each.
-- sender tells the addresses of keys that shoppers use apart, as a keyed hash; it is empty for all others.
create table traffic (
    account text not null,
    livemode boolean not null,
    hour bigint not null,
    subject text not null,
    class text not null,
    sender text not null,
    asked bigint not null,
    refused bigint not null,
    seconds bytea not null,
    primary key (account, livemode, hour, subject, class, sender)
);

-- Buckets that stay busy for longer than a restart takes, under keyed hashes of their names.
create table limit_state (
    bucket bytea primary key,
    until_ms bigint not null
);

grant select, insert, update, delete on rate_limit, address_rule, limit_state to lockgate_gateway;
grant select on rate_limit, address_rule to lockgate_worker;
grant select, insert, update on traffic to lockgate_gateway;
grant select, delete on traffic to lockgate_worker;
grant select, delete on limit_state to lockgate_worker;

do $$
declare name text;
begin
    foreach name in array array['rate_limit', 'address_rule', 'traffic'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
grant select on rate_limit, address_rule, traffic to lockgate_reporting;
