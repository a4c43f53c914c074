-- The vault's tables besides its keys: sealed cards and secrets, claims of step ids, manifests, and what was refused.
-- There is no column for a card's verification code anywhere, and no number in clear: a card's own digits are inside
-- ciphertext, sealed before they reach SQL.

CREATE TABLE card (
    account        text     NOT NULL,
    token          text     NOT NULL,
    livemode       boolean  NOT NULL,
    subject        text     NOT NULL,
    brand          text     NOT NULL,
    bin            text     NOT NULL,
    last4          text     NOT NULL,
    exp_month      smallint NOT NULL,
    exp_year       smallint NOT NULL,
    funding        text     NOT NULL,
    country        text     NOT NULL,
    fingerprint    text     NOT NULL,
    alias          text     NOT NULL,
    test_number    text,              -- the name of a published test number, never the number
    kek_version    integer  NOT NULL,
    wrapped_dek    bytea,             -- null once its person was shredded
    ciphertext     bytea    NOT NULL,
    blob_digest    bytea,             -- SHA-256 of the sealed blob it came from: the same blob gives the same token
    context_digest bytea,
    created_ms     bigint   NOT NULL,
    expires_ms     bigint,            -- null once a commit has used the token
    revoked_ms     bigint,
    PRIMARY KEY (account, token)
);
CREATE UNIQUE INDEX card_blob ON card (account, blob_digest) WHERE blob_digest IS NOT NULL;
CREATE INDEX card_expires ON card (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX card_subject ON card (account, subject);
CREATE INDEX card_kek ON card (account, kek_version);

CREATE TABLE alias_counter (
    account text   PRIMARY KEY,
    next    bigint NOT NULL
);

-- A step is claimed by the one order that may send it, or dead by a tombstone: whichever comes first, for ever.
CREATE TABLE claim (
    account        text   NOT NULL,
    step           text   NOT NULL,
    tombstone      boolean NOT NULL,
    send_before_ms bigint,
    at_ms          bigint NOT NULL,
    PRIMARY KEY (account, step)
);

CREATE TABLE secret (
    account     text    NOT NULL,
    livemode    boolean NOT NULL,
    name        text    NOT NULL,
    ciphertext  bytea   NOT NULL,     -- under a data key of the vault's own
    updated_ms  bigint  NOT NULL,
    PRIMARY KEY (account, livemode, name)
);

CREATE TABLE manifest (
    name       text   PRIMARY KEY,
    document   text   NOT NULL,
    updated_ms bigint NOT NULL
);

CREATE TABLE audit (
    id      bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms   bigint  NOT NULL,
    caller  text    NOT NULL,
    verb    text    NOT NULL,
    account text,
    outcome text    NOT NULL,
    reason  text    NOT NULL,
    uid     integer,
    count   integer NOT NULL
);

GRANT SELECT, INSERT, DELETE ON card TO lockgate_vault;
GRANT UPDATE (kek_version, wrapped_dek, expires_ms, revoked_ms, subject) ON card TO lockgate_vault;
GRANT SELECT, INSERT, UPDATE ON alias_counter TO lockgate_vault;
GRANT SELECT, INSERT ON claim TO lockgate_vault;
GRANT SELECT, INSERT, UPDATE ON secret TO lockgate_vault;
GRANT SELECT, INSERT, UPDATE ON manifest TO lockgate_vault;
GRANT SELECT, INSERT ON audit TO lockgate_vault;
