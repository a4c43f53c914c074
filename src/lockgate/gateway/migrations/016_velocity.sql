-- Velocity: how often, how much and with how many others a key (a card, an address, ...) was seen; and the third version
-- of the commit, which writes what is counted and checks what a verdict rested on.
set local search_path = gateway;

-- One judged payment attempt, by keyed hashes of what it was paid with and from: it is itself what counts, for each of its
-- keys. Kept for as long as somebody may still say how it ended: the issuer, or a cardholder who objects. What changes in
-- it (state, fraud_ms) stands in no index, so that a change is cheap.
create table risk_event (
    account text not null,
    livemode boolean not null,
    attempt text not null,
    at_ms bigint not null,
    card bytea,
    customer bytea,
    ip bytea,
    device bytea,
    email bytea,
    bin bytea,
    amount bigint not null check (amount >= 0),
    state text not null check (state in ('open', 'approved', 'declined', 'blocked', 'void')),
    -- Roughly where it was made: latitude and longitude to a tenth of a degree, and how many kilometres they may be off.
    place real[],
    -- From when it is known as fraud, as far as that is believed.
    fraud_ms bigint,
    -- For which of its keys it stands in their counts and not for itself: 1 card, 2 customer, 4 ip, 8 device, 16 email, 32 bin.
    folded smallint not null default 0,
    seq bigint generated always as identity,
    primary key (account, livemode, attempt)
) with (fillfactor = 90);
create index risk_event_age on risk_event using brin (at_ms);
-- The worker meets every 17th, and so whatever is used much.
create index risk_event_met on risk_event (seq) where seq % 17 = 0;
create index risk_event_card on risk_event (card, at_ms) where card is not null and folded & 1 = 0;
create index risk_event_customer on risk_event (customer, at_ms) where customer is not null and folded & 2 = 0;
create index risk_event_ip on risk_event (ip, at_ms) where ip is not null and folded & 4 = 0;
create index risk_event_device on risk_event (device, at_ms) where device is not null and folded & 8 = 0;
create index risk_event_email on risk_event (email, at_ms) where email is not null and folded & 16 = 0;
create index risk_event_bin on risk_event (bin, at_ms) where bin is not null and folded & 32 = 0;

-- The attempts that stand for themselves, by each of their keys, with the others of which it is counted how many different
-- ones the key was seen with. Whoever selects one kind reads one index.
create view risk_single with (security_invoker = true) as
    select 'card' as kind, e.card as key, e.account, e.livemode, e.attempt, e.at_ms, e.amount, e.state, e.fraud_ms, e.place,
        null::bytea as card, e.customer, e.ip, e.device, e.email, e.ctid as line
    from risk_event e where e.card is not null and e.folded & 1 = 0
    union all
    select 'customer', e.customer, e.account, e.livemode, e.attempt, e.at_ms, e.amount, e.state, e.fraud_ms, e.place,
        e.card, null, null, null, null, e.ctid
    from risk_event e where e.customer is not null and e.folded & 2 = 0
    union all
    select 'ip', e.ip, e.account, e.livemode, e.attempt, e.at_ms, e.amount, e.state, e.fraud_ms, e.place,
        e.card, null, null, null, e.email, e.ctid
    from risk_event e where e.ip is not null and e.folded & 4 = 0
    union all
    select 'device', e.device, e.account, e.livemode, e.attempt, e.at_ms, e.amount, e.state, e.fraud_ms, e.place,
        e.card, null, e.ip, null, e.email, e.ctid
    from risk_event e where e.device is not null and e.folded & 8 = 0
    union all
    select 'email', e.email, e.account, e.livemode, e.attempt, e.at_ms, e.amount, e.state, e.fraud_ms, e.place,
        e.card, null, e.ip, null, null, e.ctid
    from risk_event e where e.email is not null and e.folded & 16 = 0
    union all
    select 'bin', e.bin, e.account, e.livemode, e.attempt, e.at_ms, e.amount, e.state, e.fraud_ms, e.place,
        e.card, null, e.ip, null, null, e.ctid
    from risk_event e where e.bin is not null and e.folded & 32 = 0;

-- What became of attempts after they were folded, as differences dated as the attempt (or as the fraud was known), until
-- they are folded too.
create table risk_use (
    account text not null,
    livemode boolean not null,
    kind text not null,
    key bytea not null,
    at_ms bigint not null,
    amount bigint not null,
    attempts smallint not null,
    declines smallint not null,
    blocks smallint not null,
    frauds smallint not null
);
create index risk_use_key on risk_use (key, kind, account, livemode, at_ms);
create index risk_use_age on risk_use using brin (at_ms);

-- What was folded, by whole spans of 10 seconds, a minute, 10 minutes, an hour and a day; ``cards`` and so on say how many
-- others were seen with the key for the last time in this span, so that their sum over a window is how many different ones
-- it saw.
create table risk_count (
    account text not null,
    livemode boolean not null,
    kind text not null,
    key bytea not null,
    span int not null check (span in (10, 60, 600, 3600, 86400)),
    bucket bigint not null,
    amount bigint not null,
    attempts int not null,
    declines int not null,
    blocks int not null,
    frauds int not null,
    cards int not null,
    customers int not null,
    ips int not null,
    devices int not null,
    emails int not null,
    primary key (key, kind, account, livemode, span, bucket)
);

-- Which attempts were folded for a key: for as long as the edge of an exact window may cut through their 10 seconds; of
-- cards, customers and devices as long as the attempts themselves, for what their last payments were like.
create table risk_folded (
    account text not null,
    livemode boolean not null,
    kind text not null,
    key bytea not null,
    at_ms bigint not null,
    attempt text not null,
    placed boolean not null
);
create index risk_folded_key on risk_folded (key, kind, account, livemode, at_ms);
create index risk_folded_place on risk_folded (key, kind, account, livemode, at_ms) where placed;
create index risk_folded_age on risk_folded using brin (at_ms);

-- Of what was folded: when each other (``others`` is its kind) was last seen with the key.
create table risk_pair (
    account text not null,
    livemode boolean not null,
    kind text not null,
    key bytea not null,
    others text not null,
    other bytea not null,
    last_ms bigint not null,
    primary key (other, others, key, kind, account, livemode)
);
-- Of the two indexes neither can stand in for the other (nothing lies outside the partial one): a plan that was made
-- while the table was empty stays a good one.
create index risk_pair_last on risk_pair (key, kind, account, livemode, last_ms, others) where last_ms > 0;

-- When a key was seen first, and last, as far as its attempts do not say it any more; and whether any were folded.
create table risk_key (
    account text not null,
    livemode boolean not null,
    kind text not null,
    key bytea not null,
    first_ms bigint,
    last_ms bigint not null,
    folded boolean not null,
    primary key (key, kind, account, livemode)
);

create type risk_event_v1 as (
    account text, livemode boolean, attempt text, at_ms bigint, card bytea, customer bytea, ip bytea, device bytea,
    email bytea, bin bytea, amount bigint, state text, place real[]
);
create type risk_decision_v1 as (
    account text, livemode boolean, id text, created bigint, at_ms bigint, attempt text, intent text, charge text,
    verdict text, challenge boolean, flagged boolean, score double precision, model text, ruleset text, rule text,
    data jsonb, attributes bytea, others jsonb
);
create type risk_outcome_v1 as (account text, livemode boolean, attempt text, state text);
create type risk_guard_v1 as (
    account text, livemode boolean, kind text, key bytea, measure text, since_ms bigint, low bigint, high bigint
);

-- The commits of a batch whose guards do not hold. A guard says between which values (low included, high not; null: open)
-- one measure of one key must lie over all that happened after since_ms, the commit's own attempt with it, as it was
-- judged. What another machine, whose clock is a little ahead, dated later has happened all the same, so there is no upper
-- end. The lock makes commits that guard one key come one after the other, and the reads are statements of their own
-- after it: they see every attempt that came before. Attempts earlier in the same batch count as well.
create function overrun_v1(
    p_guards risk_guard_v1[], n_guards int[], p_events risk_event_v1[], n_events int[], p_outcome text[]
) returns int[] language plpgsql set search_path = gateway, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    fine int[];  -- commits that are written, as far as it is known yet
    overrun int[] := '{}';
    number int;
    checked int;
    holds boolean;
begin
    perform pg_advisory_xact_lock(locks.name) from (
        select distinct hashtextextended(r.account || r.livemode || r.kind || encode(r.key, 'hex'), 5) as name
        from unnest(p_guards) r order by name
    ) locks;
    fine := array_positions(p_outcome, 'ok');
    -- All at once first, as if none were overrun; only if some are, one after the other.
    foreach number in array 0 || n_guards loop
        continue when number > 0 and (number <> all (fine) or number = checked);
        with guard as (
            select r.*, n_guards[r.ordinality] as number from unnest(p_guards) with ordinality r
            where n_guards[r.ordinality] = number or number = 0 and n_guards[r.ordinality] = any (fine)
        ), hot as materialized (
            select from guard g cross join lateral (
                select from risk_key t where t.key = g.key and t.kind = g.kind and t.account = g.account
                and t.livemode = g.livemode and t.folded offset 0
            ) k limit 1
        ), seen as materialized (
            select k.account, k.livemode, k.kind, k.key, 0 as number, s.at_ms, s.amount, s.state,
                s.card, s.customer, s.ip, s.device, s.email
            from (select g.account, g.livemode, g.kind, g.key, min(g.since_ms) as since_ms from guard g group by 1, 2, 3, 4) k
            cross join lateral (
                select * from risk_single t where t.kind = k.kind and t.key = k.key and t.account = k.account
                and t.livemode = k.livemode and t.at_ms > k.since_ms offset 0
            ) s
            union all
            select e.account, e.livemode, u.kind, u.key, n_events[e.ordinality], e.at_ms, e.amount, e.state,
                e.card, e.customer, e.ip, e.device, e.email
            from unnest(p_events) with ordinality e
            cross join lateral (values ('card', e.card), ('customer', e.customer), ('ip', e.ip), ('device', e.device),
                ('email', e.email), ('bin', e.bin)) u (kind, key)
            where u.key is not null and n_events[e.ordinality] = any (fine)
        )
        select bool_and(coalesce(m.value >= g.low, true) and coalesce(m.value < g.high, true)) into holds
        from guard g
        cross join lateral (
            select case when g.measure in ('attempts', 'amount', 'declines', 'blocks') then (
                select coalesce(sum(case g.measure when 'attempts' then (s.number > 0 or s.state <> 'void')::int
                    when 'amount' then case when s.number = g.number or s.state in ('open', 'approved') then s.amount else 0 end
                    when 'declines' then (s.number <> g.number and s.state = 'declined')::int
                    else (s.number <> g.number and s.state = 'blocked')::int end), 0)
                from seen s
                where s.key = g.key and s.kind = g.kind and s.account = g.account and s.livemode = g.livemode
                and s.at_ms > g.since_ms and s.number <= g.number
            ) + case when exists (select from hot) then risk_folded_v1(g.account, g.livemode, g.kind, g.key, g.measure, g.since_ms)
                else 0 end
            else (
                select count(*) from (
                    select distinct case g.measure when 'cards' then s.card when 'customers' then s.customer
                        when 'ips' then s.ip when 'devices' then s.device else s.email end as other
                    from seen s
                    where s.key = g.key and s.kind = g.kind and s.account = g.account and s.livemode = g.livemode
                    and s.at_ms > g.since_ms and s.number <= g.number
                ) fresh
                where fresh.other is not null and case when exists (select from hot) then not exists (
                    select from risk_pair p
                    where p.key = g.key and p.kind = g.kind and p.account = g.account and p.livemode = g.livemode
                    and p.others = g.measure and p.other = fresh.other and p.last_ms > g.since_ms) else true end
            ) + case when exists (select from hot) then risk_folded_v1(g.account, g.livemode, g.kind, g.key, g.measure, g.since_ms)
                else 0 end
            end as value offset 0
        ) m;
        exit when number = 0 and holds is not false;
        checked := number;
        if number > 0 and not holds then
            overrun := overrun || number;
            fine := array_remove(fine, number);
        end if;
    end loop;
    return overrun;
end $$;

-- One measure of what was folded of a key, over all after since_ms. The 10 seconds that since_ms cuts through are added up
-- from the attempts themselves, as they now stand; differences that are not folded yet count for the rest.
create function risk_folded_v1(
    p_account text, p_livemode boolean, p_kind text, p_key bytea, p_measure text, p_since_ms bigint
) returns bigint language plpgsql stable set search_path = gateway, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    tick constant bigint := p_since_ms / 10000 + 1;
    minute constant bigint := (tick + 5) / 6;
    tens constant bigint := (minute + 9) / 10;
begin
    if p_measure in ('attempts', 'amount', 'declines', 'blocks') then
        return (
            select coalesce(sum(case p_measure when 'attempts' then part.attempts when 'amount' then part.amount
                when 'declines' then part.declines else part.blocks end), 0)::bigint
            from (
                select u.amount, u.attempts, u.declines, u.blocks from risk_use u
                where u.key = p_key and u.kind = p_kind and u.account = p_account and u.livemode = p_livemode
                and u.at_ms >= tick * 10000
                union all
                select c.amount, c.attempts, c.declines, c.blocks from risk_count c
                where c.key = p_key and c.kind = p_kind and c.account = p_account and c.livemode = p_livemode
                and c.span = 10 and c.bucket >= tick and c.bucket < minute * 6
                union all
                select c.amount, c.attempts, c.declines, c.blocks from risk_count c
                where c.key = p_key and c.kind = p_kind and c.account = p_account and c.livemode = p_livemode
                and c.span = 60 and c.bucket >= minute and c.bucket < tens * 10
                union all
                select c.amount, c.attempts, c.declines, c.blocks from risk_count c
                where c.key = p_key and c.kind = p_kind and c.account = p_account and c.livemode = p_livemode
                and c.span = 600 and c.bucket >= tens
                union all
                select case when e.state in ('open', 'approved') then e.amount else 0 end, (e.state <> 'void')::int,
                    (e.state = 'declined')::int, (e.state = 'blocked')::int
                from risk_folded f
                cross join lateral (
                    select * from risk_event t where t.account = p_account and t.livemode = p_livemode
                    and t.attempt = f.attempt offset 0
                ) e
                where f.key = p_key and f.kind = p_kind and f.account = p_account and f.livemode = p_livemode
                and f.at_ms > p_since_ms and f.at_ms < tick * 10000
            ) part
        );
    end if;
    return (
        select coalesce(sum(case p_measure when 'cards' then c.cards when 'customers' then c.customers
            when 'ips' then c.ips when 'devices' then c.devices else c.emails end), 0)
        from risk_count c
        where c.key = p_key and c.kind = p_kind and c.account = p_account and c.livemode = p_livemode
        and (c.span = 10 and c.bucket >= tick and c.bucket < minute * 6
            or c.span = 60 and c.bucket >= minute and c.bucket < tens * 10 or c.span = 600 and c.bucket >= tens)
    ) + (
        select count(*) from risk_pair p
        where p.key = p_key and p.kind = p_kind and p.account = p_account and p.livemode = p_livemode
        and p.others = p_measure and p.last_ms > p_since_ms and p.last_ms < tick * 10000 and p.last_ms > 0
    );
end $$;

-- Records as 005 has them, but what only comes new asks for no right to change it: labels are never changed.
create or replace function moved_records_v1(p_records jsonb) returns int[]
language plpgsql set search_path = gateway, pg_temp as $$
declare
    name text;
    found int[];
    moved int[] := '{}';
begin
    foreach name in array record_tables_v1() loop
        continue when not p_records ? name;
        continue when not jsonb_path_exists(p_records->name, '$.rows[*] ? (@.version > 1)');
        execute format('select from %1$I t join jsonb_populate_recordset(null::%1$I, $1) r using (account, livemode, id)'
            ' where r.version > 1 order by t.account, t.livemode, t.id for update of t', name)
        using p_records->name->'rows';
        execute format('select array_agg(($1->>(r.ordinality::int - 1))::int)'
            ' from jsonb_populate_recordset(null::%1$I, $2) with ordinality r where r.version > 1 and not exists ('
            ' select from %1$I t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)'
            ' and t.version = r.version - 1)', name)
        into found using p_records->name->'numbers', p_records->name->'rows';
        moved := moved || found;
    end loop;
    return coalesce(moved, '{}');
end $$;

create or replace function write_records_v1(p_records jsonb, good int[]) returns void
language plpgsql set search_path = gateway, pg_temp as $$
declare
    name text;
    columns text;
    theirs text;
    expected int;
    written int;
begin
    foreach name in array record_tables_v1() loop
        continue when not p_records ? name;
        select string_agg(quote_ident(attname), ', ' order by attnum),
            string_agg('r.' || quote_ident(attname), ', ' order by attnum)
        into columns, theirs
        from pg_attribute where attrelid = name::regclass and attnum > 0 and not attisdropped;
        execute format('insert into %1$I (%2$s) select %3$s from jsonb_populate_recordset(null::%1$I, $1)'
            ' with ordinality r where r.version = 1'
            ' and ($2 is null or ($3->>(r.ordinality::int - 1))::int = any ($2))', name, columns, theirs)
        using p_records->name->'rows', good, p_records->name->'numbers';
        continue when not jsonb_path_exists(p_records->name, '$.rows[*] ? (@.version > 1)');
        execute format('update %1$I t set (%2$s) = row(%3$s) from jsonb_populate_recordset(null::%1$I, $1)'
            ' with ordinality r where r.version > 1'
            ' and (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1'
            ' and ($2 is null or ($3->>(r.ordinality::int - 1))::int = any ($2))', name, columns, theirs)
        using p_records->name->'rows', good, p_records->name->'numbers';
        get diagnostics written = row_count;
        execute format('select count(*) from jsonb_populate_recordset(null::%1$I, $1) with ordinality r'
            ' where r.version > 1 and ($2 is null or ($3->>(r.ordinality::int - 1))::int = any ($2))', name)
        into expected using p_records->name->'rows', good, p_records->name->'numbers';
        if written <> expected then
            raise exception 'two commits of one batch change the same row of %', name;
        end if;
    end loop;
end $$;

-- The money path's only writer, as 002 and 005 describe it, with what risk counts and decides. A fifth outcome is
-- 'overrun': a guard does not hold any more, so the verdict in this commit is out of date.
--
-- Every join here finds a few given rows by their key, and is planned once for a connection, perhaps while the tables are
-- empty: it must not read a table from end to end when that is full, nor be planned anew for each commit.
drop function commit_v2;

create function commit_v3(
    p_count int,
    p_claims idempotency[], n_claims int[],
    p_answers answer_v1[], n_answers int[],
    p_releases release_v1[], n_releases int[],
    p_new_customers customer[], n_new_customers int[],
    p_changed_customers customer[], n_changed_customers int[],
    p_new_payment_methods payment_method[], n_new_payment_methods int[],
    p_changed_payment_methods payment_method[], n_changed_payment_methods int[],
    p_new_payment_intents payment_intent[], n_new_payment_intents int[],
    p_changed_payment_intents payment_intent[], n_changed_payment_intents int[],
    p_new_setup_intents setup_intent[], n_new_setup_intents int[],
    p_changed_setup_intents setup_intent[], n_changed_setup_intents int[],
    p_new_charges charge[], n_new_charges int[],
    p_changed_charges charge[], n_changed_charges int[],
    p_new_refunds refund[], n_new_refunds int[],
    p_changed_refunds refund[], n_changed_refunds int[],
    p_new_attempts attempt[], n_new_attempts int[],
    p_changed_attempts attempt[], n_changed_attempts int[],
    p_new_balance_transactions balance_transaction[], n_new_balance_transactions int[],
    p_changed_balance_transactions balance_transaction[], n_changed_balance_transactions int[],
    p_new_webhook_endpoints webhook_endpoint[], n_new_webhook_endpoints int[],
    p_changed_webhook_endpoints webhook_endpoint[], n_changed_webhook_endpoints int[],
    p_transfers transfer[], n_transfers int[],
    p_events event[], n_events int[],
    p_outboxes outbox[], n_outboxes int[],
    p_audits audit[], n_audits int[],
    p_risk_events risk_event_v1[], n_risk_events int[],
    p_risk_decisions risk_decision_v1[], n_risk_decisions int[],
    p_risk_outcomes risk_outcome_v1[], n_risk_outcomes int[],
    p_risk_guards risk_guard_v1[], n_risk_guards int[],
    p_records jsonb
) returns text[] language plpgsql set search_path = gateway, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    outcome text[] := array_fill('ok'::text, array[p_count]);
    good int[];  -- the commits that may be written; null while that is all of them
    number int;
    written int;
begin
    if cardinality(p_claims) > 0 then
        for number in
            with taken as (
                insert into idempotency select r.* from unnest(p_claims) r order by r.account, r.livemode, r.key
                on conflict do nothing returning owner
            )
            select n_claims[r.ordinality] from unnest(p_claims) with ordinality r
            where r.owner not in (select owner from taken)
        loop
            outcome[number] := 'key_in_use';
        end loop;
    end if;

    if cardinality(p_changed_customers) > 0 then
        perform from customer t join unnest(p_changed_customers) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_customers[r.ordinality] from unnest(p_changed_customers) with ordinality r
            where not exists (
                select from customer t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_changed_payment_methods) > 0 then
        perform from payment_method t join unnest(p_changed_payment_methods) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_payment_methods[r.ordinality] from unnest(p_changed_payment_methods) with ordinality r
            where not exists (
                select from payment_method t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_changed_payment_intents) > 0 then
        perform from payment_intent t join unnest(p_changed_payment_intents) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_payment_intents[r.ordinality] from unnest(p_changed_payment_intents) with ordinality r
            where not exists (
                select from payment_intent t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_changed_setup_intents) > 0 then
        perform from setup_intent t join unnest(p_changed_setup_intents) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_setup_intents[r.ordinality] from unnest(p_changed_setup_intents) with ordinality r
            where not exists (
                select from setup_intent t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_changed_charges) > 0 then
        perform from charge t join unnest(p_changed_charges) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_charges[r.ordinality] from unnest(p_changed_charges) with ordinality r
            where not exists (
                select from charge t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_changed_refunds) > 0 then
        perform from refund t join unnest(p_changed_refunds) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_refunds[r.ordinality] from unnest(p_changed_refunds) with ordinality r
            where not exists (
                select from refund t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_changed_attempts) > 0 then
        perform from attempt t join unnest(p_changed_attempts) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_attempts[r.ordinality] from unnest(p_changed_attempts) with ordinality r
            where not exists (
                select from attempt t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_changed_balance_transactions) > 0 then
        perform from balance_transaction t join unnest(p_changed_balance_transactions) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_balance_transactions[r.ordinality] from unnest(p_changed_balance_transactions) with ordinality r
            where not exists (
                select from balance_transaction t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_changed_webhook_endpoints) > 0 then
        perform from webhook_endpoint t join unnest(p_changed_webhook_endpoints) r using (account, livemode, id)
        order by t.account, t.livemode, t.id for update of t;
        for number in
            select n_changed_webhook_endpoints[r.ordinality] from unnest(p_changed_webhook_endpoints) with ordinality r
            where not exists (
                select from webhook_endpoint t
                where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1)
        loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if p_records is not null then
        foreach number in array moved_records_v1(p_records) loop
            outcome[number] := 'moved';
        end loop;
    end if;

    if cardinality(p_risk_guards) > 0 then
        foreach number in array overrun_v1(p_risk_guards, n_risk_guards, p_risk_events, n_risk_events, outcome) loop
            outcome[number] := 'overrun';
        end loop;
    end if;

    if exists (select from unnest(p_new_attempts) r where r.action = 'payout') then
        select array_agg(n) into good from generate_series(1, p_count) n where outcome[n] = 'ok';
        foreach number in array uncovered_payouts_v1(p_new_attempts, n_new_attempts, coalesce(good, '{}')) loop
            outcome[number] := 'uncovered';
        end loop;
        good := null;
    end if;

    if 'ok' <> any (outcome) then
        select coalesce(array_agg(n), '{}') into good from generate_series(1, p_count) n where outcome[n] = 'ok';
        delete from idempotency i using unnest(p_claims) with ordinality r
        where outcome[n_claims[r.ordinality]] in ('moved', 'uncovered', 'overrun')
        and (i.account, i.livemode, i.key, i.owner) = (r.account, r.livemode, r.key, r.owner);
    end if;

    if cardinality(p_new_customers) > 0 then
        insert into customer select
            r.account, r.livemode, r.id, r.version, r.created, r.deleted, r.email_index, r.data,
            r.personal
        from unnest(p_new_customers) with ordinality r where good is null or n_new_customers[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_customers) > 0 then
        update customer t set (
            version, created, deleted, email_index, data, personal
        ) = (
            r.version, r.created, r.deleted, r.email_index, r.data, r.personal
        ) from unnest(p_changed_customers) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_customers[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_customers, good) then
            raise exception 'two commits of one batch change the same row of customer';
        end if;
    end if;

    if cardinality(p_new_payment_methods) > 0 then
        insert into payment_method select
            r.account, r.livemode, r.id, r.version, r.created, r.type, r.customer, r.fingerprint,
            r.token, r.subject, r.data, r.personal
        from unnest(p_new_payment_methods) with ordinality r where good is null or n_new_payment_methods[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_payment_methods) > 0 then
        update payment_method t set (
            version, created, type, customer, fingerprint, token, subject, data, personal
        ) = (
            r.version, r.created, r.type, r.customer, r.fingerprint, r.token, r.subject, r.data,
            r.personal
        ) from unnest(p_changed_payment_methods) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_payment_methods[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_payment_methods, good) then
            raise exception 'two commits of one batch change the same row of payment_method';
        end if;
    end if;

    if cardinality(p_new_payment_intents) > 0 then
        insert into payment_intent select
            r.account, r.livemode, r.id, r.version, r.created, r.status, r.amount,
            r.amount_capturable, r.amount_received, r.currency, r.customer, r.payment_method,
            r.latest_charge, r.attempt, r.expires_at, r.subject, r.data, r.personal
        from unnest(p_new_payment_intents) with ordinality r where good is null or n_new_payment_intents[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_payment_intents) > 0 then
        update payment_intent t set (
            version, created, status, amount, amount_capturable, amount_received, currency,
            customer, payment_method, latest_charge, attempt, expires_at, subject, data, personal
        ) = (
            r.version, r.created, r.status, r.amount, r.amount_capturable, r.amount_received,
            r.currency, r.customer, r.payment_method, r.latest_charge, r.attempt, r.expires_at,
            r.subject, r.data, r.personal
        ) from unnest(p_changed_payment_intents) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_payment_intents[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_payment_intents, good) then
            raise exception 'two commits of one batch change the same row of payment_intent';
        end if;
    end if;

    if cardinality(p_new_setup_intents) > 0 then
        insert into setup_intent select
            r.account, r.livemode, r.id, r.version, r.created, r.status, r.customer,
            r.payment_method, r.attempt, r.subject, r.data, r.personal
        from unnest(p_new_setup_intents) with ordinality r where good is null or n_new_setup_intents[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_setup_intents) > 0 then
        update setup_intent t set (
            version, created, status, customer, payment_method, attempt, subject, data, personal
        ) = (
            r.version, r.created, r.status, r.customer, r.payment_method, r.attempt, r.subject,
            r.data, r.personal
        ) from unnest(p_changed_setup_intents) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_setup_intents[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_setup_intents, good) then
            raise exception 'two commits of one batch change the same row of setup_intent';
        end if;
    end if;

    if cardinality(p_new_charges) > 0 then
        insert into charge select
            r.account, r.livemode, r.id, r.version, r.created, r.status, r.intent, r.amount,
            r.amount_captured, r.amount_refunded, r.capture_in_doubt, r.refund_in_doubt, r.currency,
            r.customer, r.payment_method, r.balance_transaction, r.processor, r.processor_reference,
            r.subject, r.data, r.personal
        from unnest(p_new_charges) with ordinality r where good is null or n_new_charges[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_charges) > 0 then
        update charge t set (
            version, created, status, intent, amount, amount_captured, amount_refunded,
            capture_in_doubt, refund_in_doubt, currency, customer, payment_method,
            balance_transaction, processor, processor_reference, subject, data, personal
        ) = (
            r.version, r.created, r.status, r.intent, r.amount, r.amount_captured,
            r.amount_refunded, r.capture_in_doubt, r.refund_in_doubt, r.currency, r.customer,
            r.payment_method, r.balance_transaction, r.processor, r.processor_reference, r.subject,
            r.data, r.personal
        ) from unnest(p_changed_charges) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_charges[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_charges, good) then
            raise exception 'two commits of one batch change the same row of charge';
        end if;
    end if;

    if cardinality(p_new_refunds) > 0 then
        insert into refund select
            r.account, r.livemode, r.id, r.version, r.created, r.status, r.charge, r.intent,
            r.amount, r.currency, r.balance_transaction, r.data
        from unnest(p_new_refunds) with ordinality r where good is null or n_new_refunds[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_refunds) > 0 then
        update refund t set (
            version, created, status, charge, intent, amount, currency, balance_transaction, data
        ) = (
            r.version, r.created, r.status, r.charge, r.intent, r.amount, r.currency,
            r.balance_transaction, r.data
        ) from unnest(p_changed_refunds) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_refunds[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_refunds, good) then
            raise exception 'two commits of one batch change the same row of refund';
        end if;
    end if;

    if cardinality(p_new_attempts) > 0 then
        insert into attempt select
            r.account, r.livemode, r.id, r.version, r.created, r.action, r.state, r.intent,
            r.charge, r.refund, r.processor, r.amount, r.currency, r.processor_reference,
            r.send_before_ms, r.next_check_ms, r.checks, r.data
        from unnest(p_new_attempts) with ordinality r where good is null or n_new_attempts[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_attempts) > 0 then
        update attempt t set (
            version, created, action, state, intent, charge, refund, processor, amount, currency,
            processor_reference, send_before_ms, next_check_ms, checks, data
        ) = (
            r.version, r.created, r.action, r.state, r.intent, r.charge, r.refund, r.processor,
            r.amount, r.currency, r.processor_reference, r.send_before_ms, r.next_check_ms,
            r.checks, r.data
        ) from unnest(p_changed_attempts) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_attempts[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_attempts, good) then
            raise exception 'two commits of one batch change the same row of attempt';
        end if;
    end if;

    if cardinality(p_new_balance_transactions) > 0 then
        insert into balance_transaction select
            r.account, r.livemode, r.id, r.version, r.created, r.type, r.status, r.amount, r.fee,
            r.net, r.currency, r.source, r.available_on, r.data
        from unnest(p_new_balance_transactions) with ordinality r where good is null or n_new_balance_transactions[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_balance_transactions) > 0 then
        update balance_transaction t set (
            version, created, type, status, amount, fee, net, currency, source, available_on, data
        ) = (
            r.version, r.created, r.type, r.status, r.amount, r.fee, r.net, r.currency, r.source,
            r.available_on, r.data
        ) from unnest(p_changed_balance_transactions) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_balance_transactions[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_balance_transactions, good) then
            raise exception 'two commits of one batch change the same row of balance_transaction';
        end if;
    end if;

    if cardinality(p_new_webhook_endpoints) > 0 then
        insert into webhook_endpoint select
            r.account, r.livemode, r.id, r.version, r.created, r.url, r.status, r.enabled_events,
            r.deleted, r.secrets, r.data
        from unnest(p_new_webhook_endpoints) with ordinality r where good is null or n_new_webhook_endpoints[r.ordinality] = any (good);
    end if;
    if cardinality(p_changed_webhook_endpoints) > 0 then
        update webhook_endpoint t set (
            version, created, url, status, enabled_events, deleted, secrets, data
        ) = (
            r.version, r.created, r.url, r.status, r.enabled_events, r.deleted, r.secrets, r.data
        ) from unnest(p_changed_webhook_endpoints) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id) and t.version = r.version - 1
        and (good is null or n_changed_webhook_endpoints[r.ordinality] = any (good));
        get diagnostics written = row_count;
        if written <> expected_v1(n_changed_webhook_endpoints, good) then
            raise exception 'two commits of one batch change the same row of webhook_endpoint';
        end if;
    end if;

    if p_records is not null then
        perform write_records_v1(p_records, good);
    end if;

    if cardinality(p_transfers) > 0 then
        insert into transfer select
            r.account, r.livemode, r.id, r.created, r.debit, r.credit, r.amount, r.currency, r.kind,
            r.phase, r.settles, r.source
        from unnest(p_transfers) with ordinality r where good is null or n_transfers[r.ordinality] = any (good);
        insert into balance_delta (account, livemode, ledger, currency, amount)
        select r.account, r.livemode, side.ledger, r.currency, sum(side.amount)
        from unnest(p_transfers) with ordinality r
        cross join lateral (values (r.debit, -r.amount), (r.credit, r.amount)) side(ledger, amount)
        where r.phase = 'posted' and (good is null or n_transfers[r.ordinality] = any (good))
        group by r.account, r.livemode, side.ledger, r.currency;
    end if;

    if cardinality(p_events) > 0 then
        insert into event select
            r.account, r.livemode, r.id, r.created, r.type, r.object, r.api_version, r.request,
            r.idempotency_key, r.subject, r.data, r.personal
        from unnest(p_events) with ordinality r where good is null or n_events[r.ordinality] = any (good);
    end if;

    if cardinality(p_outboxes) > 0 then
        insert into outbox select
            r.account, r.livemode, r.id, r.events
        from unnest(p_outboxes) with ordinality r where good is null or n_outboxes[r.ordinality] = any (good);
    end if;

    if cardinality(p_audits) > 0 then
        insert into audit select
            r.account, r.livemode, r.id, r.created_ms, r.action, r.outcome, r.actor, r.object,
            r.address, r.request, r.detail, r.personal
        from unnest(p_audits) with ordinality r where good is null or n_audits[r.ordinality] = any (good);
    end if;

    if cardinality(p_risk_events) > 0 then
        insert into risk_event (account, livemode, attempt, at_ms, card, customer, ip, device, email, bin, amount, state, place)
        select r.account, r.livemode, r.attempt, r.at_ms, r.card, r.customer, r.ip, r.device, r.email, r.bin, r.amount,
            r.state, r.place
        from unnest(p_risk_events) with ordinality r where good is null or n_risk_events[r.ordinality] = any (good);
    end if;

    if cardinality(p_risk_outcomes) > 0 then
        with known as (
            select e.account, e.livemode, e.attempt, e.state as was, r.state as becomes
            from risk_event e join unnest(p_risk_outcomes) with ordinality r using (account, livemode, attempt)
            where e.state <> r.state and (good is null or n_risk_outcomes[r.ordinality] = any (good))
            order by e.account, e.livemode, e.attempt for update of e
        ), changed as (
            update risk_event e set state = k.becomes from known k
            where (e.account, e.livemode, e.attempt) = (k.account, k.livemode, k.attempt)
            returning e.*, k.was
        )
        insert into risk_use (account, livemode, kind, key, at_ms, amount, attempts, declines, blocks, frauds)
        select c.account, c.livemode, u.kind, u.key, c.at_ms,
            c.amount * ((c.state in ('open', 'approved'))::int - (c.was in ('open', 'approved'))::int),
            (c.state <> 'void')::int - (c.was <> 'void')::int,
            (c.state = 'declined')::int - (c.was = 'declined')::int,
            (c.state = 'blocked')::int - (c.was = 'blocked')::int, 0
        from changed c cross join lateral (values ('card', c.card, 1), ('customer', c.customer, 2), ('ip', c.ip, 4),
            ('device', c.device, 8), ('email', c.email, 16), ('bin', c.bin, 32)) u (kind, key, bit)
        where c.folded & u.bit <> 0 and not (c.state in ('open', 'approved') and c.was in ('open', 'approved'));
    end if;

    if cardinality(p_risk_decisions) > 0 then
        insert into risk_decision (
            account, livemode, id, created, at_ms, attempt, intent, charge, verdict, challenge, flagged, score, model,
            ruleset, rule, data, attributes, others)
        select r.account, r.livemode, r.id, r.created, r.at_ms, r.attempt, r.intent, r.charge, r.verdict, r.challenge,
            r.flagged, r.score, r.model, r.ruleset, r.rule, r.data, r.attributes, r.others
        from unnest(p_risk_decisions) with ordinality r
        where good is null or n_risk_decisions[r.ordinality] = any (good);
    end if;

    if cardinality(p_answers) > 0 then
        update idempotency i set status = r.status, answer = r.answer
        from unnest(p_answers) with ordinality r
        where (i.account, i.livemode, i.key, i.owner) = (r.account, r.livemode, r.key, r.owner)
        and (good is null or n_answers[r.ordinality] = any (good)) and i.status is null;
    end if;
    if cardinality(p_releases) > 0 then
        delete from idempotency i using unnest(p_releases) with ordinality r
        where (i.account, i.livemode, i.key, i.owner) = (r.account, r.livemode, r.key, r.owner)
        and (good is null or n_releases[r.ordinality] = any (good)) and i.status is null;
    end if;
    return outcome;
end $$;

-- Velocity of a key that was folded, or has too many attempts to tell them one by one, as rows to be added up. ``windows``
-- says into which of the five windows a row counts, bit by bit, the shortest first. The numbers are when the key was first
-- seen, attempts, amount, declines, blocks, frauds, and how many different cards, customers, addresses, devices and e-mail
-- addresses. p_since are the first milliseconds of the windows, p_until_ms is where known frauds end; p_card and so on are
-- the others that this payment is seen with. A stable function reads everything as of one moment: what is folded meanwhile
-- is seen wholly in one place or wholly in the other.
--
-- One statement for each kind, so that each has a plan of its own that opens one index of attempts. A plan made while the
-- tables are empty is kept until they are analyzed: it must be one for full tables.
do $do$
declare
    statements text := '';
    kind text;
begin
    foreach kind in array array['card', 'customer', 'ip', 'device', 'email', 'bin'] loop
        statements := statements || format($sql$
    if p_kind = %1$L then
        return query
        with single as materialized (
            select s.at_ms, s.amount, s.state, s.fraud_ms, s.card, s.customer, s.ip, s.device, s.email,
                case when s.at_ms >= m1 then 31 when s.at_ms >= h1 then 30 when s.at_ms >= h24 then 28
                    when s.at_ms >= d7 then 24 when s.at_ms >= d30 then 16 else 0 end as windows
            from risk_single s
            where s.kind = %1$L and s.key = p_key and s.account = p_account and s.livemode = p_livemode
        )
        select t.windows, array[min(t.first_ms), sum(t.attempts), sum(t.amount)::bigint, sum(t.declines), sum(t.blocks),
            sum(t.frauds), sum(t.cards), sum(t.customers), sum(t.ips), sum(t.devices), sum(t.emails)]
        from (
            select s.windows, s.at_ms as first_ms, (s.state <> 'void')::int as attempts,
                case when s.state in ('open', 'approved') then s.amount else 0 end as amount,
                (s.state = 'declined')::int as declines, (s.state = 'blocked')::int as blocks, 0 as frauds,
                0 as cards, 0 as customers, 0 as ips, 0 as devices, 0 as emails
            from single s
            union all
            select case when s.fraud_ms >= d7 then 24 else 16 end, null, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0
            from single s where s.fraud_ms >= d30 and s.fraud_ms < p_until_ms
            union all
            select case when u.at_ms >= tick_m1 * 10000 then 31 when u.at_ms >= tick_h1 * 10000 then 30
                    when u.at_ms >= h24 then 28 when u.at_ms >= d7 then 24 else 16 end,
                null, u.attempts, u.amount, u.declines, u.blocks, case when u.at_ms < p_until_ms then u.frauds else 0 end,
                0, 0, 0, 0, 0
            from risk_use u where u.key = p_key and u.kind = %1$L and u.account = p_account and u.livemode = p_livemode
            and u.at_ms >= d30
            union all
            select w.windows, null, c.attempts, c.amount, c.declines, c.blocks,
                case when w.span = 86400 and c.bucket <= today then c.frauds else 0 end,
                c.cards, c.customers, c.ips, c.devices, c.emails
            from (values (1, 10, tick_m1, null), (2, 10, tick_h1, minute_h1 * 6), (2, 60, minute_h1, tens_h1 * 10),
                (2, 600, tens_h1, null), (4, 3600, h24 / 3600000, null), (24, 86400, d7 / 86400000, null),
                (16, 86400, d30 / 86400000, d7 / 86400000)) w (windows, span, since, until)
            join risk_count c on c.key = p_key and c.kind = %1$L and c.account = p_account and c.livemode = p_livemode
                and c.span = w.span and c.bucket >= w.since and c.bucket < coalesce(w.until, 9223372036854775807)
            union all  -- what the beginnings of the exact windows cut through, as it now stands
            select w.windows, null, (e.state <> 'void')::int, case when e.state in ('open', 'approved') then e.amount else 0 end,
                (e.state = 'declined')::int, (e.state = 'blocked')::int, 0, 0, 0, 0, 0, 0
            from (values (1, m1, tick_m1 * 10000), (2, h1, tick_h1 * 10000)) w (windows, since_ms, until_ms)
            cross join lateral (
                select f.attempt from risk_folded f where f.key = p_key and f.kind = %1$L and f.account = p_account
                and f.livemode = p_livemode and f.at_ms >= w.since_ms and f.at_ms < w.until_ms offset 0
            ) f
            cross join lateral (
                select * from risk_event t where t.account = p_account and t.livemode = p_livemode
                and t.attempt = f.attempt offset 0
            ) e
            union all
            select 2, null, 0, 0, 0, 0, 0, (l.others = 'cards')::int, (l.others = 'customers')::int, (l.others = 'ips')::int,
                (l.others = 'devices')::int, (l.others = 'emails')::int
            from risk_pair l where l.key = p_key and l.kind = %1$L and l.account = p_account and l.livemode = p_livemode
            and l.last_ms >= h1 and l.last_ms < tick_h1 * 10000 and l.last_ms > 0
            union all  -- others of what is not folded, but for the windows in which they are counted already
            select l.windows & ~coalesce((
                select case when p.last_ms >= h1 then 30 when p.last_ms >= h24 then 28 when p.last_ms >= d7 then 24 else 0 end
                from risk_pair p where p.key = p_key and p.kind = %1$L and p.account = p_account and p.livemode = p_livemode
                and p.others = l.others and p.other = l.other
            ), 0), null, 0, 0, 0, 0, 0, (l.others = 'cards')::int, (l.others = 'customers')::int, (l.others = 'ips')::int,
                (l.others = 'devices')::int, (l.others = 'emails')::int
            from (
                select o.others, o.other, max(o.windows & 30) as windows from (
                    select 31 as windows, %2$s
                    union all
                    select s.windows, s.card, s.customer, s.ip, s.device, s.email from single s where s.windows >= 24
                ) s (windows, card, customer, ip, device, email)
                cross join lateral (values ('cards', s.card, s.windows), ('customers', s.customer, s.windows),
                    ('ips', s.ip, s.windows), ('devices', s.device, s.windows), ('emails', s.email, s.windows)
                ) o (others, other, windows)
                where o.other is not null group by o.others, o.other
            ) l
        ) t group by t.windows;
    end if;
        $sql$, kind, case kind when 'card' then 'null::bytea, p_customer, p_ip, p_device, p_email'
            when 'customer' then 'p_card, null::bytea, null::bytea, null::bytea, null::bytea'
            when 'ip' then 'p_card, null::bytea, null::bytea, null::bytea, p_email'
            when 'device' then 'p_card, null::bytea, p_ip, null::bytea, p_email'
            else 'p_card, null::bytea, p_ip, null::bytea, null::bytea' end);
    end loop;
    execute format($sql$
create function risk_velocity_v1(
    p_account text, p_livemode boolean, p_kind text, p_key bytea,
    p_card bytea, p_customer bytea, p_ip bytea, p_device bytea, p_email bytea, p_since bigint[], p_until_ms bigint
) returns table (windows int, numbers bigint[])
language plpgsql stable set search_path = gateway, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_memoize = off as $$
#variable_conflict use_column
declare
    m1 constant bigint := p_since[1];
    h1 constant bigint := p_since[2];
    h24 constant bigint := p_since[3];
    d7 constant bigint := p_since[4];
    d30 constant bigint := p_since[5];
    tick_m1 constant bigint := (m1 + 9999) / 10000;  -- the first 10 seconds that lie wholly in the window
    tick_h1 constant bigint := (h1 + 9999) / 10000;
    minute_h1 constant bigint := (tick_h1 + 5) / 6;
    tens_h1 constant bigint := (minute_h1 + 9) / 10;
    today constant bigint := p_until_ms / 86400000 - 1;
begin
    %s
end $$
    $sql$, statements);
end $do$;

-- Of a card, customer or device that was folded, or has too many attempts to tell them one by one: its last 50 payments,
-- and (``last``) the newest that says where it was made, until now.
create function risk_past_v1(p_account text, p_livemode boolean, p_kind text, p_key bytea, p_now_ms bigint)
returns table (last boolean, at_ms bigint, amount bigint, fraud_ms bigint, place real[])
language plpgsql stable set search_path = gateway, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_memoize = off as $$
#variable_conflict use_column
begin
    return query
    with single as materialized (
        select s.at_ms, s.amount, s.fraud_ms, s.state, s.place from risk_single s
        where s.kind = p_kind and s.key = p_key and s.account = p_account and s.livemode = p_livemode
    )
    (select false, b.at_ms, b.amount, b.fraud_ms, null::real[] from (
        select s.at_ms, s.amount, s.fraud_ms from single s where s.state <> 'void'
        union all
        (select e.at_ms, e.amount, e.fraud_ms from risk_folded f
            cross join lateral (
                select * from risk_event t where t.account = p_account and t.livemode = p_livemode
                and t.attempt = f.attempt offset 0
            ) e
            where f.key = p_key and f.kind = p_kind and f.account = p_account and f.livemode = p_livemode
            and e.state <> 'void' order by f.at_ms desc limit 50)
    ) b order by b.at_ms desc limit 50)
    union all
    (select true, b.at_ms, null, null, b.place from (
        select s.at_ms, s.place from single s where s.place is not null and s.at_ms <= p_now_ms
        union all
        (select e.at_ms, e.place from risk_folded f
            cross join lateral (
                select * from risk_event t where t.account = p_account and t.livemode = p_livemode
                and t.attempt = f.attempt offset 0
            ) e
            where f.key = p_key and f.kind = p_kind and f.account = p_account and f.livemode = p_livemode
            and f.placed and f.at_ms <= p_now_ms order by f.at_ms desc limit 1)
    ) b order by b.at_ms desc limit 1);
end $$;

-- All that is known of a payment's keys in one read, rows of several parts told apart by ``part``. Of a key that was never
-- folded (most of them) the attempts themselves (0), each once, with all of their keys, 200 and one more at most; of each
-- key that was folded what risk_velocity_v1 (2) and risk_past_v1 (3) say. Of each key when it was first seen, as far as
-- attempts do not say it any more (1). What is null in between is another part's. Every branch reads one short piece of one
-- index, and must still do so when a table that was small yesterday is large.
create function risk_history_v1(
    p_account text, p_livemode boolean, p_card bytea, p_customer bytea, p_ip bytea, p_device bytea, p_email bytea,
    p_bin bytea, p_now_ms bigint, p_since bigint[], p_until_ms bigint
) returns table (
    part int, at_ms bigint, amount bigint, word text, fraud_ms bigint, folded int, card bytea, customer bytea, ip bytea,
    device bytea, email bytea, bin bytea, place real[], windows int, numbers bigint[]
) language plpgsql stable set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
    return query
    with known as materialized (
        select k.kind, k.key, k.first_ms, k.folded from risk_key k
        where k.key = any (array[p_card, p_customer, p_ip, p_device, p_email, p_bin])
        and k.account = p_account and k.livemode = p_livemode
        and k.key = case k.kind when 'card' then p_card when 'customer' then p_customer when 'ip' then p_ip
            when 'device' then p_device when 'email' then p_email else p_bin end
    )
    select 0, e.at_ms, e.amount, e.state, e.fraud_ms, e.folded::int, e.card, e.customer, e.ip, e.device, e.email, e.bin,
        e.place, null::int, null::bigint[]
    from risk_event e where e.ctid = any (array(
        (select t.ctid from risk_event t where t.card = p_card and t.folded & 1 = 0 and t.account = p_account
            and t.livemode = p_livemode and not exists (select from known k where k.kind = 'card' and k.folded)
            order by t.at_ms desc limit 201)
        union all
        (select t.ctid from risk_event t where t.customer = p_customer and t.folded & 2 = 0 and t.account = p_account
            and t.livemode = p_livemode and not exists (select from known k where k.kind = 'customer' and k.folded)
            order by t.at_ms desc limit 201)
        union all
        (select t.ctid from risk_event t where t.ip = p_ip and t.folded & 4 = 0 and t.account = p_account
            and t.livemode = p_livemode and not exists (select from known k where k.kind = 'ip' and k.folded)
            order by t.at_ms desc limit 201)
        union all
        (select t.ctid from risk_event t where t.device = p_device and t.folded & 8 = 0 and t.account = p_account
            and t.livemode = p_livemode and not exists (select from known k where k.kind = 'device' and k.folded)
            order by t.at_ms desc limit 201)
        union all
        (select t.ctid from risk_event t where t.email = p_email and t.folded & 16 = 0 and t.account = p_account
            and t.livemode = p_livemode and not exists (select from known k where k.kind = 'email' and k.folded)
            order by t.at_ms desc limit 201)
        union all
        (select t.ctid from risk_event t where t.bin = p_bin and t.folded & 32 = 0 and t.account = p_account
            and t.livemode = p_livemode and not exists (select from known k where k.kind = 'bin' and k.folded)
            order by t.at_ms desc limit 201)
    ))
    union all
    select 1, k.first_ms, null, k.kind, null, k.folded::int, null, null, null, null, null, null, null, null, null
    from known k
    union all
    select 2, null, null, k.kind, null, null, null, null, null, null, null, null, null, v.windows, v.numbers
    from known k cross join lateral risk_velocity_v1(p_account, p_livemode, k.kind, k.key,
        p_card, p_customer, p_ip, p_device, p_email, p_since, p_until_ms) v where k.folded
    union all
    select 3, p.at_ms, p.amount, k.kind, p.fraud_ms, p.last::int, null, null, null, null, null, null, p.place, null, null
    from known k cross join lateral risk_past_v1(p_account, p_livemode, k.kind, k.key, p_now_ms) p
    where k.folded and k.kind in ('card', 'customer', 'device');
end $$;

revoke all on function overrun_v1, commit_v3, risk_history_v1, risk_velocity_v1, risk_past_v1, risk_folded_v1 from public;
grant execute on function overrun_v1, commit_v3, risk_history_v1, risk_velocity_v1, risk_past_v1, risk_folded_v1
    to lockgate_gateway, lockgate_worker;
grant select, insert, update on risk_event to lockgate_gateway, lockgate_worker;
grant select on risk_single to lockgate_gateway, lockgate_worker;
grant select, insert on risk_use to lockgate_gateway, lockgate_worker;
grant select on risk_count, risk_folded, risk_pair, risk_key to lockgate_gateway;
grant delete on risk_event, risk_use to lockgate_worker;
grant select, insert, update, delete on risk_count, risk_folded, risk_pair, risk_key to lockgate_worker;

do $$
declare name text;
begin
    foreach name in array array['risk_event', 'risk_use', 'risk_count', 'risk_folded', 'risk_pair', 'risk_key'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
        execute format('grant select on %I to lockgate_reporting', name);
    end loop;
end $$;
