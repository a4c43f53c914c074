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
