-- Search: what is asked for travels as data, and what is asked for often has an index. And ephemeral keys.
set local search_path = gateway;

-- Metadata is found by a hash of key and value: short in the index; what shares a hash by chance is looked at again.
create function search_pairs_v1(metadata jsonb) returns bigint[]
language plpgsql immutable parallel safe strict cost 100 as $$
begin
    return array(select hashtextextended(p.key || chr(31) || lower(p.value), 0) from jsonb_each_text(metadata) p);
end $$;

-- Only rows that have metadata are in these, so that a payment without any pays nothing for them.
create index customer_metadata on customer using gin (search_pairs_v1(data->'metadata'))
    where data->'metadata' <> '{}';
create index payment_intent_metadata on payment_intent using gin (search_pairs_v1(data->'metadata'))
    where data->'metadata' <> '{}';
create index charge_metadata on charge using gin (search_pairs_v1(data->'metadata'))
    where data->'metadata' <> '{}';

-- About a person there are keyed hashes only.
create index customer_email_hash on customer (account, livemode, (data->'index'->>'email'), id)
    where data->'index'->>'email' is not null;
create index customer_name_hash on customer (account, livemode, (data->'index'->>'name'), id)
    where data->'index'->>'name' is not null;
create index customer_phone_hash on customer (account, livemode, (data->'index'->>'phone'), id)
    where data->'index'->>'phone' is not null;
-- Customers from before there was a search: a job gives them their hashes.
create index customer_unhashed on customer (account, livemode, id)
    where data->'index' is null and personal is not null and not deleted;

-- Nearly all end as succeeded and are found by age; the others are few.
create index payment_intent_unsettled on payment_intent (account, livemode, status, id) where status <> 'succeeded';
create index charge_unsettled on charge (account, livemode, status, id) where status <> 'succeeded';

-- The ids of what matches, newest first, below p_before, at most p_most. All that is asked for is in p_match; the rest
-- only narrows what is looked at: numbers that every match lies between, and one anchor with an index of its own, of
-- metadata all pairs as an object.
create function search_v1(
    p_table text, p_account text, p_livemode boolean, p_before text, p_most int, p_match text,
    p_created_from bigint, p_created_to bigint, p_amount_from bigint, p_amount_to bigint,
    p_anchor text, p_value text
) returns setof text language plpgsql stable set search_path = gateway, pg_temp as $$
declare
    document text := case p_table
        when 'customer' then
            $d$ jsonb_build_object('created', t.created, 'metadata', t.data->'metadata',
                'email', t.data->'index'->'email', 'name', t.data->'index'->'name',
                'phone', t.data->'index'->'phone') $d$
        when 'payment_intent' then
            $d$ jsonb_build_object('amount', t.amount, 'created', t.created, 'currency', t.currency,
                'customer', t.customer, 'metadata', t.data->'metadata', 'status', t.status) $d$
        when 'charge' then
            $d$ jsonb_build_object('amount', t.amount, 'created', t.created, 'currency', t.currency,
                'customer', t.customer, 'metadata', t.data->'metadata', 'status', t.status,
                'disputed', coalesce(t.data->'disputed', 'false'),
                'refunded', t.amount_refunded > 0 and t.amount_refunded = t.amount_captured,
                'payment_method_details', t.data->'payment_method_details',
                'billing_details', jsonb_build_object('address',
                    jsonb_build_object('postal_code', t.data->'index'->'postal_code'))) $d$
    end;
    kept text := case p_table
        when 'customer' then 'not t.deleted'
        -- Intents that only drive a charge of the older API have names that come first: they are nobody's to find.
        when 'payment_intent' then 't.id >= ''pi_'' and t.amount between $8 and $9'
        else 't.amount between $8 and $9'
    end;
    anchor text := case p_anchor
        when 'customer' then 't.customer = $10'
        when 'status' then 't.status = $10 and ($10 = ''succeeded'' or t.status <> ''succeeded'')'
        when 'metadata' then 't.data->''metadata'' <> ''{}'' and '
            'search_pairs_v1(t.data->''metadata'') @> search_pairs_v1($10::jsonb)'
        when 'email' then 't.data->''index''->>''email'' = $10'
        when 'name' then 't.data->''index''->>''name'' = $10'
        when 'phone' then 't.data->''index''->>''phone'' = $10'
        when 'none' then 'true'
    end;
    sharing int;
begin
    if document is null or anchor is null then
        raise exception 'an unknown table or anchor in a search';
    end if;
    if p_anchor = 'metadata' then  -- what thousands share is found sooner by going through them from the newest on
        execute format('select count(*) from (select from %I t where t.account = $1 and t.livemode = $2 and %s'
            ' limit 5000) few', p_table, replace(anchor, '$10', '$3'))
        into sharing using p_account, p_livemode, p_value;
        anchor := case when sharing < 5000 then anchor else 'true' end;
    end if;
    return query execute format(
        'select t.id from %I t where t.account = $1 and t.livemode = $2 and ($3 is null or t.id < $3)'
        ' and t.created between $6 and $7 and %s and %s and %s @@ $5::jsonpath order by t.id desc limit $4',
        p_table, kept, anchor, document)
    using p_account, p_livemode, p_before, p_most, p_match,
        p_created_from, p_created_to, p_amount_from, p_amount_to, p_value;
end $$;

revoke all on function search_pairs_v1, search_v1 from public;
grant execute on function search_pairs_v1, search_v1
    to lockgate_gateway, lockgate_worker;

-- An ephemeral key is in a shopper's app and reaches one customer alone.
alter table api_key add column customer text;
alter table api_key add constraint api_key_customer_check check ((kind = 'ephemeral') = (customer is not null));
