-- Roles of an account's own, who made each key, and reviews of who has what.
set local search_path = gateway;

-- A role that is gone keeps its row: its id is never given again, so that nobody gets by a new role what an old one gave.
create table custom_role (
    account text not null,
    id text not null,
    version int not null,
    created bigint not null,
    updated bigint not null,
    name text not null,
    description text not null,
    permissions jsonb not null,
    created_by text not null,
    deleted_at bigint,
    primary key (account, id)
);
create unique index custom_role_name on custom_role (account, lower(name)) where deleted_at is null;

alter table api_key add column created_by text;
alter table api_key add column replaced_by text;
-- When somebody first showed us that the key stands where others can read it.
alter table api_key add column leaked_at bigint;

create table access_review (
    account text not null,
    id text not null,
    created bigint not null,
    started_by text not null,
    due_at bigint not null,
    completed_at bigint,
    completed_by text,
    primary key (account, id)
);
create unique index access_review_open on access_review (account) where completed_at is null;

-- One holder as it stood when the review began, and what was decided. A person's name is not kept here.
create table access_review_item (
    account text not null,
    review text not null,
    id text not null,
    kind text not null check (kind in ('person', 'key', 'app', 'certificate', 'role')),
    holder text not null,
    label text not null,
    livemode boolean,
    roles text[] not null,
    permissions jsonb not null,
    granted_by text,
    granted_at bigint not null,
    expires_at bigint,
    last_used_at bigint,
    decision text check (decision in ('attest', 'reduce', 'remove', 'gone')),
    decided_by text,
    decided_at bigint,
    primary key (account, review, id)
);

-- That a review was overdue is said once for each day that it was due on.
create table access_review_notice (
    account text not null,
    due_at bigint not null,
    created bigint not null,
    primary key (account, due_at)
);

grant select, insert, update on custom_role, access_review, access_review_item to lockgate_gateway;
grant select on custom_role, access_review, access_review_item to lockgate_worker, lockgate_reporting;
grant select, insert on access_review_notice to lockgate_gateway, lockgate_worker;

-- These belong to an account and to no mode.
do $$
declare name text;
begin
    foreach name in array array['custom_role', 'access_review', 'access_review_item', 'access_review_notice'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
