-- The authorization server.
set local search_path = gateway;
