-- Certificates.
set local search_path = gateway;
