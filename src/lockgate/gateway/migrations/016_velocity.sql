-- Velocity: how often, how much and with how many others a key (a card, an address, ...) was seen; and the third version
-- of the commit, which writes what is counted and checks what a verdict rested on.
set local search_path = gateway;

-- One judged payment attempt, by keyed hashes of what it was paid with and from. Kept for as long as somebody may still
-- say how it ended: the issuer, or a cardholder who objects.
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
    primary key (account, livemode, attempt)
) with (fillfactor = 90);
create index risk_event_age on risk_event using brin (at_ms);

-- What counts, as a ledger: rows are only added, and a sum over a time is what the key did in it. An attempt adds one row
-- for each of its keys, with the others that it was seen with; what changes its state adds the difference, at the same
-- time. Rows stay here until they are folded, which only happens to keys that are used much.
create table risk_use (
    seq bigint generated always as identity primary key,
    account text not null,
    livemode boolean not null,
    kind text not null,
    key bytea not null,
    at_ms bigint not null,
    amount bigint not null,
    attempts smallint not null,
    declines smallint not null,
    blocks smallint not null,
    frauds smallint not null,
    card bytea,
    customer bytea,
    ip bytea,
    device bytea,
    email bytea
);
create index risk_use_key on risk_use (key, kind, account, livemode, at_ms);
create index risk_use_age on risk_use using brin (at_ms);

-- What was folded, by whole spans of a second, 10 seconds, an hour and a day; ``cards`` and so on say how many others were
-- seen with the key for the last time in this span, so that their sum over a window is how many different ones it saw.
create table risk_count (
    account text not null,
    livemode boolean not null,
    kind text not null,
    key bytea not null,
    span int not null check (span in (1, 10, 3600, 86400)),
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

-- Of what was folded: the rows themselves, for as long as the edge of an exact window may cut through their second.
create table risk_edge (
    account text not null,
    livemode boolean not null,
    kind text not null,
    key bytea not null,
    at_ms bigint not null,
    amount bigint not null,
    attempts int not null,
    declines int not null,
    blocks int not null
);
create index risk_edge_key on risk_edge (key, kind, account, livemode, at_ms);
create index risk_edge_age on risk_edge using brin (at_ms);

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

-- When a key was seen first, and last, as far as its rows do not say it any more.
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
    p_guards risk_guard_v1[], n_guards int[], p_events risk_event[], n_events int[], p_outcome text[]
) returns int[] language plpgsql set search_path = gateway, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    fine int[];  -- commits that are written, as far as it is known yet
    overrun int[] := '{}';
    number int;
    holds boolean;
begin
    perform pg_advisory_xact_lock(hashtextextended(locks.name, 0)) from (
        select distinct concat_ws('/', 'lockgate.risk', r.account, r.livemode, r.kind, encode(r.key, 'hex')) as name
        from unnest(p_guards) r order by name
    ) locks;
    fine := array_positions(p_outcome, 'ok');
    -- All at once first, as if none were overrun; only if some are, one after the other.
    for number in select 0 union select n from unnest(n_guards) n where n = any (fine) order by 1 loop
        select bool_and(coalesce(m.value >= g.low, true) and coalesce(m.value < g.high, true)) into holds
        from (
            select r.*, n_guards[r.ordinality] as number, r.since_ms / 10000 + 1 as tick, r.since_ms / 1000 + 1 as second
            from unnest(p_guards) with ordinality r
            where n_guards[r.ordinality] = number or number = 0 and n_guards[r.ordinality] = any (fine)
        ) g
        cross join lateral (
            select case when g.measure in ('attempts', 'amount', 'declines', 'blocks') then (
                select coalesce(sum(case g.measure when 'attempts' then part.attempts when 'amount' then part.amount
                    when 'declines' then part.declines else part.blocks end), 0)::bigint
                from (
                    select u.amount, u.attempts, u.declines, u.blocks from risk_use u
                    where u.key = g.key and u.kind = g.kind and u.account = g.account and u.livemode = g.livemode
                    and u.at_ms > g.since_ms
                    union all
                    select c.amount, c.attempts, c.declines, c.blocks from risk_count c
                    where c.key = g.key and c.kind = g.kind and c.account = g.account and c.livemode = g.livemode
                    and c.span = 10 and c.bucket >= g.tick
                    union all
                    select c.amount, c.attempts, c.declines, c.blocks from risk_count c
                    where c.key = g.key and c.kind = g.kind and c.account = g.account and c.livemode = g.livemode
                    and c.span = 1 and c.bucket >= g.second and c.bucket < g.tick * 10
                    union all
                    select d.amount, d.attempts, d.declines, d.blocks from risk_edge d
                    where d.key = g.key and d.kind = g.kind and d.account = g.account and d.livemode = g.livemode
                    and d.at_ms > g.since_ms and d.at_ms < g.second * 1000
                    union all
                    select case when n_events[e.ordinality] = g.number or e.state in ('open', 'approved') then e.amount else 0 end,
                        1, (n_events[e.ordinality] <> g.number and e.state = 'declined')::int,
                        (n_events[e.ordinality] <> g.number and e.state = 'blocked')::int
                    from unnest(p_events) with ordinality e
                    where n_events[e.ordinality] <= g.number and n_events[e.ordinality] = any (fine)
                    and e.account = g.account and e.livemode = g.livemode and e.at_ms > g.since_ms
                    and g.key = case g.kind when 'card' then e.card when 'customer' then e.customer when 'ip' then e.ip
                        when 'device' then e.device when 'email' then e.email when 'bin' then e.bin end
                ) part
            ) else (
                select (
                    select coalesce(sum(case g.measure when 'cards' then c.cards when 'customers' then c.customers
                        when 'ips' then c.ips when 'devices' then c.devices else c.emails end), 0)
                    from risk_count c
                    where c.key = g.key and c.kind = g.kind and c.account = g.account and c.livemode = g.livemode
                    and (c.span = 10 and c.bucket >= g.tick
                        or c.span = 1 and c.bucket >= g.second and c.bucket < g.tick * 10)
                ) + (
                    select count(*) from risk_pair p
                    where p.key = g.key and p.kind = g.kind and p.account = g.account and p.livemode = g.livemode
                    and p.others = g.measure and p.last_ms > g.since_ms and p.last_ms < g.second * 1000 and p.last_ms > 0
                ) + (
                    select count(distinct fresh.other) from (
                        select case g.measure when 'cards' then u.card when 'customers' then u.customer when 'ips' then u.ip
                            when 'devices' then u.device else u.email end as other
                        from risk_use u
                        where u.key = g.key and u.kind = g.kind and u.account = g.account and u.livemode = g.livemode
                        and u.at_ms > g.since_ms
                        union all
                        select case g.measure when 'cards' then e.card when 'customers' then e.customer when 'ips' then e.ip
                            when 'devices' then e.device else e.email end
                        from unnest(p_events) with ordinality e
                        where n_events[e.ordinality] <= g.number and n_events[e.ordinality] = any (fine)
                        and e.account = g.account and e.livemode = g.livemode and e.at_ms > g.since_ms
                        and g.key = case g.kind when 'card' then e.card when 'customer' then e.customer
                            when 'ip' then e.ip when 'device' then e.device when 'email' then e.email
                            when 'bin' then e.bin end
                    ) fresh
                    where fresh.other is not null and not exists (
                        select from risk_pair p
                        where p.key = g.key and p.kind = g.kind and p.account = g.account and p.livemode = g.livemode
                        and p.others = g.measure and p.other = fresh.other and p.last_ms > g.since_ms)
                )
            ) end as value
        ) m;
        exit when number = 0 and holds is not false;
        if number > 0 and not holds then
            overrun := overrun || number;
            fine := array_remove(fine, number);
        end if;
    end loop;
    return overrun;
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
    p_risk_events risk_event[], n_risk_events int[],
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
        insert into risk_event select
            r.account, r.livemode, r.attempt, r.at_ms, r.card, r.customer, r.ip, r.device, r.email,
            r.bin, r.amount, r.state, r.place
        from unnest(p_risk_events) with ordinality r where good is null or n_risk_events[r.ordinality] = any (good);
        insert into risk_use (account, livemode, kind, key, at_ms, amount, attempts, declines, blocks, frauds,
            card, customer, ip, device, email)
        select r.account, r.livemode, u.kind, u.key, r.at_ms,
            case when r.state in ('open', 'approved') then r.amount else 0 end, (r.state <> 'void')::int,
            (r.state = 'declined')::int, (r.state = 'blocked')::int, 0, u.card, u.customer, u.ip, u.device, u.email
        from unnest(p_risk_events, n_risk_events) r (
            account, livemode, attempt, at_ms, card, customer, ip, device, email, bin, amount, state, place, number)
        cross join lateral (values
            ('card', r.card, null::bytea, r.customer, r.ip, r.device, r.email),
            ('customer', r.customer, r.card, null, null, null, null),
            ('ip', r.ip, r.card, null, null, null, r.email),
            ('device', r.device, r.card, null, r.ip, null, r.email),
            ('email', r.email, r.card, null, r.ip, null, null),
            ('bin', r.bin, r.card, null, r.ip, null, null)
        ) u (kind, key, card, customer, ip, device, email)
        where u.key is not null and (good is null or r.number = any (good));
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
        from changed c cross join lateral (values ('card', c.card), ('customer', c.customer), ('ip', c.ip),
            ('device', c.device), ('email', c.email), ('bin', c.bin)) u (kind, key)
        where u.key is not null and not (c.state in ('open', 'approved') and c.was in ('open', 'approved'));
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

-- All of velocity for up to six keys in one read, as rows to be added up by kind. ``windows`` says into which of the five
-- windows a row counts, bit by bit, the shortest first. ``others`` null: the numbers are when the key was first seen,
-- attempts, amount, declines, blocks and frauds; else how many different others were seen with it. p_since are the first
-- milliseconds of the windows, p_until_ms is where known frauds end; p_pair_* are the others that this payment is seen
-- with. A stable function reads everything as of one moment: what is folded meanwhile is seen wholly in one place or wholly
-- in the other.
create function risk_velocity_v1(
    p_account text, p_livemode boolean, p_kinds text[], p_keys bytea[],
    p_pair_kinds text[], p_pair_others text[], p_pair_keys bytea[],
    p_now_ms bigint, p_since bigint[], p_until_ms bigint
) returns table (kind text, others text, windows int, numbers bigint[])
language plpgsql stable set search_path = gateway, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
    m1 constant bigint := p_since[1];
    h1 constant bigint := p_since[2];
    h24 constant bigint := p_since[3];
    d7 constant bigint := p_since[4];
    d30 constant bigint := p_since[5];
    second_m1 constant bigint := (p_since[1] + 999) / 1000;  -- the first second that lies wholly in the window
    second_h1 constant bigint := (p_since[2] + 999) / 1000;
    tick_h1 constant bigint := (p_since[2] + 9999) / 10000;  -- and the first 10 seconds
    folded text[] := '{}';
    folded_keys bytea[] := '{}';
    known record;
begin
    -- A plan made while the tables are empty is kept until they are analyzed: it must be one for full tables, so each key
    -- is looked up by itself (``offset 0`` keeps it that way).
    for known in
        select k.kind, k.key, k.first_ms, k.folded from unnest(p_kinds, p_keys) a (kind, key)
        cross join lateral (
            select * from risk_key t
            where t.key = a.key and t.kind = a.kind and t.account = p_account and t.livemode = p_livemode offset 0
        ) k
    loop
        if known.folded then
            folded := folded || known.kind;
            folded_keys := folded_keys || known.key;
        end if;
        kind := known.kind;
        windows := 0;
        numbers := array[known.first_ms];
        return next;
    end loop;

    return query
    with raw as materialized (
        select a.kind, a.key, u.at_ms, u.amount, u.attempts, u.declines, u.blocks, u.frauds,
            u.card, u.customer, u.ip, u.device, u.email,
            case when u.at_ms >= m1 then 31 when u.at_ms >= h1 then 30 when u.at_ms >= h24 then 28
                when u.at_ms >= d7 then 24 when u.at_ms >= d30 then 16 else 0 end as windows
        from unnest(p_kinds, p_keys) a (kind, key)
        cross join lateral (
            select * from risk_use t
            where t.key = a.key and t.kind = a.kind and t.account = p_account and t.livemode = p_livemode offset 0
        ) u
    )
    select r.kind, null::text, r.windows, array[min(r.at_ms) filter (where r.attempts = 1), sum(r.attempts),
        sum(r.amount)::bigint, sum(r.declines), sum(r.blocks), sum(r.frauds) filter (where r.at_ms < p_until_ms)]
    from raw r group by r.kind, r.windows
    union all
    select l.kind, l.others, l.windows, array[count(*)] from (
        select s.kind, s.others, max(s.windows) as windows from (
            select r.kind, o.others, o.other, r.windows from raw r
            cross join lateral (values ('cards', r.card), ('customers', r.customer), ('ips', r.ip),
                ('devices', r.device), ('emails', r.email)) o (others, other)
            where o.other is not null and r.windows >= 24 and r.kind <> all (folded)
            union all
            select p.kind, p.others, p.other, 31 from unnest(p_pair_kinds, p_pair_others, p_pair_keys) p (kind, others, other)
            where p.kind <> all (folded)
        ) s group by s.kind, s.others, s.other
    ) l group by l.kind, l.others, l.windows;

    for n in 1 .. cardinality(folded) loop
        return query
        select folded[n], null::text, case t.span when 1 then (t.bucket >= second_m1)::int + 2 * (t.bucket < tick_h1 * 10)::int
            when 10 then 2 when 3600 then 4 else 16 + 8 * (t.bucket >= d7 / 86400000)::int end as windows,
            array[null, sum(t.attempts), sum(t.amount)::bigint, sum(t.declines), sum(t.blocks),
                sum(t.frauds) filter (where t.bucket < p_until_ms / (t.span * 1000)),
                sum(t.cards), sum(t.customers), sum(t.ips), sum(t.devices), sum(t.emails)]
        from (
            select * from risk_count c where c.key = folded_keys[n] and c.kind = folded[n] and c.account = p_account
                and c.livemode = p_livemode and c.span = 1 and c.bucket >= second_m1
            union all
            select * from risk_count c where c.key = folded_keys[n] and c.kind = folded[n] and c.account = p_account
                and c.livemode = p_livemode and c.span = 1 and c.bucket >= second_h1 and c.bucket < tick_h1 * 10
            union all
            select * from risk_count c where c.key = folded_keys[n] and c.kind = folded[n] and c.account = p_account
                and c.livemode = p_livemode and c.span = 10 and c.bucket >= tick_h1
            union all
            select * from risk_count c where c.key = folded_keys[n] and c.kind = folded[n] and c.account = p_account
                and c.livemode = p_livemode and c.span = 3600 and c.bucket >= h24 / 3600000
            union all
            select * from risk_count c where c.key = folded_keys[n] and c.kind = folded[n] and c.account = p_account
                and c.livemode = p_livemode and c.span = 86400 and c.bucket >= d30 / 86400000
        ) t group by 3;

        return query
        select folded[n], null::text, e.windows,
            array[null, sum(e.attempts), sum(e.amount)::bigint, sum(e.declines), sum(e.blocks)]
        from (
            select 2 as windows, d.attempts, d.amount, d.declines, d.blocks from risk_edge d
            where d.key = folded_keys[n] and d.kind = folded[n] and d.account = p_account and d.livemode = p_livemode
            and d.at_ms >= h1 and d.at_ms < second_h1 * 1000
            union all
            select 1, d.attempts, d.amount, d.declines, d.blocks from risk_edge d
            where d.key = folded_keys[n] and d.kind = folded[n] and d.account = p_account and d.livemode = p_livemode
            and d.at_ms >= m1 and d.at_ms < second_m1 * 1000
        ) e group by e.windows;

        return query
        select folded[n], p.others, 2, array[count(*)] from risk_pair p
        where p.key = folded_keys[n] and p.kind = folded[n] and p.account = p_account and p.livemode = p_livemode
        and p.last_ms >= h1 and p.last_ms < second_h1 * 1000 and p.last_ms > 0 group by p.others;

        -- Others of rows that are not folded, but for the windows in which they are counted already.
        return query
        select folded[n], l.others, l.windows & ~coalesce((
            select case when p.last_ms >= h1 then 30 when p.last_ms >= h24 then 28 when p.last_ms >= d7 then 24 else 0 end
            from risk_pair p
            where p.key = folded_keys[n] and p.kind = folded[n] and p.account = p_account and p.livemode = p_livemode
            and p.others = l.others and p.other = l.other
        ), 0), array[count(*)]
        from (
            select s.others, s.other, max(s.windows) as windows from (
                select o.others, o.other,
                    case when u.at_ms >= h1 then 30 when u.at_ms >= h24 then 28 else 24 end as windows
                from risk_use u
                cross join lateral (values ('cards', u.card), ('customers', u.customer), ('ips', u.ip),
                    ('devices', u.device), ('emails', u.email)) o (others, other)
                where u.key = folded_keys[n] and u.kind = folded[n] and u.account = p_account and u.livemode = p_livemode
                and u.at_ms >= d7 and o.other is not null
                union all
                select p.others, p.other, 30 from unnest(p_pair_kinds, p_pair_others, p_pair_keys) p (kind, others, other)
                where p.kind = folded[n]
            ) s group by s.others, s.other
        ) l group by 2, 3;
    end loop;
end $$;

revoke all on function overrun_v1, commit_v3, risk_velocity_v1 from public;
grant execute on function overrun_v1, commit_v3, risk_velocity_v1 to lockgate_gateway, lockgate_worker;
grant select, insert, update on risk_event to lockgate_gateway, lockgate_worker;
grant select, insert on risk_use to lockgate_gateway, lockgate_worker;
grant select on risk_count, risk_edge, risk_pair, risk_key to lockgate_gateway;
grant delete on risk_event, risk_use to lockgate_worker;
grant select, insert, update, delete on risk_count, risk_edge, risk_pair, risk_key to lockgate_worker;

do $$
declare name text;
begin
    foreach name in array array['risk_event', 'risk_use', 'risk_count', 'risk_edge', 'risk_pair', 'risk_key'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
        execute format('grant select on %I to lockgate_reporting', name);
    end loop;
end $$;
