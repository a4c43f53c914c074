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
