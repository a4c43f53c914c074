-- What delivering webhooks needs: each endpoint's own queue in order of time, and leave to forget what is long done.
set local search_path = gateway;

drop index delivery_due;
create index delivery_queue on delivery (account, livemode, endpoint, next_try_ms) where state = 'waiting';
create index delivery_age on delivery (created) where state <> 'waiting';
grant delete on delivery, delivery_attempt to lockgate_worker;
