-- What was decided of each payment attempt, never changed afterwards, and how strict each account's built-in rules are.
set local search_path = gateway;

create table risk_decision (
    account text not null,
    livemode boolean not null,
    id text not null,
    created bigint not null,
    at_ms bigint not null,
    attempt text not null,
    intent text,
    charge text,
    verdict text not null check (verdict in ('allow', 'flag', 'challenge', 'review', 'block')),
    challenge boolean not null,
    flagged boolean not null,
    score double precision,
    model text,
    ruleset text not null,
    rule text,
    data jsonb not null,
    attributes bytea not null,  -- a byte for each, see rules/core/packed.py
    others jsonb not null,  -- what does not fit into one
    primary key (account, livemode, id)
);
create index risk_decision_attempt on risk_decision (account, livemode, attempt);
create index risk_decision_intent on risk_decision (account, livemode, intent, id) where intent is not null;
create index risk_decision_charge on risk_decision (account, livemode, charge, id) where charge is not null;
-- The few that somebody looks through.
create index risk_decision_verdict on risk_decision (account, livemode, verdict, id) where verdict <> 'allow';
create index risk_decision_time on risk_decision (account, livemode, at_ms);
-- For retention.
create index risk_decision_age on risk_decision using brin (created);

-- What an account has set otherwise than the built-in rules have it.
create table risk_setting (
    account text not null,
    livemode boolean not null,
    version int not null,
    updated bigint not null,
    updated_by text not null,
    data jsonb not null,
    primary key (account, livemode)
);

grant select, insert on risk_decision to lockgate_gateway, lockgate_worker;
grant delete on risk_decision to lockgate_worker;
grant select, insert, update on risk_setting to lockgate_gateway;
grant select on risk_setting to lockgate_worker;

do $$
declare name text;
begin
    foreach name in array array['risk_decision', 'risk_setting'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
grant select on risk_decision, risk_setting to lockgate_reporting;
