-- The money path's only writer: many commits in one transaction, one outcome each. Version 1 of its contract.
--
-- Each kind comes as two arrays of one length: rows, and the number of the commit that each row belongs to. Outcomes are
-- 'ok', 'key_in_use' (the idempotency key is taken) and 'moved' (a row is no longer at the version that was read);
-- a commit that is not 'ok' writes nothing. Rows are locked in key order before a later statement looks at them:
-- a read in the statement that waited for the lock would see the past.
set local search_path = gateway;

create type answer_v1 as (account text, livemode boolean, key text, owner text, status int, answer bytea);
create type release_v1 as (account text, livemode boolean, key text, owner text);

create function commit_v1(
    p_count int,
    p_claims idempotency[], n_claims int[],
    p_answers answer_v1[], n_answers int[],
    p_releases release_v1[], n_releases int[],
    p_customers customer[], n_customers int[],
    p_payment_methods payment_method[], n_payment_methods int[],
    p_payment_intents payment_intent[], n_payment_intents int[],
    p_setup_intents setup_intent[], n_setup_intents int[],
    p_charges charge[], n_charges int[],
    p_refunds refund[], n_refunds int[],
    p_attempts attempt[], n_attempts int[],
    p_balance_transactions balance_transaction[], n_balance_transactions int[],
    p_webhook_endpoints webhook_endpoint[], n_webhook_endpoints int[],
    p_transfers transfer[], n_transfers int[],
    p_events event[], n_events int[],
    p_outboxes outbox[], n_outboxes int[],
    p_audits audit[], n_audits int[]
) returns text[] language plpgsql set search_path = gateway, pg_temp as $$
declare
    outcome text[] := array_fill('ok'::text, array[p_count]);
    good int[];
    expected int;
    written int;
begin
    if cardinality(p_claims) > 0 then
        with taken as (
            insert into idempotency select r.* from unnest(p_claims) r order by r.account, r.livemode, r.key
            on conflict do nothing returning owner
        )
        select coalesce(array_agg(c.n), '{}') into good
        from unnest((select array_agg(r.owner) from unnest(p_claims) r), n_claims) c(owner, n)
        where c.owner not in (select owner from taken);
        for i in 1 .. cardinality(good) loop
            outcome[good[i]] := 'key_in_use';
        end loop;
    end if;

    if exists (select from unnest(p_customers) r where r.version > 1) then
        perform from customer t join unnest(p_customers) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_customers) with ordinality r join unnest(n_customers) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from customer t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    if exists (select from unnest(p_payment_methods) r where r.version > 1) then
        perform from payment_method t join unnest(p_payment_methods) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_payment_methods) with ordinality r join unnest(n_payment_methods) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from payment_method t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    if exists (select from unnest(p_payment_intents) r where r.version > 1) then
        perform from payment_intent t join unnest(p_payment_intents) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_payment_intents) with ordinality r join unnest(n_payment_intents) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from payment_intent t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    if exists (select from unnest(p_setup_intents) r where r.version > 1) then
        perform from setup_intent t join unnest(p_setup_intents) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_setup_intents) with ordinality r join unnest(n_setup_intents) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from setup_intent t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    if exists (select from unnest(p_charges) r where r.version > 1) then
        perform from charge t join unnest(p_charges) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_charges) with ordinality r join unnest(n_charges) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from charge t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    if exists (select from unnest(p_refunds) r where r.version > 1) then
        perform from refund t join unnest(p_refunds) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_refunds) with ordinality r join unnest(n_refunds) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from refund t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    if exists (select from unnest(p_attempts) r where r.version > 1) then
        perform from attempt t join unnest(p_attempts) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_attempts) with ordinality r join unnest(n_attempts) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from attempt t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    if exists (select from unnest(p_balance_transactions) r where r.version > 1) then
        perform from balance_transaction t join unnest(p_balance_transactions) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_balance_transactions) with ordinality r join unnest(n_balance_transactions) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from balance_transaction t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    if exists (select from unnest(p_webhook_endpoints) r where r.version > 1) then
        perform from webhook_endpoint t join unnest(p_webhook_endpoints) r using (account, livemode, id)
        where r.version > 1 order by t.account, t.livemode, t.id for update of t;
        for expected in
            select u.n from unnest(p_webhook_endpoints) with ordinality r join unnest(n_webhook_endpoints) with ordinality u(n, place) on u.place = r.ordinality
            where r.version > 1 and not exists (
                select from webhook_endpoint t where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
                and t.version = r.version - 1)
        loop
            outcome[expected] := 'moved';
        end loop;
    end if;

    select array_agg(n) into good from generate_series(1, p_count) n where outcome[n] = 'ok';
    good := coalesce(good, '{}');
    if cardinality(good) < p_count and cardinality(p_claims) > 0 then
        delete from idempotency i
        using unnest(p_claims) with ordinality r join unnest(n_claims) with ordinality u(n, place) on u.place = r.ordinality
        where outcome[u.n] = 'moved' and (i.account, i.livemode, i.key, i.owner) = (r.account, r.livemode, r.key, r.owner);
    end if;

    if cardinality(p_customers) > 0 then
        insert into customer
        select r.account, r.livemode, r.id, r.version, r.created, r.deleted, r.email_index, r.data, r.personal
        from unnest(p_customers) with ordinality r where r.version = 1 and n_customers[r.ordinality] = any (good);
        update customer t set (
            version, created, deleted, email_index, data, personal
        ) = (
            r.version, r.created, r.deleted, r.email_index, r.data, r.personal
        ) from unnest(p_customers) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_customers[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_customers) with ordinality r
        where r.version > 1 and n_customers[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of customer';
        end if;
    end if;

    if cardinality(p_payment_methods) > 0 then
        insert into payment_method
        select r.account, r.livemode, r.id, r.version, r.created, r.type, r.customer, r.fingerprint, r.token, r.subject, r.data, r.personal
        from unnest(p_payment_methods) with ordinality r where r.version = 1 and n_payment_methods[r.ordinality] = any (good);
        update payment_method t set (
            version, created, type, customer, fingerprint, token, subject, data, personal
        ) = (
            r.version, r.created, r.type, r.customer, r.fingerprint, r.token, r.subject, r.data,
            r.personal
        ) from unnest(p_payment_methods) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_payment_methods[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_payment_methods) with ordinality r
        where r.version > 1 and n_payment_methods[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of payment_method';
        end if;
    end if;

    if cardinality(p_payment_intents) > 0 then
        insert into payment_intent
        select r.account, r.livemode, r.id, r.version, r.created, r.status, r.amount, r.amount_capturable, r.amount_received, r.currency, r.customer, r.payment_method, r.latest_charge, r.attempt, r.expires_at, r.subject, r.data, r.personal
        from unnest(p_payment_intents) with ordinality r where r.version = 1 and n_payment_intents[r.ordinality] = any (good);
        update payment_intent t set (
            version, created, status, amount, amount_capturable, amount_received, currency,
            customer, payment_method, latest_charge, attempt, expires_at, subject, data, personal
        ) = (
            r.version, r.created, r.status, r.amount, r.amount_capturable, r.amount_received,
            r.currency, r.customer, r.payment_method, r.latest_charge, r.attempt, r.expires_at,
            r.subject, r.data, r.personal
        ) from unnest(p_payment_intents) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_payment_intents[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_payment_intents) with ordinality r
        where r.version > 1 and n_payment_intents[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of payment_intent';
        end if;
    end if;

    if cardinality(p_setup_intents) > 0 then
        insert into setup_intent
        select r.account, r.livemode, r.id, r.version, r.created, r.status, r.customer, r.payment_method, r.attempt, r.subject, r.data, r.personal
        from unnest(p_setup_intents) with ordinality r where r.version = 1 and n_setup_intents[r.ordinality] = any (good);
        update setup_intent t set (
            version, created, status, customer, payment_method, attempt, subject, data, personal
        ) = (
            r.version, r.created, r.status, r.customer, r.payment_method, r.attempt, r.subject,
            r.data, r.personal
        ) from unnest(p_setup_intents) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_setup_intents[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_setup_intents) with ordinality r
        where r.version > 1 and n_setup_intents[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of setup_intent';
        end if;
    end if;

    if cardinality(p_charges) > 0 then
        insert into charge
        select r.account, r.livemode, r.id, r.version, r.created, r.status, r.intent, r.amount, r.amount_captured, r.amount_refunded, r.capture_in_doubt, r.refund_in_doubt, r.currency, r.customer, r.payment_method, r.balance_transaction, r.processor, r.processor_reference, r.subject, r.data, r.personal
        from unnest(p_charges) with ordinality r where r.version = 1 and n_charges[r.ordinality] = any (good);
        update charge t set (
            version, created, status, intent, amount, amount_captured, amount_refunded,
            capture_in_doubt, refund_in_doubt, currency, customer, payment_method,
            balance_transaction, processor, processor_reference, subject, data, personal
        ) = (
            r.version, r.created, r.status, r.intent, r.amount, r.amount_captured,
            r.amount_refunded, r.capture_in_doubt, r.refund_in_doubt, r.currency, r.customer,
            r.payment_method, r.balance_transaction, r.processor, r.processor_reference, r.subject,
            r.data, r.personal
        ) from unnest(p_charges) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_charges[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_charges) with ordinality r
        where r.version > 1 and n_charges[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of charge';
        end if;
    end if;

    if cardinality(p_refunds) > 0 then
        insert into refund
        select r.account, r.livemode, r.id, r.version, r.created, r.status, r.charge, r.intent, r.amount, r.currency, r.balance_transaction, r.data
        from unnest(p_refunds) with ordinality r where r.version = 1 and n_refunds[r.ordinality] = any (good);
        update refund t set (
            version, created, status, charge, intent, amount, currency, balance_transaction, data
        ) = (
            r.version, r.created, r.status, r.charge, r.intent, r.amount, r.currency,
            r.balance_transaction, r.data
        ) from unnest(p_refunds) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_refunds[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_refunds) with ordinality r
        where r.version > 1 and n_refunds[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of refund';
        end if;
    end if;

    if cardinality(p_attempts) > 0 then
        insert into attempt
        select r.account, r.livemode, r.id, r.version, r.created, r.action, r.state, r.intent, r.charge, r.refund, r.processor, r.amount, r.currency, r.processor_reference, r.send_before_ms, r.next_check_ms, r.checks, r.data
        from unnest(p_attempts) with ordinality r where r.version = 1 and n_attempts[r.ordinality] = any (good);
        update attempt t set (
            version, created, action, state, intent, charge, refund, processor, amount, currency,
            processor_reference, send_before_ms, next_check_ms, checks, data
        ) = (
            r.version, r.created, r.action, r.state, r.intent, r.charge, r.refund, r.processor,
            r.amount, r.currency, r.processor_reference, r.send_before_ms, r.next_check_ms,
            r.checks, r.data
        ) from unnest(p_attempts) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_attempts[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_attempts) with ordinality r
        where r.version > 1 and n_attempts[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of attempt';
        end if;
    end if;

    if cardinality(p_balance_transactions) > 0 then
        insert into balance_transaction
        select r.account, r.livemode, r.id, r.version, r.created, r.type, r.status, r.amount, r.fee, r.net, r.currency, r.source, r.available_on, r.data
        from unnest(p_balance_transactions) with ordinality r where r.version = 1 and n_balance_transactions[r.ordinality] = any (good);
        update balance_transaction t set (
            version, created, type, status, amount, fee, net, currency, source, available_on, data
        ) = (
            r.version, r.created, r.type, r.status, r.amount, r.fee, r.net, r.currency, r.source,
            r.available_on, r.data
        ) from unnest(p_balance_transactions) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_balance_transactions[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_balance_transactions) with ordinality r
        where r.version > 1 and n_balance_transactions[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of balance_transaction';
        end if;
    end if;

    if cardinality(p_webhook_endpoints) > 0 then
        insert into webhook_endpoint
        select r.account, r.livemode, r.id, r.version, r.created, r.url, r.status, r.enabled_events, r.deleted, r.secrets, r.data
        from unnest(p_webhook_endpoints) with ordinality r where r.version = 1 and n_webhook_endpoints[r.ordinality] = any (good);
        update webhook_endpoint t set (
            version, created, url, status, enabled_events, deleted, secrets, data
        ) = (
            r.version, r.created, r.url, r.status, r.enabled_events, r.deleted, r.secrets, r.data
        ) from unnest(p_webhook_endpoints) with ordinality r
        where (t.account, t.livemode, t.id) = (r.account, r.livemode, r.id)
        and t.version = r.version - 1 and r.version > 1 and n_webhook_endpoints[r.ordinality] = any (good);
        get diagnostics written = row_count;
        select count(*) into expected from unnest(p_webhook_endpoints) with ordinality r
        where r.version > 1 and n_webhook_endpoints[r.ordinality] = any (good);
        if written <> expected then
            raise exception 'two commits of one batch change the same row of webhook_endpoint';
        end if;
    end if;

    if cardinality(p_transfers) > 0 then
        insert into transfer
        select r.account, r.livemode, r.id, r.created, r.debit, r.credit, r.amount, r.currency, r.kind, r.phase, r.settles, r.source
        from unnest(p_transfers) with ordinality r where n_transfers[r.ordinality] = any (good);
    end if;

    if cardinality(p_transfers) > 0 then
        insert into balance_delta (account, livemode, ledger, currency, amount)
        select d.account, d.livemode, d.ledger, d.currency, sum(d.amount) from (
            select r.account, r.livemode, r.debit as ledger, r.currency, -r.amount as amount
            from unnest(p_transfers) with ordinality r where r.phase = 'posted' and n_transfers[r.ordinality] = any (good)
            union all
            select r.account, r.livemode, r.credit, r.currency, r.amount
            from unnest(p_transfers) with ordinality r where r.phase = 'posted' and n_transfers[r.ordinality] = any (good)
        ) d group by d.account, d.livemode, d.ledger, d.currency;
    end if;

    if cardinality(p_events) > 0 then
        insert into event
        select r.account, r.livemode, r.id, r.created, r.type, r.object, r.api_version, r.request, r.idempotency_key, r.subject, r.data, r.personal
        from unnest(p_events) with ordinality r where n_events[r.ordinality] = any (good);
    end if;

    if cardinality(p_outboxes) > 0 then
        insert into outbox
        select r.account, r.livemode, r.id, r.events
        from unnest(p_outboxes) with ordinality r where n_outboxes[r.ordinality] = any (good);
    end if;

    if cardinality(p_audits) > 0 then
        insert into audit
        select r.account, r.livemode, r.id, r.created_ms, r.action, r.outcome, r.actor, r.object, r.address, r.request, r.detail, r.personal
        from unnest(p_audits) with ordinality r where n_audits[r.ordinality] = any (good);
    end if;

    if cardinality(p_answers) > 0 then
        update idempotency i set status = r.status, answer = r.answer
        from unnest(p_answers) with ordinality r
        where (i.account, i.livemode, i.key, i.owner) = (r.account, r.livemode, r.key, r.owner)
        and n_answers[r.ordinality] = any (good) and i.status is null;
    end if;
    if cardinality(p_releases) > 0 then
        delete from idempotency i using unnest(p_releases) with ordinality r
        where (i.account, i.livemode, i.key, i.owner) = (r.account, r.livemode, r.key, r.owner)
        and n_releases[r.ordinality] = any (good) and i.status is null;
    end if;
    return outcome;
end $$;
