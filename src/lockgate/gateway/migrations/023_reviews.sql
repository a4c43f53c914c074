-- Money that a person approved, and that could not be taken at once: found by the clock, without looking at all orders.
set local search_path = gateway;

create index attempt_approved on attempt (send_before_ms)
    where action = 'capture' and state = 'failed' and data ? 'approved';
