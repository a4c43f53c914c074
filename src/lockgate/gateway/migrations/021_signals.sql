-- Radar sessions: what one visit to a payment page looked like, judged; thirty days at most. Typing profiles.
set local search_path = gateway;

-- facts holds what was judged and is no more personal than the decision that repeats it; raw what it was judged by,
-- sealed under a key of that day. day is the day of the world's clock, by which the row goes.
create table risk_session (
    account text not null,
    livemode boolean not null,
    id text not null,
    created bigint not null,
    day int not null,
    device bytea check (length(device) = 16),
    fingerprint bytea check (length(fingerprint) = 16),
    is_device_new boolean not null,
    facts jsonb not null,
    raw bytea,
    learned boolean not null default false,
    primary key (account, livemode, id)
);
create index risk_session_fingerprint on risk_session (account, livemode, fingerprint, created);
create index risk_session_learn on risk_session (account, livemode, id) where not learned and raw is not null;
create index risk_decision_session on risk_decision (account, livemode, (data->>'session')) where data ? 'session';
create index risk_session_day on risk_session (day);

-- The latest typing samples of a customer, sealed under the customer's own key: who is erased has no profile.
create table typing_profile (
    account text not null,
    livemode boolean not null,
    customer text not null,
    day int not null,
    samples bytea not null,
    primary key (account, livemode, customer)
);
create index typing_profile_day on typing_profile (day);

-- What the account wants of the collector: off, on with a notice, or on once the shopper agrees.
create table collector_setting (
    account text not null,
    livemode boolean not null,
    collector text not null check (collector in ('off', 'notice', 'ask')),
    profiles boolean not null,
    notice text,
    primary key (account, livemode)
);

grant select, insert, delete on risk_session to lockgate_gateway;
grant select, insert, update on typing_profile, collector_setting to lockgate_gateway;
grant delete on typing_profile to lockgate_gateway;
grant select, delete on risk_session, typing_profile to lockgate_worker;
grant insert, update on typing_profile to lockgate_worker;
grant update (learned) on risk_session to lockgate_worker;
grant select on collector_setting to lockgate_worker;

do $$
declare name text;
begin
    foreach name in array array['risk_session', 'typing_profile', 'collector_setting'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
