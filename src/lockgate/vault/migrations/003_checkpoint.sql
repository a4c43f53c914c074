-- What the vault last signed of the audit log: it never signs a log that is not a continuation of that one.

CREATE TABLE checkpoint (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    origin text    NOT NULL,
    size   bigint  NOT NULL,
    root   bytea   NOT NULL,
    at_ms  bigint  NOT NULL
);

GRANT SELECT, INSERT ON checkpoint TO lockgate_vault;
GRANT UPDATE (size, root, at_ms) ON checkpoint TO lockgate_vault;
