-- What delivering webhooks needs: each endpoint's own queue in order of time, and leave to forget what is long done.
set local search_path = gateway;

drop index delivery_due;
create index delivery_queue on delivery (account, livemode, endpoint, next_try_ms) where state = 'waiting';
create index delivery_age on delivery (created) where state <> 'waiting';
grant delete on delivery, delivery_attempt to lockgate_worker;
-- Locking a row needs the right to change some column of it: the worker locks outbox rows before it takes them.
grant update (id) on outbox to lockgate_worker;
