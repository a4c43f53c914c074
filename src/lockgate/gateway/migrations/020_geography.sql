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

-- Outside engines: third-party services that an account has asked about payments, or told of how they ended.
create table risk_engine (
    account text not null,
    livemode boolean not null,
    id text not null,
    version int not null check (version > 0),
    created bigint not null,
    updated bigint not null,
    name text not null,
    url text not null,
    stages text[] not null,
    timeout_ms int not null,
    on_failure text not null check (on_failure in ('allow', 'review', 'block')),
    acts boolean not null,
    shares text[] not null,
    enabled boolean not null,
    sealed bytea not null,
    deleted boolean not null,
    primary key (account, livemode, id)
);

create table risk_engine_notice (
    account text not null,
    livemode boolean not null,
    engine text not null,
    attempt text not null,
    state text not null,
    due_ms bigint not null,
    tries int not null,
    primary key (account, livemode, engine, attempt, state)
);
create index risk_engine_notice_due on risk_engine_notice (due_ms);

-- Written with the outcome itself, whichever commit that is: an engine is told of each, and of none that did not happen.
create function note_risk_engines() returns trigger language plpgsql set search_path = gateway, pg_temp as $$
begin
    insert into risk_engine_notice (account, livemode, engine, attempt, state, due_ms, tries)
    select e.account, e.livemode, e.id, new.attempt, new.state, 0, 0 from risk_engine e
    where e.account = new.account and e.livemode = new.livemode and e.enabled and not e.deleted
    and 'after' = any (e.stages) on conflict do nothing;
    return null;
end
$$;
create trigger note_risk_engines after insert or update of state on risk_event
    for each row when (new.state <> 'open') execute function note_risk_engines();

grant select, insert, update on risk_engine to lockgate_gateway;
grant select on risk_engine to lockgate_worker;
grant insert on risk_engine_notice to lockgate_gateway;
grant select, insert, update, delete on risk_engine_notice to lockgate_worker;
do $$
declare name text;
begin
    foreach name in array array['risk_engine', 'risk_engine_notice'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true) '
            'and livemode = (current_setting(''lockgate.livemode'', true) = ''true''))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
grant select (account, livemode, id, version, created, updated, name, url, stages, timeout_ms, on_failure, acts, shares,
    enabled, deleted) on risk_engine to lockgate_reporting;
grant select on risk_engine_notice to lockgate_reporting;
