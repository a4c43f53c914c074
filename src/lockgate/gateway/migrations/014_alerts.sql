-- What tells people: mail that waits to be sent.
set local search_path = gateway;

-- Recipient, subject and text are sealed, and gone as soon as the mail is: it may carry a link that opens something.
create table mail (
    id text primary key,
    kind text not null,
    created bigint not null,
    state text not null check (state in ('waiting', 'sent', 'failed')),
    tries int not null default 0,
    next_try_ms bigint,
    leased_until_ms bigint,
    outcome text,
    sealed bytea,
    check ((state = 'waiting') = (sealed is not null)),
    check ((state = 'waiting') = (next_try_ms is not null))
);
create index mail_due on mail (next_try_ms) where state = 'waiting';
create index mail_over on mail (created) where state <> 'waiting';
grant select, insert on mail to lockgate_gateway;
grant select, insert, update, delete on mail to lockgate_worker;

-- Alerts belong to an account, '-' being the operator's own, and not to a mode: who is attacked in one is told of it.
create table alert (
    account text not null,
    id text not null,
    rule text not null,
    subject text not null,
    severity text not null check (severity in ('low', 'medium', 'high', 'critical')),
    state text not null check (state in ('open', 'acknowledged', 'resolved')),
    summary text not null,
    count bigint not null check (count > 0),
    first_ms bigint not null,
    last_ms bigint not null,
    opened_ms bigint not null,
    quiet_ms bigint,
    silence text,
    acknowledged_at bigint,
    acknowledged_by text,
    resolved_at bigint,
    resolved_by text,
    evidence jsonb not null,
    primary key (account, id)
);
-- What is told once: a second engine that would tell it again fails here.
create unique index alert_unresolved on alert (account, rule, subject) where state <> 'resolved';
create index alert_quiet on alert (last_ms) where state <> 'resolved' and quiet_ms is not null;
create index alert_over on alert (resolved_at) where state = 'resolved';

-- What has happened less often than a rule's threshold: the times of it, until they are too old to count.
create table alert_window (
    account text not null,
    rule text not null,
    subject text not null,
    times bigint[] not null,
    until_ms bigint not null,
    primary key (account, rule, subject)
);
create index alert_window_over on alert_window (until_ms);

-- How far the engine has read the audit log: every record of a transaction below tx has been judged.
create table alert_cursor (
    name text primary key,
    tx bigint not null
);
insert into alert_cursor values ('engine', pg_current_xact_id()::text::bigint);

create table alert_rule (
    account text not null,
    rule text not null,
    threshold int check (threshold > 0),
    enabled boolean not null,
    changed_at bigint not null,
    changed_by text not null,
    primary key (account, rule)
);

-- Where alerts are told; target and signing secret are sealed.
create table alert_route (
    account text not null,
    id text not null,
    version int not null,
    created bigint not null,
    kind text not null check (kind in ('email', 'webhook', 'syslog')),
    min_severity text not null check (min_severity in ('low', 'medium', 'high', 'critical')),
    enabled boolean not null,
    deleted boolean not null,
    sealed bytea not null,
    primary key (account, id)
);

create table alert_silence (
    account text not null,
    id text not null,
    created bigint not null,
    created_by text not null,
    rule text,
    subject text,
    until bigint not null,
    ended_at bigint,
    reason text not null,
    primary key (account, id)
);
create index alert_silence_until on alert_silence (account, until);

-- route is an alert_route, or 'owner:' and a person who is written to because there is none. told_ms: when it was.
create table alert_delivery (
    account text not null,
    id text not null,
    alert text not null,
    route text not null,
    created_ms bigint not null,
    state text not null check (state in ('waiting', 'delivered', 'failed')),
    tries int not null,
    next_try_ms bigint,
    leased_until_ms bigint,
    told_ms bigint,
    outcome text,
    primary key (account, id)
);
create unique index alert_delivery_once on alert_delivery (account, alert, route);
create index alert_delivery_told on alert_delivery (account, route, told_ms) where told_ms is not null;
create index alert_delivery_due on alert_delivery (next_try_ms) where state = 'waiting';

-- Where each person and key has been: what is new is new against this.
create table known_address (
    account text not null,
    actor text not null,
    source text not null,
    country text,
    latitude real,
    longitude real,
    radius_km int,
    first_ms bigint not null,
    last_ms bigint not null,
    primary key (account, actor, source)
);
create index known_address_age on known_address (last_ms);
create table known_country (
    account text not null,
    actor text not null,
    country text not null,
    first_ms bigint not null,
    last_ms bigint not null,
    primary key (account, actor, country)
);
create index known_country_age on known_country (last_ms);

grant select on alert, alert_rule, alert_route, alert_silence, alert_delivery to lockgate_gateway;
grant select, insert, update, delete on alert, alert_window, alert_rule, alert_route, alert_silence, alert_delivery,
    known_address, known_country to lockgate_worker;
grant insert, update on alert, alert_rule, alert_route, alert_silence to lockgate_gateway;
grant insert on alert_delivery to lockgate_gateway;
grant select, update on alert_cursor to lockgate_worker;
grant select on alert_cursor to lockgate_gateway;

do $$
declare name text;
begin
    foreach name in array array['alert', 'alert_window', 'alert_rule', 'alert_route', 'alert_silence', 'alert_delivery',
        'known_address', 'known_country'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy own_account on %I for select to lockgate_reporting using ('
            'account = current_setting(''lockgate.account'', true))', name);
        execute format('create policy program on %I for all to lockgate_gateway, lockgate_worker using (true) with check (true)',
            name);
    end loop;
end $$;
grant select on alert, alert_rule, alert_silence to lockgate_reporting;
