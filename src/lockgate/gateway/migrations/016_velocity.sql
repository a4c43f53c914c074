-- Filled in by the room that owns it.
set local search_path = gateway;
