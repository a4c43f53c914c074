-- Limits and addresses.
set local search_path = gateway;
