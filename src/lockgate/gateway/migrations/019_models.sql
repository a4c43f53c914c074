-- The score: models, what is known of frauds, and how far each model's inputs have drifted.
set local search_path = gateway;

-- A word on one payment: fraud or not. Never changed; the word that was known last is believed.
create table risk_label (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null check (version = 1),
    created bigint not null,
    attempt text,
    charge text,
    fraud boolean not null,
    source text not null,
    known_ms bigint not null,
    primary key (account, livemode, id),
    check (attempt is not null or charge is not null)
);
create index risk_label_attempt on risk_label (account, livemode, attempt, known_ms) where attempt is not null;
create index risk_label_known on risk_label (account, livemode, known_ms);

-- The payments that are believed to be fraud, with their keys as velocity has them: what frauds per key are counted by.
-- known_ms is when that was first known, at_ms when the payment was made.
create table risk_fraud (
    account text not null,
    livemode boolean not null,
    attempt text not null,
    at_ms bigint not null,
    known_ms bigint not null,
    card bytea,
    customer bytea,
    ip bytea,
    device bytea,
    email bytea,
    bin bytea,
    primary key (account, livemode, attempt)
);
create index risk_fraud_card on risk_fraud (account, livemode, card, known_ms) where card is not null;
create index risk_fraud_customer on risk_fraud (account, livemode, customer, known_ms) where customer is not null;
create index risk_fraud_ip on risk_fraud (account, livemode, ip, known_ms) where ip is not null;
create index risk_fraud_device on risk_fraud (account, livemode, device, known_ms) where device is not null;
create index risk_fraud_email on risk_fraud (account, livemode, email, known_ms) where email is not null;
create index risk_fraud_bin on risk_fraud (account, livemode, bin, known_ms) where bin is not null;

-- Who writes a label names the charge or the attempt. A payment that becomes known as fraud is counted with each of its
-- keys at the time from which it was known, and no longer once somebody who knows more takes it back. A label of a payment
-- that nobody judged is kept, and counts for nothing.
create function note_risk_label() returns trigger language plpgsql set search_path = gateway, pg_temp as $$
declare
    seen risk_event%rowtype;
    believed risk_fraud%rowtype;
    counts_from bigint;
begin
    if new.attempt is null then
        new.attempt := (select d.attempt from risk_decision d
            where d.account = new.account and d.livemode = new.livemode and d.charge = new.charge order by d.id limit 1);
        if new.attempt is null then  -- what it was judged as came to nothing before its challenge was passed
            new.attempt := (select a.data->>'authorize' from charge c join attempt a on a.account = new.account
                and a.livemode = new.livemode and a.intent = c.intent and a.charge = c.id and a.action = 'complete'
                where c.account = new.account and c.livemode = new.livemode and c.id = new.charge limit 1);
        end if;
    elsif new.charge is null then
        new.charge := (select d.charge from risk_decision d
            where d.account = new.account and d.livemode = new.livemode and d.attempt = new.attempt order by d.id limit 1);
    end if;
    select * into seen from risk_event e
    where e.account = new.account and e.livemode = new.livemode and e.attempt = new.attempt for update;
    if not found then
        return new;
    end if;
    select * into believed from risk_fraud f
    where f.account = new.account and f.livemode = new.livemode and f.attempt = new.attempt;
    if new.fraud then
        if exists (
            select from risk_label l
            where l.account = new.account and l.livemode = new.livemode and l.attempt = new.attempt
            and not l.fraud and l.known_ms > new.known_ms
        ) then
            return new;
        end if;
        counts_from := least(believed.known_ms, new.known_ms);
    elsif believed.known_ms > new.known_ms then
        counts_from := believed.known_ms;
    end if;
    if counts_from is not distinct from believed.known_ms then
        return new;
    end if;
    delete from risk_fraud f
    where f.account = new.account and f.livemode = new.livemode and f.attempt = new.attempt;
    if counts_from is not null then
        insert into risk_fraud (account, livemode, attempt, at_ms, known_ms, card, customer, ip, device, email, bin)
        values (new.account, new.livemode, new.attempt, seen.at_ms, counts_from, seen.card, seen.customer, seen.ip,
            seen.device, seen.email, seen.bin);
    end if;
    insert into risk_use (account, livemode, kind, key, at_ms, amount, attempts, declines, blocks, frauds)
    select new.account, new.livemode, k.kind, k.key, w.at_ms, 0, 0, 0, 0, w.frauds
    from (values ('card', seen.card), ('customer', seen.customer), ('ip', seen.ip), ('device', seen.device),
        ('email', seen.email), ('bin', seen.bin)) k (kind, key)
    cross join (values (believed.known_ms, -1), (counts_from, 1)) w (at_ms, frauds)
    where k.key is not null and w.at_ms is not null;
    return new;
end $$;
create trigger note_risk_label before insert on risk_label for each row execute function note_risk_label();

create or replace function record_tables_v1() returns text[] language sql immutable as $$
    select array['setup_attempt', 'mandate', 'card_token', 'checkout_session', 'dispute', 'early_fraud_warning',
        'review', 'payout', 'payout_line', 'payout_schedule', 'value_list', 'value_list_item', 'test_clock', 'risk_label']
$$;

-- Models of this installation, as signed files; '-' is the operator's own, for every account that has none. ``role``:
-- what is served, what scores beside it, or nothing.
create table risk_model (
    account text not null,
    id text not null,
    created bigint not null,
    created_by text not null,
    role text not null check (role in ('none', 'serving', 'shadow')),
    file bytea not null,
    metrics jsonb not null,
    primary key (account, id)
);
create unique index risk_model_role on risk_model (account, role) where role <> 'none';


-- How far what a model is given has moved from what it was trained on, by the day: feature -> PSI.
create table risk_drift (
    account text not null,
    livemode boolean not null,
    model text not null,
    day date not null,
    created bigint not null,
    payments bigint not null,
    worst double precision not null,
    data jsonb not null,
    primary key (account, livemode, model, day)
);

grant select, insert on risk_label to lockgate_gateway, lockgate_worker;
grant delete on risk_label to lockgate_worker;
grant select, insert, update, delete on risk_fraud to lockgate_gateway, lockgate_worker;
grant select, insert, update on risk_model to lockgate_gateway;
grant select on risk_model to lockgate_worker;
grant select on risk_drift to lockgate_gateway;
grant select, insert, update, delete on risk_drift to lockgate_worker;

do $$
declare name text;
begin
    foreach name in array array['risk_label', 'risk_fraud'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
    foreach name in array array['risk_model', 'risk_drift'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
grant select on risk_label, risk_drift to lockgate_reporting;

-- Habits: what the last payments with a card, customer or device add up to; scoring/core/habits.py says what each figure
-- means, and is their twin.
create index risk_event_card on risk_event (account, livemode, card, at_ms) where card is not null;
create index risk_event_customer on risk_event (account, livemode, customer, at_ms) where customer is not null;
create index risk_event_device on risk_event (account, livemode, device, at_ms) where device is not null;

-- Without a setting of its own, so that it becomes part of the statement that selects from it and is planned once with it.
create function risk_habits_v1(
    p_account text, p_livemode boolean, p_card bytea, p_customer bytea, p_device bytea,
    p_now_ms bigint, p_past int, p_settles_ms bigint
) returns table (
    kind text, payments bigint, honest bigint, amount numeric, squares numeric, last_ms bigint, clean bigint,
    highest bigint, clean_ms bigint, run bigint, run_ms bigint, run_lowest bigint
) language sql stable as $$
    with past as (
        (select 'card' as kind, e.attempt, e.at_ms, e.amount from risk_event e
            where e.account = p_account and e.livemode = p_livemode and e.card = p_card and e.state <> 'void'
            order by e.at_ms desc limit p_past)
        union all
        (select 'customer', e.attempt, e.at_ms, e.amount from risk_event e
            where e.account = p_account and e.livemode = p_livemode and e.customer = p_customer and e.state <> 'void'
            order by e.at_ms desc limit p_past)
        union all
        (select 'device', e.attempt, e.at_ms, e.amount from risk_event e
            where e.account = p_account and e.livemode = p_livemode and e.device = p_device and e.state <> 'void'
            order by e.at_ms desc limit p_past)
    ), known as (
        select p.kind, p.at_ms, p.amount, f.attempt is not null as fraud,
            max(p.at_ms) filter (where f.attempt is not null) over (partition by p.kind) as last_ms,
            max(p.at_ms) filter (where f.attempt is null and p.at_ms <= p_now_ms - p_settles_ms)
                over (partition by p.kind) as clean_ms
        from past p left join risk_fraud f on f.account = p_account and f.livemode = p_livemode
            and f.attempt = p.attempt and f.known_ms <= p_now_ms
    )
    select k.kind, count(*), count(*) filter (where not k.fraud),
        coalesce(sum(k.amount) filter (where not k.fraud), 0),
        coalesce(sum(k.amount::numeric * k.amount) filter (where not k.fraud), 0),
        max(k.last_ms), count(*) filter (where not k.fraud and k.at_ms > k.last_ms and k.at_ms <= p_now_ms - p_settles_ms),
        max(k.amount) filter (where not k.fraud and k.at_ms > p_now_ms - p_settles_ms),
        max(k.clean_ms), count(*) filter (where k.fraud and k.at_ms > coalesce(k.clean_ms, -1)),
        min(k.at_ms) filter (where k.fraud and k.at_ms > coalesce(k.clean_ms, -1)),
        min(k.amount) filter (where k.fraud and k.at_ms > coalesce(k.clean_ms, -1))
    from known k group by k.kind
$$;
revoke all on function risk_habits_v1 from public;
grant execute on function risk_habits_v1 to lockgate_gateway, lockgate_worker;
