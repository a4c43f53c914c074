-- Ranges of addresses in value lists, what a payment stands in, and imported tables.
set local search_path = gateway;

-- How many bits of a range of addresses count, told apart by family: 4024 and 6064 are /24 and /64.
alter table value_list_item add column prefix smallint;
create index value_list_item_prefix on value_list_item (account, livemode, prefix)
    where prefix is not null and not deleted;
create index value_list_item_hash on value_list_item (account, livemode, value_index) where not deleted;

-- In which lists any of these keyed hashes stands; and by what the account's lists can hold at all (types of list,
-- prefixes of ranges), so that whoever hashed for less knows it within the same read. Inlined where it is selected from.
create function risk_memberships_v1(p_account text, p_livemode boolean, p_hashes bytea[])
returns table (aliases text[], hashes bytea[], item_types text[], prefixes smallint[])
language sql stable as $$
    with recursive used (prefix) as (
        (select i.prefix from value_list_item i
            where i.account = p_account and i.livemode = p_livemode and i.prefix is not null and not i.deleted
            order by i.prefix limit 1)
        union all
        select (select i.prefix from value_list_item i
            where i.account = p_account and i.livemode = p_livemode and i.prefix > u.prefix and not i.deleted
            order by i.prefix limit 1)
        from used u where u.prefix is not null
    ),
    found as (
        select l.alias, i.value_index from value_list_item i
        join value_list l on l.account = i.account and l.livemode = i.livemode and l.id = i.value_list
        where i.account = p_account and i.livemode = p_livemode and i.value_index = any(p_hashes)
        and not i.deleted and not l.deleted
    )
    select (select array_agg(f.alias order by f.alias, f.value_index) from found f),
        (select array_agg(f.value_index order by f.alias, f.value_index) from found f),
        (select array_agg(distinct l.item_type) from value_list l
            where l.account = p_account and l.livemode = p_livemode and not l.deleted),
        (select array_agg(u.prefix) from used u where u.prefix is not null)
$$;

-- Where a card and a customer were seen last, and when: for distances and speeds. Inlined like the above.
create index risk_event_card_place on risk_event (card, account, livemode, at_ms)
    where card is not null and place is not null;
create index risk_event_customer_place on risk_event (customer, account, livemode, at_ms)
    where customer is not null and place is not null;

create function risk_last_places_v1(
    p_account text, p_livemode boolean, p_card bytea, p_customer bytea, p_now_ms bigint
)
returns table (card_place real[], card_at_ms bigint, customer_place real[], customer_at_ms bigint)
language sql stable as $$
    select c.place, c.at_ms, u.place, u.at_ms from (select) one
    left join lateral (
        select e.place, e.at_ms from risk_event e
        where e.account = p_account and e.livemode = p_livemode and e.card = p_card and e.place is not null
        and e.at_ms <= p_now_ms order by e.at_ms desc limit 1
    ) c on true
    left join lateral (
        select e.place, e.at_ms from risk_event e
        where e.account = p_account and e.livemode = p_livemode and e.customer = p_customer and e.place is not null
        and e.at_ms <= p_now_ms order by e.at_ms desc limit 1
    ) u on true
$$;

-- Reference tables that the operator imported, every version of each: platform-wide, and about nobody.
create table reference_table (
    name text not null,
    version int not null check (version > 0),
    imported_ms bigint not null,
    imported_by text not null,
    date text not null,
    source text not null,
    licence text not null,
    sha256 text not null,
    row_count int not null,
    data bytea not null,
    primary key (name, version)
);
grant select, insert on reference_table to lockgate_gateway;
grant select on reference_table to lockgate_worker;
