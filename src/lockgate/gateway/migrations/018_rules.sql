-- Rules that merchants write about payments, every version of them, and what reads a million decisions quickly.
set local search_path = gateway;

-- How often an account's rules were changed: processes look at this one number, twice a second at most.
create table risk_ruleset (
    account text not null,
    livemode boolean not null,
    revision bigint not null check (revision > 0),
    primary key (account, livemode)
);

-- A rule as it is now. tree is what its text says, with amounts in US cents as they were when it was saved.
create table risk_rule (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null check (version > 0),
    created bigint not null,
    updated bigint not null,
    action text not null check (action in ('challenge', 'allow', 'block', 'review', 'flag')),
    state text not null check (state in ('enabled', 'shadow', 'disabled')),
    text text not null,
    tree jsonb not null,
    description text,
    deleted boolean not null,
    primary key (account, livemode, id)
);
create index risk_rule_there on risk_rule (account, livemode, id) where not deleted;

-- Every version, never changed: with the revision it began at, what was in force at any revision can be said for ever.
create table risk_rule_version (
    account text not null,
    livemode boolean not null,
    rule text not null,
    version int not null check (version > 0),
    revision bigint not null,
    created bigint not null,
    author text not null,
    state text not null check (state in ('enabled', 'shadow', 'disabled', 'deleted')),
    text text not null,
    tree jsonb not null,
    primary key (account, livemode, rule, version)
);
create index risk_rule_version_revision on risk_rule_version (account, livemode, revision);

-- A decision of two kilobytes stays in one piece: to unpack each of a million takes longer than to read them.
alter table risk_decision set (toast_tuple_target = 8160);

grant select, insert, update on risk_ruleset, risk_rule to lockgate_gateway;
grant select, insert on risk_rule_version to lockgate_gateway;
grant select on risk_ruleset, risk_rule, risk_rule_version to lockgate_worker, lockgate_reporting;

do $$
declare name text;
begin
    foreach name in array array['risk_ruleset', 'risk_rule', 'risk_rule_version'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
