-- What each program's role may do: nothing that is not named here. What is written once can never be changed.
set local search_path = gateway;

revoke all on schema gateway from public;
revoke all on all functions in schema gateway from public;
grant usage on schema gateway to lockgate_gateway, lockgate_worker, lockgate_reporting;

grant select, insert on transfer, event, audit, balance_delta, account, processor_setting to lockgate_gateway, lockgate_worker;
grant select, insert, update on
    api_key, customer, payment_method, payment_intent, setup_intent, attempt, charge, refund, balance_transaction,
    webhook_endpoint, idempotency
    to lockgate_gateway, lockgate_worker;
grant delete on idempotency to lockgate_gateway, lockgate_worker;
grant select, insert on outbox to lockgate_gateway, lockgate_worker;
grant select, insert, update on delivery, job to lockgate_worker;
grant select, insert on delivery to lockgate_gateway;
grant select on delivery_attempt, balance, job to lockgate_gateway;
grant select, insert on delivery_attempt to lockgate_worker;
grant delete on outbox, balance_delta to lockgate_worker;
grant select, insert, update on balance to lockgate_worker;
grant execute on function commit_v1, expected_v1 to lockgate_gateway, lockgate_worker;

-- Reporting reads through forced row-level security: one account and mode at a time, named by its session.
do $$
declare name text;
begin
    foreach name in array array['api_key', 'customer', 'payment_method', 'payment_intent', 'setup_intent', 'attempt',
        'charge', 'refund', 'balance_transaction', 'transfer', 'balance_delta', 'balance', 'event', 'delivery',
        'delivery_attempt', 'webhook_endpoint', 'audit'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
grant select on
    customer, payment_method, payment_intent, setup_intent, attempt, charge, refund, balance_transaction, transfer,
    balance_delta, balance, event, delivery, delivery_attempt, audit
    to lockgate_reporting;
