-- The money path's only writer: many commits in one transaction, one outcome each. Version 1 of its contract.
--
-- Each kind comes as two arrays of one length: rows, and the number of the commit that each row belongs to. Kinds that
-- change come twice, as new rows (version 1) and as changed ones. Outcomes are 'ok', 'key_in_use' (the idempotency key is
-- taken) and 'moved' (a row is no longer at the version that was read); a commit that is not 'ok' writes nothing. Rows are
-- locked in key order before a later statement looks at them: a read in the statement that waited for the lock would see
-- the past. A kind without rows costs no statement.
set local search_path = gateway;

create type answer_v1 as (account text, livemode boolean, key text, owner text, status int, answer bytea);
create type release_v1 as (account text, livemode boolean, key text, owner text);

-- How many of the numbered rows belong to commits that may be written.
create function expected_v1(numbers int[], good int[]) returns int language plpgsql immutable as $$
declare
    found int := 0;
    number int;
begin
    if good is null then
        return cardinality(numbers);
    end if;
    foreach number in array numbers loop
        found := found + (number = any (good))::int;
    end loop;
    return found;
end $$;

create function commit_v1(
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
    p_audits audit[], n_audits int[]
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

    if 'key_in_use' = any (outcome) or 'moved' = any (outcome) then
        select coalesce(array_agg(n), '{}') into good from generate_series(1, p_count) n where outcome[n] = 'ok';
        delete from idempotency i using unnest(p_claims) with ordinality r
        where outcome[n_claims[r.ordinality]] = 'moved'
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
