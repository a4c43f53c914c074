-- What stands beside the money path: disputes, payouts, sessions and the like, and the second version of the commit.
set local search_path = gateway;

create table setup_attempt (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    setup_intent text not null,
    status text not null check (status in ('processing', 'requires_action', 'requires_confirmation', 'succeeded',
        'failed', 'abandoned')),
    customer text,
    payment_method text not null,
    attempt text not null,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);
create index setup_attempt_intent on setup_attempt (account, livemode, setup_intent, id);

create table mandate (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    status text not null check (status in ('active', 'inactive', 'pending')),
    type text not null check (type in ('multi_use', 'single_use')),
    payment_method text not null,
    intent text not null,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);
create index mandate_method on mandate (account, livemode, payment_method, id);

-- A card's token of the older API: made once, used once.
create table card_token (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    used boolean not null,
    expires_at bigint not null,
    payment_method text not null,
    data jsonb not null,
    primary key (account, livemode, id)
);

create table checkout_session (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    status text not null check (status in ('open', 'complete', 'expired')),
    payment_status text not null check (payment_status in ('unpaid', 'paid', 'no_payment_required')),
    mode text not null check (mode in ('payment', 'setup')),
    expires_at bigint not null,
    customer text,
    payment_intent text,
    setup_intent text,
    email_index bytea,
    -- Whether its intent may still bring it news.
    watched boolean not null,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);
-- The page that a shopper opens knows nothing but the id.
create unique index checkout_session_id on checkout_session (id);
create index checkout_session_open on checkout_session (expires_at) where status = 'open';
create index checkout_session_watched on checkout_session (account, livemode, id) where watched;
create index checkout_session_intent on checkout_session (account, livemode, payment_intent)
    where payment_intent is not null;
create index checkout_session_setup on checkout_session (account, livemode, setup_intent)
    where setup_intent is not null;

create table dispute (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    status text not null check (status in ('warning_needs_response', 'warning_under_review', 'warning_closed',
        'needs_response', 'under_review', 'won', 'lost', 'prevented')),
    reason text not null,
    charge text not null,
    intent text,
    amount bigint not null check (amount > 0),
    currency text not null,
    due_by bigint,
    ask_at bigint,
    attempt text,
    processor text not null,
    processor_reference text not null,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);
create unique index dispute_reference on dispute (account, livemode, processor, processor_reference);
create index dispute_charge on dispute (account, livemode, charge, id);
create index dispute_intent on dispute (account, livemode, intent, id) where intent is not null;
create index dispute_ask on dispute (ask_at) where ask_at is not null;

create table early_fraud_warning (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    charge text not null,
    intent text,
    fraud_type text not null,
    actionable boolean not null,
    processor text not null,
    processor_reference text not null,
    data jsonb not null,
    primary key (account, livemode, id)
);
create unique index early_fraud_warning_reference
    on early_fraud_warning (account, livemode, processor, processor_reference);
create index early_fraud_warning_charge on early_fraud_warning (account, livemode, charge, id);
create index early_fraud_warning_intent on early_fraud_warning (account, livemode, intent, id) where intent is not null;
create index early_fraud_warning_actionable on early_fraud_warning (account, livemode, charge) where actionable;

create table review (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    is_open boolean not null,
    charge text,
    intent text,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);
create index review_charge on review (account, livemode, charge);

create table payout (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    status text not null check (status in ('pending', 'in_transit', 'paid', 'failed', 'canceled')),
    amount bigint not null check (amount <> 0),
    currency text not null,
    arrival_date bigint not null,
    automatic boolean not null,
    ask_at bigint,
    attempt text,
    balance_transaction text,
    processor text not null,
    processor_reference text,
    data jsonb not null,
    primary key (account, livemode, id)
);
create index payout_ask on payout (ask_at) where ask_at is not null;
create index payout_reference on payout (account, livemode, processor_reference);
-- An order to pay out that is not in the books yet reserves its amount.
create index attempt_paying_out on attempt (account, livemode, currency) where action = 'payout' and state = 'open';

-- When an account's money is paid out by the clock; without due_at only on request.
create table payout_schedule (
    account text not null,
    livemode boolean not null,
    id text not null check (id = account),
    version int not null,
    created bigint not null,
    interval text not null check (interval in ('manual', 'daily', 'weekly', 'monthly')),
    anchor text,
    delay_days int not null check (delay_days >= 0),
    due_at bigint,
    done text[] not null,
    primary key (account, livemode, id)
);
create index payout_schedule_due on payout_schedule (due_at) where due_at is not null;

-- Which movements an automatic payout pays out, its own among them; a movement is paid out once. Without a payout the
-- movement is free again: the one that was to take it was never sent.
create table payout_line (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    payout text,
    primary key (account, livemode, id)
);
create index payout_line_payout on payout_line (account, livemode, payout, id);

create table value_list (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    alias text not null,
    name text not null,
    item_type text not null,
    created_by text not null,
    deleted boolean not null,
    data jsonb not null,
    primary key (account, livemode, id)
);
create unique index value_list_alias on value_list (account, livemode, alias) where not deleted;

-- What stands in a list may be about a person: it is sealed, and found again by a keyed hash.
create table value_list_item (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    value_list text not null,
    value_index bytea not null,
    created_by text not null,
    deleted boolean not null,
    personal bytea not null,
    primary key (account, livemode, id)
);
create unique index value_list_item_value on value_list_item (account, livemode, value_list, value_index)
    where not deleted;
create index value_list_item_list on value_list_item (account, livemode, value_list, id) where not deleted;

-- How far an account's test mode is ahead of the world's clock.
create table test_clock (
    account text not null,
    livemode boolean not null check (not livemode),
    id text not null check (id = account),
    version int not null,
    created bigint not null,
    offset_s bigint not null check (offset_s >= 0),
    primary key (account, livemode, id)
);

-- What processors told us, each message once; nothing is believed before it was asked about.
create table notification (
    account text not null,
    livemode boolean not null,
    processor text not null,
    id text not null,
    received_ms bigint not null,
    state text not null check (state in ('waiting', 'done', 'dead')),
    tries int not null,
    next_try_ms bigint,
    leased_until_ms bigint,
    body bytea not null,
    primary key (account, livemode, processor, id)
);
create index notification_due on notification (next_try_ms) where state = 'waiting';
create index notification_age on notification (received_ms) where state <> 'waiting';

-- How far an account has heard what a processor has to tell, and when it is asked again; ahead_s is the test clock's
-- offset at the last question.
create table notification_cursor (
    account text not null,
    livemode boolean not null,
    processor text not null,
    cursor text not null,
    asked_ms bigint not null,
    due_ms bigint not null,
    leased_until_ms bigint,
    failures int not null,
    ahead_s bigint not null,
    primary key (account, livemode, processor)
);

alter table attempt drop constraint attempt_action_check;
alter table attempt add constraint attempt_action_check check (action in ('authorize', 'complete', 'capture', 'void',
    'refund', 'verify', 'reverse', 'increment', 'payout', 'cancel_payout', 'reverse_payout',
    'submit_evidence', 'accept_dispute'));
alter table api_key drop constraint api_key_kind_check;
alter table api_key add constraint api_key_kind_check
    check (kind in ('publishable', 'secret', 'restricted', 'ephemeral'));

grant select, insert, update on
    setup_attempt, mandate, card_token, checkout_session, dispute, early_fraud_warning, review, payout, payout_line,
    payout_schedule, value_list, value_list_item, test_clock, notification_cursor
    to lockgate_gateway, lockgate_worker;
-- The gateway only puts messages in, and sees how far they are; what becomes of them is the worker's.
grant insert, select (account, livemode, processor, id, state) on notification to lockgate_gateway;
grant select, insert, update, delete on notification to lockgate_worker;
-- A test clock that moves brings waiting deliveries nearer.
grant update (next_try_ms, created) on delivery to lockgate_gateway;

do $$
declare name text;
begin
    foreach name in array array['setup_attempt', 'mandate', 'card_token', 'checkout_session', 'dispute',
        'early_fraud_warning', 'review', 'payout', 'payout_line', 'payout_schedule', 'value_list', 'value_list_item',
        'test_clock', 'notification_cursor'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
        execute format('grant select on %I to lockgate_reporting', name);
    end loop;
end $$;

-- Records: rows beside the money path, which seldom come. One parameter holds them all, so that a payment, which has
-- none, pays for one null: {"dispute": {"rows": [...], "numbers": [...]}, ...}, numbers as in commit_v2.
create function record_tables_v1() returns text[] language sql immutable as $$
    select array['setup_attempt', 'mandate', 'card_token', 'checkout_session', 'dispute', 'early_fraud_warning',
        'review', 'payout', 'payout_line', 'payout_schedule', 'value_list', 'value_list_item', 'test_clock']
$$;

-- Locks the rows that are to change, in key order, and names the commits whose rows are not as they were read.
create function moved_records_v1(p_records jsonb) returns int[]
language plpgsql set search_path = gateway, pg_temp as $$
declare
    name text;
    found int[];
    moved int[] := '{}';
begin
    foreach name in array record_tables_v1() loop
        continue when not p_records ? name;
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

-- Writes the records of the commits in good (null: of all).
create function write_records_v1(p_records jsonb, good int[]) returns void
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

-- The commits whose new payouts ask for more than is available. The lock makes payouts of one account, mode and currency
-- come one after the other, and the read is a statement of its own after it: it sees every payout that came before, be it
-- reserved by an open attempt or in the books already. Only those in good (null: all) count.
create function uncovered_payouts_v1(p_attempts attempt[], numbers int[], good int[]) returns int[]
language plpgsql set search_path = gateway, pg_temp as $$
declare
    asked record;
    uncovered int[] := '{}';
    taken jsonb := '{}';  -- by the payouts before it in the same batch
    free bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended(locks.name, 0)) from (
        select distinct concat_ws('/', 'lockgate.payout', r.account, r.livemode, r.currency) as name
        from unnest(p_attempts) r where r.action = 'payout' order by name
    ) locks;
    for asked in
        select concat_ws('/', r.account, r.livemode, r.currency) as purse, r.account, r.livemode, r.currency, r.amount,
            numbers[r.ordinality] as number
        from unnest(p_attempts) with ordinality r
        where r.action = 'payout' and (good is null or numbers[r.ordinality] = any (good)) order by r.ordinality
    loop
        select coalesce(sum(part.amount), 0) into free from (
            select b.amount from balance b where (b.account, b.livemode, b.ledger, b.currency)
                = (asked.account, asked.livemode, 'merchant:available', asked.currency)
            union all
            select d.amount from balance_delta d where (d.account, d.livemode, d.ledger, d.currency)
                = (asked.account, asked.livemode, 'merchant:available', asked.currency)
            union all
            select -a.amount from attempt a where (a.account, a.livemode, a.currency)
                = (asked.account, asked.livemode, asked.currency) and a.action = 'payout' and a.state = 'open'
        ) part;
        free := free - coalesce((taken->>asked.purse)::bigint, 0);
        if asked.amount > free then
            uncovered := uncovered || asked.number;
        else
            taken := taken || jsonb_build_object(asked.purse, coalesce((taken->>asked.purse)::bigint, 0) + asked.amount);
        end if;
    end loop;
    return uncovered;
end $$;

-- The money path's only writer, as 002 describes it, with records. A fourth outcome is 'uncovered': a payout asks for
-- more than there is.
drop function commit_v1;

create function commit_v2(
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
    p_records jsonb
) returns text[] language plpgsql set search_path = gateway, pg_temp as $$
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

    if exists (select from unnest(p_new_attempts) r where r.action = 'payout') then
        select array_agg(n) into good from generate_series(1, p_count) n where outcome[n] = 'ok';
        foreach number in array uncovered_payouts_v1(p_new_attempts, n_new_attempts, coalesce(good, '{}')) loop
            outcome[number] := 'uncovered';
        end loop;
        good := null;
    end if;

    if 'key_in_use' = any (outcome) or 'moved' = any (outcome) or 'uncovered' = any (outcome) then
        select coalesce(array_agg(n), '{}') into good from generate_series(1, p_count) n where outcome[n] = 'ok';
        delete from idempotency i using unnest(p_claims) with ordinality r
        where outcome[n_claims[r.ordinality]] in ('moved', 'uncovered')
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

revoke all on function record_tables_v1, moved_records_v1, write_records_v1, uncovered_payouts_v1, commit_v2 from public;
grant execute on function record_tables_v1, moved_records_v1, write_records_v1, uncovered_payouts_v1, commit_v2
    to lockgate_gateway, lockgate_worker;
