-- Puzzles that were solved and used: each is good for one request, and kept until it would have expired.
set local search_path = gateway;

create table puzzle_used (
    account text not null,
    livemode boolean not null,
    id text not null,
    request text not null,
    expires_at bigint not null,
    primary key (account, livemode, id)
);
create index puzzle_used_age on puzzle_used (expires_at);

grant select, insert, update on puzzle_used to lockgate_gateway;
grant select, delete on puzzle_used to lockgate_worker;

alter table puzzle_used enable row level security;
create policy program on puzzle_used for all to lockgate_gateway, lockgate_worker using (true) with check (true);
