-- Second factors and approvals.
set local search_path = gateway;
