-- The vault's keys. Every key in these tables is wrapped; what unwraps the first of them exists only at its provider.

create schema if not exists vault;
revoke all on schema vault from public;
grant usage on schema vault to lockgate_vault;

-- One row for each root version that was ever used here: proves at start that the right root is at hand.
create table vault.root_key (
    version     integer primary key check (version > 0),
    provider    text    not null,
    proof       bytea   not null check (octet_length(proof) = 40),
    created_ms  bigint  not null
);

-- One key-encryption key per merchant and version, and one for the platform. Only the highest version encrypts.
create table vault.merchant_key (
    account       text    not null,
    version       integer not null check (version > 0),
    root_version  integer not null references vault.root_key,
    wrapped       bytea   not null check (octet_length(wrapped) = 40),
    created_ms    bigint  not null,
    retired_ms    bigint,
    primary key (account, version)
);
create index on vault.merchant_key (root_version);

-- Keys that never leave the vault: fingerprints, aliases, MACs, signatures. The name carries its kind.
create table vault.named_key (
    account      text    not null,
    name         text    not null,
    wrapped      bytea   not null check (octet_length(wrapped) = 40),
    kek_version  integer not null,
    created_ms   bigint  not null,
    primary key (account, name)
);

-- Keys of the gateway's own secrets and of people's personal data. A shredded row stays, without its key.
create table vault.data_key (
    account      text    not null,
    kid          text    not null,
    purpose      text    not null,
    subject      text    not null,
    wrapped      bytea   check (octet_length(wrapped) = 40),
    kek_version  integer not null,
    created_ms   bigint  not null,
    shredded_ms  bigint,
    primary key (account, kid),
    unique (account, subject, purpose),
    check ((wrapped is null) = (shredded_ms is not null))
);

-- Whose keys were destroyed, so that no new key is ever made for them.
create table vault.shredded_subject (
    account      text   not null,
    subject      text   not null,
    shredded_ms  bigint not null,
    primary key (account, subject)
);

-- Private keys that open sealed cards, under the platform's key. Deleting the row is what makes old blobs unreadable.
create table vault.sealing_key (
    account      text    not null,
    kid          text    not null,
    format       text    not null check (format in ('jwe', 'hpke')),
    wrapped      bytea   not null check (octet_length(wrapped) in (40, 104)),
    kek_version  integer not null,
    not_before   bigint  not null,
    not_after    bigint  not null check (not_after > not_before),
    primary key (account, kid)
);

grant select, insert on vault.root_key, vault.merchant_key, vault.named_key, vault.data_key, vault.shredded_subject,
    vault.sealing_key to lockgate_vault;
grant update (root_version, wrapped, retired_ms) on vault.merchant_key to lockgate_vault;
grant update (wrapped, kek_version) on vault.named_key, vault.sealing_key to lockgate_vault;
grant update (wrapped, kek_version, shredded_ms) on vault.data_key to lockgate_vault;
grant delete on vault.sealing_key to lockgate_vault;
