-- The gateway's tables: account and mode lead every tenant key; ids sort by age, so a key is also the list order.
create schema if not exists gateway;
set local search_path = gateway;

create table account (
    id text primary key,
    created bigint not null,
    name text not null,
    country text not null,
    default_currency text not null,
    api_version text not null
);

create table api_key (
    account text not null,
    livemode boolean not null,
    id text not null,
    kind text not null check (kind in ('publishable', 'secret', 'restricted')),
    hash bytea not null,
    hint text not null,
    name text not null,
    permissions jsonb not null,
    created bigint not null,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint,
    rate_per_s int not null,
    burst int not null,
    primary key (account, livemode, id)
);
create unique index api_key_hash on api_key (account, hash);

create table customer (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    deleted boolean not null,
    email_index bytea,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);
create index customer_email on customer (account, livemode, email_index, id) where email_index is not null;

create table payment_method (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    type text not null,
    customer text,
    fingerprint text not null,
    token text not null,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);
create index payment_method_customer on payment_method (account, livemode, customer, id) where customer is not null;

create table payment_intent (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    status text not null check (status in ('requires_payment_method', 'requires_confirmation', 'requires_action',
        'processing', 'requires_capture', 'succeeded', 'canceled')),
    amount bigint not null check (amount > 0),
    amount_capturable bigint not null check (amount_capturable >= 0),
    amount_received bigint not null check (amount_received >= 0),
    currency text not null,
    customer text,
    payment_method text,
    latest_charge text,
    attempt text,
    expires_at bigint,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id),
    check (amount_capturable + amount_received <= amount)
);
create index payment_intent_customer on payment_intent (account, livemode, customer, id) where customer is not null;
create index payment_intent_expiry on payment_intent (expires_at) where status = 'requires_capture';

create table setup_intent (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    status text not null check (status in ('requires_payment_method', 'requires_confirmation', 'requires_action',
        'processing', 'succeeded', 'canceled')),
    customer text,
    payment_method text,
    attempt text,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);
create index setup_intent_customer on setup_intent (account, livemode, customer, id) where customer is not null;

-- One order to one processor: its id is the reference that the processor and the vault know it by.
create table attempt (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    action text not null check (action in ('authorize', 'complete', 'capture', 'void', 'refund', 'verify', 'reverse')),
    state text not null check (state in ('open', 'approved', 'declined', 'action_required', 'pending', 'unknown', 'failed')),
    intent text,
    charge text,
    refund text,
    processor text not null,
    amount bigint not null check (amount >= 0),
    currency text not null,
    processor_reference text,
    send_before_ms bigint not null,
    next_check_ms bigint,
    checks int not null,
    data jsonb not null,
    primary key (account, livemode, id)
);
create index attempt_due on attempt (next_check_ms) where next_check_ms is not null;
create index attempt_intent on attempt (account, livemode, intent, id);

create table charge (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    status text not null check (status in ('pending', 'succeeded', 'failed')),
    intent text,
    amount bigint not null check (amount > 0),
    amount_captured bigint not null check (amount_captured >= 0),
    amount_refunded bigint not null check (amount_refunded >= 0),
    capture_in_doubt bigint not null check (capture_in_doubt >= 0),
    refund_in_doubt bigint not null check (refund_in_doubt >= 0),
    currency text not null,
    customer text,
    payment_method text,
    balance_transaction text,
    processor text not null,
    processor_reference text,
    subject text not null,
    data jsonb not null,
    personal bytea,
    primary key (account, livemode, id),
    check (amount_captured + capture_in_doubt <= amount),
    check (amount_refunded + refund_in_doubt <= amount_captured)
);
create index charge_intent on charge (account, livemode, intent, id) where intent is not null;
create index charge_customer on charge (account, livemode, customer, id) where customer is not null;

create table refund (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    status text not null check (status in ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')),
    charge text not null,
    intent text,
    amount bigint not null check (amount > 0),
    currency text not null,
    balance_transaction text,
    data jsonb not null,
    primary key (account, livemode, id)
);
create index refund_charge on refund (account, livemode, charge, id);
create index refund_intent on refund (account, livemode, intent, id) where intent is not null;

create table balance_transaction (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    type text not null,
    status text not null check (status in ('pending', 'available')),
    amount bigint not null,
    fee bigint not null,
    net bigint not null check (net = amount - fee),
    currency text not null,
    source text not null,
    available_on bigint not null,
    data jsonb not null,
    primary key (account, livemode, id)
);
create index balance_transaction_source on balance_transaction (account, livemode, source, id);
create index balance_transaction_due on balance_transaction (available_on) where status = 'pending';

-- Money moves only by rows of this table; a pending transfer is posted or voided by a later row that names it.
create table transfer (
    account text not null,
    livemode boolean not null,
    id text not null,
    created bigint not null,
    debit text not null,
    credit text not null check (credit <> debit),
    amount bigint not null check (amount > 0),
    currency text not null,
    kind text not null,
    phase text not null check (phase in ('posted', 'pending', 'void')),
    settles text,
    source text not null,
    primary key (account, livemode, id)
);

create table balance_delta (
    seq bigint generated always as identity primary key,
    account text not null,
    livemode boolean not null,
    ledger text not null,
    currency text not null,
    amount bigint not null
);

create table balance (
    account text not null,
    livemode boolean not null,
    ledger text not null,
    currency text not null,
    amount bigint not null,
    primary key (account, livemode, ledger, currency)
);

create table event (
    account text not null,
    livemode boolean not null,
    id text not null,
    created bigint not null,
    type text not null,
    object text not null,
    api_version text not null,
    request text,
    idempotency_key text,
    subject text not null,
    data bytea not null,
    personal bytea,
    primary key (account, livemode, id)
);

-- One row per commit that made events; fan-out to endpoints deletes it.
create table outbox (
    account text not null,
    livemode boolean not null,
    id text not null,
    events text[] not null,
    primary key (account, livemode, id)
);

create table webhook_endpoint (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null,
    created bigint not null,
    url text not null,
    status text not null check (status in ('enabled', 'disabled')),
    enabled_events text[] not null,
    deleted boolean not null,
    secrets bytea not null,
    data jsonb not null,
    primary key (account, livemode, id)
);

create table delivery (
    account text not null,
    livemode boolean not null,
    id text not null,
    event text not null,
    endpoint text not null,
    created bigint not null,
    state text not null check (state in ('waiting', 'delivered', 'failed')),
    tries int not null,
    next_try_ms bigint,
    leased_until_ms bigint,
    primary key (account, livemode, id)
);
create index delivery_due on delivery (next_try_ms) where state = 'waiting';
create index delivery_event on delivery (account, livemode, event);
create unique index delivery_once on delivery (account, livemode, endpoint, event);

create table delivery_attempt (
    account text not null,
    livemode boolean not null,
    delivery text not null,
    number int not null,
    at_ms bigint not null,
    status int,
    outcome text not null,
    duration_ms int not null,
    primary key (account, livemode, delivery, number)
);

-- The hash chain over these rows is sealed later, elsewhere, so that writers never wait for each other.
create table audit (
    account text not null,
    livemode boolean not null,
    id text not null,
    created_ms bigint not null,
    action text not null,
    outcome text not null,
    actor text not null,
    object text,
    address text,
    request text,
    detail jsonb not null,
    personal bytea,
    primary key (account, livemode, id)
);

create table idempotency (
    account text not null,
    livemode boolean not null,
    key text not null,
    request_hash bytea not null,
    owner text not null,
    created bigint not null,
    lease_until_ms bigint not null,
    attempt text,
    status int,
    answer bytea,
    primary key (account, livemode, key)
);
create index idempotency_age on idempotency (created);

create table job (
    name text primary key,
    leased_until_ms bigint not null,
    owner text not null,
    ran_at_ms bigint not null
);

create table processor_setting (
    account text not null,
    livemode boolean not null,
    processor text not null,
    settings jsonb not null,
    primary key (account, livemode, processor)
);
