"""What each database role may not do, tried as that role against the running installation: least privilege, in fact."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.support.cluster import run_apart
from tests.sweeps import credentials
from tests.sweeps.conftest import Merchant, Place

DENIED = (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)
PROGRAMS = {"lockgate_gateway": "gateway", "lockgate_worker": "worker", "lockgate_vault": "vault"}
READERS = ("lockgate_reporting", "lockgate_backup", "lockgate_sealer")
# What stands beside the money path: changed by its programs, deleted by nobody.
BESIDE = (
    "setup_attempt", "mandate", "card_token", "checkout_session", "dispute", "early_fraud_warning", "review", "payout",
    "payout_line", "value_list", "value_list_item", "test_clock", "custom_role", "access_review", "access_review_item",
    "access_review_notice",
)
WRITTEN_ONCE = ("transfer", "event", "audit")
SEALED = ("audit_seal", "audit_node", "audit_checkpoint")
Work = Callable[[asyncpg.Connection], Awaitable[None]]


@pytest.fixture(scope="module")
def tables(place: Place) -> dict[str, list[str]]:
    rows = place.fetch(
        "select schemaname, tablename from pg_tables where schemaname in ('gateway', 'vault') order by 2"
    )
    found: dict[str, list[str]] = {"gateway": [], "vault": []}
    for row in rows:
        found[row["schemaname"]].append(row["tablename"])
    assert len(found["gateway"]) >= 20 and len(found["vault"]) >= 10
    return found


def as_role(place: Place, role: str, work: Work) -> None:
    """Run ``work`` as ``role``: with its own password where a program has one, else put on by the superuser."""

    async def run() -> None:
        own = PROGRAMS.get(role)
        details = place.database(role, own) if own else place.database("postgres", "postgres")
        connection = await asyncpg.connect(**details)
        try:
            if own is None:
                await connection.execute(f"set session authorization {role}")
                await connection.execute("set search_path = gateway")
            assert await connection.fetchval("select session_user") == role
            assert not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
            await work(connection)
        finally:
            await connection.close()

    run_apart(run())


@asynccontextmanager
async def undone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Whatever happens inside is rolled back, so that a privilege too many harms nothing."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def allowed(connection: asyncpg.Connection, statements: list[str]) -> list[str]:
    """The statements that were not denied. Any other error counts as allowed: the privilege was there."""
    passed = []
    for statement in statements:
        async with undone(connection):
            try:
                await connection.execute(statement)
            except DENIED:
                continue
            except asyncpg.PostgresError as error:
                passed.append(f"{statement}: {type(error).__name__}")
                continue
            passed.append(statement)
    return passed


def expect_none(place: Place, role: str, statements: list[str]) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        passed = await allowed(connection, statements)
        assert not passed, f"{role} may: {passed}"

    assert statements
    as_role(place, role, work)


@pytest.mark.parametrize("role", [*PROGRAMS, *READERS])
def test_no_role_changes_the_schema_or_empties_a_table(place: Place, tables: dict[str, list[str]], role: str) -> None:
    statements = [
        "create table gateway.mine (a int)", "create table public.mine (a int)", "create schema mine",
        "create table vault.mine (a int)", "create role mine",
        "alter role lockgate_gateway superuser", "alter role current_user bypassrls", "set role lockgate_owner",
        "set session authorization lockgate_owner", "copy (select 1) to program 'id'", "copy (select 1) to '/tmp/mine'",
        "select pg_read_file('postgresql.conf')", "select lo_import('/etc/passwd')", "select pg_reload_conf()",
        "set log_min_error_statement = 'error'" if role not in PROGRAMS else "set session_preload_libraries = 'x'",
        "drop function gateway.commit_v3", "select * from pg_authid", "select passwd from pg_shadow",
    ]
    if role not in PROGRAMS:  # these sessions began as the superuser, who may take any role again
        statements = [s for s in statements if not s.startswith("set ")]
    for schema, names in tables.items():
        for name in names:
            statements += [
                f"truncate {schema}.{name}", f"drop table {schema}.{name}",
                f"alter table {schema}.{name} add column mine int",
                f"create index on {schema}.{name} ((1))", f"grant select on {schema}.{name} to public",
                f"alter table {schema}.{name} disable row level security",
                f"create trigger mine before insert on {schema}.{name} for each row "
                "execute function suppress_redundant_updates_trigger()",
            ]
    as_role(place, role, lambda connection: _none_but_grants(connection, statements, role))
    as_role(place, role, _no_server_settings)


async def _no_server_settings(connection: asyncpg.Connection) -> None:
    """These run outside of transactions, so they are only tried where nothing comes of them."""
    for statement in ("create database mine", "alter system set work_mem = '4MB'", "drop database postgres"):
        with pytest.raises(DENIED):
            await connection.execute(statement)


async def _none_but_grants(connection: asyncpg.Connection, statements: list[str], role: str) -> None:
    # A GRANT by one who has a privilege but no grant option is a warning in PostgreSQL, not an error; nothing changes.
    passed = [s for s in await allowed(connection, statements) if not s.startswith("grant ")]
    assert not passed, f"{role} may: {passed}"
    for statement in (s for s in statements if s.startswith("grant ")):
        async with undone(connection):
            try:
                await connection.execute(statement)
            except DENIED:
                continue
            table = statement.split()[3]
            assert not await connection.fetchval(
                "select exists (select from information_schema.role_table_grants where grantee = 'PUBLIC' "
                "and table_schema || '.' || table_name = $1)", table
            ), f"{role} gave {table} to everybody"


@pytest.mark.parametrize("role", ["lockgate_gateway", "lockgate_worker", *READERS])
def test_nobody_else_reaches_the_vaults_tables(place: Place, tables: dict[str, list[str]], role: str) -> None:
    expect_none(
        place, role,
        [f"{verb} vault.{name}" for name in tables["vault"] for verb in ("select * from", "delete from", "table")]
        + [f"insert into vault.{name} default values" for name in tables["vault"]],
    )


@pytest.mark.parametrize("role", ["lockgate_vault", "lockgate_backup"])
def test_the_vault_and_backups_reach_nothing_of_the_gateways(
    place: Place, tables: dict[str, list[str]], role: str
) -> None:
    expect_none(
        place, role,
        [f"{verb} gateway.{name}" for name in tables["gateway"] for verb in ("select * from", "delete from")]
        + [f"insert into gateway.{name} default values" for name in tables["gateway"]],
    )


def test_a_step_of_the_test_clock_is_denied_nothing(place: Place, stranger: Merchant) -> None:
    """What is due then runs in the gateway, under its role, though it is the worker's work."""
    moved = place.client(stranger.secret_key).post("/v1/test_helpers/clock/advance", {"seconds": 1})
    assert moved.status == 200, moved.text
    assert "InsufficientPrivilege" not in (place.running.home / "logs" / "gateway.log").read_text()


@pytest.mark.parametrize("role", ["lockgate_gateway", "lockgate_worker"])
def test_what_is_written_once_stays(place: Place, role: str) -> None:
    statements = [f"delete from gateway.{name}" for name in WRITTEN_ONCE]
    statements += [f"update gateway.{name} set account = account" for name in WRITTEN_ONCE]
    statements += [f"update gateway.{name} set id = id where false" for name in WRITTEN_ONCE]
    statements += [f"select * from gateway.{name} for update" for name in WRITTEN_ONCE]
    statements += ["delete from gateway.payment_intent", "delete from gateway.charge", "delete from gateway.refund"]
    statements += [f"delete from gateway.{name}" for name in BESIDE]
    for name in SEALED:
        statements += [f"delete from gateway.{name}", f"insert into gateway.{name} select * from gateway.{name}"]
    statements += ["update gateway.audit_seal set leaf = leaf", "select gateway.retire_audit_v1(1, 1, null)"]
    statements += ["delete from gateway.api_key", "delete from gateway.account"]
    statements += ["update gateway.account set name = name"]
    statements += ["update gateway.balance_delta set amount = amount"]
    if role == "lockgate_gateway":
        statements += ["update gateway.balance set amount = 0", "delete from gateway.balance_delta"]
        statements += ["delete from gateway.outbox"]
        statements += ["update gateway.delivery set state = 'delivered'", "delete from gateway.delivery"]
        statements += ["insert into gateway.job values ('x', 0, 'x', 0)"]
        statements += ["select body from gateway.notification", "update gateway.notification set state = 'done'"]
        statements += ["delete from gateway.notification"]
    expect_none(place, role, statements)


def test_the_sealer_appends_seals_and_does_nothing_else(place: Place, tables: dict[str, list[str]]) -> None:
    others = [name for name in tables["gateway"] if name not in (*SEALED, "audit", "account")]
    statements = [f"select * from gateway.{name}" for name in others]
    statements += [f"delete from gateway.{name}" for name in tables["gateway"]]
    statements += [f"insert into gateway.{name} default values" for name in tables["gateway"] if name not in SEALED]
    statements += [f"select * from gateway.{name} for update" for name in (*SEALED, "audit")]
    expect_none(place, "lockgate_sealer", statements)


def test_the_vaults_own_records_stay(place: Place) -> None:
    expect_none(
        place, "lockgate_vault",
        ["update vault.audit set outcome = 'x'", "delete from vault.audit", "delete from vault.claim",
         "update vault.claim set tombstone = false", "delete from vault.data_key", "delete from vault.merchant_key",
         "delete from vault.shredded_subject", "update vault.shredded_subject set shredded_ms = 0",
         "delete from vault.secret", "delete from vault.checkpoint", "update vault.checkpoint set origin = 'x'",
         "update vault.card set ciphertext = ''", "update vault.card set account = 'acct_other'"],
    )


def test_reporting_reads_one_account_and_mode_and_writes_nothing(
    place: Place, owner: Merchant, stranger: Merchant, tables: dict[str, list[str]]
) -> None:
    own = (
        "customer", "payment_intent", "charge", "refund", "transfer", "event", "audit", "attempt",
        "balance_transaction", "dispute", "early_fraud_warning", "review", "payout", "mandate", "card_token",
        "checkout_session", "value_list", "value_list_item",
    )

    async def work(connection: asyncpg.Connection) -> None:
        await connection.execute("set default_transaction_read_only = off")  # so that only privileges stand in the way
        for name in own:
            assert not await connection.fetch(f"select 1 from gateway.{name}"), f"{name} without an account named"
        for account in (owner.account, stranger.account):
            await connection.execute("select set_config('lockgate.account', $1, false)", account)
            for livemode in ("false", "true"):
                await connection.execute("select set_config('lockgate.livemode', $1, false)", livemode)
                for name in own:
                    rows = await connection.fetch(f"select distinct account, livemode from gateway.{name}")
                    assert {(row["account"], row["livemode"]) for row in rows} <= {(account, livemode == "true")}, name
                    if livemode == "false":
                        assert rows, f"{name} shows nothing of its own account"
        passed = await allowed(
            connection,
            [f"delete from gateway.{name}" for name in tables["gateway"]]
            + [f"insert into gateway.{name} default values" for name in tables["gateway"]]
            + [f"update gateway.{name} set account = account" for name in own]
            + ["select hash from gateway.api_key", "select secrets from gateway.webhook_endpoint",
               "select answer from gateway.idempotency", "select * from gateway.commit_v3(null)"],
        )
        assert not [p for p in passed if "UndefinedFunction" not in p], passed
        await connection.execute("set row_security = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from gateway.charge")

    as_role(place, "lockgate_reporting", work)


def test_reporting_sees_one_accounts_roles_and_reviews(place: Place, owner: Merchant, stranger: Merchant) -> None:
    """These belong to an account in both modes."""
    for merchant in (owner, stranger):
        client = place.client(credentials.person(place, merchant.account, "owner").text)
        role = {"name": f"Reporting {time.time()}", "permissions[charges]": "read"}
        assert client.post("/v1/roles", role).status == 200
        assert client.post("/v1/access_reviews").status in (200, 400)  # 400 where one is open already

    async def work(connection: asyncpg.Connection) -> None:
        tables = ("custom_role", "access_review", "access_review_item", "membership")
        for name in tables:
            assert not await connection.fetch(f"select account from gateway.{name}"), f"{name} without an account named"
        for account in (owner.account, stranger.account):
            await connection.execute("select set_config('lockgate.account', $1, false)", account)
            for name in tables:
                rows = await connection.fetch(f"select distinct account from gateway.{name}")
                assert [row["account"] for row in rows] == [account], name

    as_role(place, "lockgate_reporting", work)


def test_passwords_and_databases_are_apart(place: Place) -> None:
    """No program's password opens another's role, and none connects to the maintenance databases."""

    async def work() -> None:
        for role, program in PROGRAMS.items():
            for other in PROGRAMS.values():
                if other != program:
                    with pytest.raises(asyncpg.InvalidPasswordError):
                        await asyncpg.connect(**place.database(role, other))
            with pytest.raises(asyncpg.PostgresError):
                await asyncpg.connect(**{**place.database(role, program), "database": "postgres"})

    run_apart(work())
