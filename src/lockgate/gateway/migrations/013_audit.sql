-- The sealed audit log.
set local search_path = gateway;
