"""One started Lockgate for all sweeps, with two merchants: one who owns things, and one who tries to reach them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from lockgate.gateway.identity.bootstrap import desk
from lockgate.gateway.identity.core.key_format import KeyKind
from lockgate.gateway.identity.create import create
from lockgate.kernel.config import Home
from lockgate.kernel.principal import Access, Principal
from tests.contract import world as make
from tests.contract.world import World
from tests.support.cluster import run_apart
from tests.support.door import Client
from tests.support.running import Running, discard, start_lockgate

FAST = (5_000, 500)  # as the keys of `lockgate up`


@dataclass
class Merchant:
    """An account and, by collection (``customers``, ``refunds``, ...), one object of each that it owns in test mode."""

    account: str
    secret_key: str = field(repr=False)
    objects: dict[str, str] = field(default_factory=dict)
    client_secrets: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Place:
    """The running installation, as sweeps look at it."""

    running: Running

    def client(self, key: str | None = None) -> Client:
        return Client(self.running["api"], self.running["ca_file"], key)

    def fetch(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """What the database holds, read as its superuser."""

        async def work() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(**self.database("postgres", "postgres"))
            try:
                return await connection.fetch(query, *values)
            finally:
                await connection.close()

        return run_apart(work())

    def database(self, user: str, secrets: str) -> dict[str, Any]:
        """What asyncpg needs to connect as ``user``, with the password of ``secrets``."""
        where = self.running.settings()["database"]
        return {
            "host": where["host"], "port": where["port"], "database": where["name"], "user": user,
            "password": self.running.secrets(secrets)["database_password"],
        }

    def keys(self, account: str, wanted: Sequence[tuple[KeyKind, dict[str, Access]]]) -> list[str]:
        """New test keys, made as ``lockgate keys create`` makes them, but many at once and at full speed."""

        async def work() -> list[str]:
            who = Principal(account, False, "internal", "sweep")
            async with desk(Home(self.running.home)) as at:
                return [
                    (await create(at.pool, who, pepper=at.pepper, kind=kind, permissions=granted, rate=FAST)).text
                    for kind, granted in wanted
                ]

        return run_apart(work())


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    running = start_lockgate(options=("--allow-private-webhooks",))
    try:
        yield Place(running)
    finally:
        discard(running)


@pytest.fixture(scope="session")
def owner(place: Place) -> Merchant:
    """The first merchant, who owns one of everything."""
    merchant = Merchant(place.running["account"], place.running["secret_key"])
    furnish(place.client(merchant.secret_key), merchant)
    return merchant


@pytest.fixture(scope="session")
def stranger(place: Place) -> Merchant:
    """A second merchant of the same installation, made on the command line, with a customer and a card of its own."""
    account = place.running.command("accounts", "create", "--name", "Stranger").stdout.split()[0]
    key = place.running.command("keys", "create", "--account", account, "--name", "stranger").stdout.split()[0]
    assert key.startswith("sk_test_")
    merchant = Merchant(account, place.keys(account, [("secret", {})])[0])
    furnish(place.client(merchant.secret_key), merchant)
    return merchant


def furnish(client: Client, merchant: Merchant) -> None:
    """Make one object of every kind; their texts carry the account's mark, so that a leak of it can be seen."""
    mark = merchant.account[-8:]

    def made(path: str, **params: Any) -> dict[str, Any]:
        reply = client.post(path, params)
        assert reply.status == 200, reply.text
        return reply.json

    own = merchant.objects
    own["accounts"] = merchant.account
    own["webhook_endpoints"] = made(
        "/v1/webhook_endpoints", **{"url": f"https://127.0.0.1:9/{mark}", "enabled_events[]": "refund.failed"}
    )["id"]
    own["customers"] = made("/v1/customers", email=f"{mark}@example.org", name=f"Ada {mark}")["id"]
    own["payment_methods"] = made("/v1/payment_methods/pm_card_visa/attach", customer=own["customers"])["id"]
    paid = made(
        "/v1/payment_intents", amount=2000, currency="usd", confirm="true", payment_method=own["payment_methods"],
        customer=own["customers"], description=f"order {mark}",
    )
    assert paid["status"] == "succeeded"
    own["charges"] = paid["latest_charge"]
    own["refunds"] = made("/v1/refunds", charge=own["charges"], amount=500)["id"]
    own["balance_transactions"] = client.get(f"/v1/charges/{own['charges']}").json["balance_transaction"]
    waiting = made(
        "/v1/payment_intents", amount=3000, currency="usd", confirm="true", payment_method=own["payment_methods"],
        customer=own["customers"], capture_method="manual",
    )
    assert waiting["status"] == "requires_capture"
    own["payment_intents"] = waiting["id"]
    merchant.client_secrets["payment_intents"] = waiting["client_secret"]
    saved = made("/v1/setup_intents", customer=own["customers"], payment_method=own["payment_methods"])
    own["setup_intents"] = saved["id"]
    merchant.client_secrets["setup_intents"] = saved["client_secret"]
    furnish_beside(client, merchant, mark)
    own["events"] = client.get("/v1/events", {"limit": 1}).json["data"][0]["id"]


def furnish_beside(client: Client, merchant: Merchant, mark: str) -> None:
    """What stands beside the money path: disputes, payouts, sessions, lists, and what comes of cards."""
    world = World(client, merchant.account)
    own = merchant.objects
    own["disputes"] = make.dispute(world)
    own["early_fraud_warnings"] = make.warning(world)
    own["reviews"] = make.review(world)
    own["payouts"] = make.payout(world)
    own["sessions"] = make.session(world)
    own["tokens"] = make.token(world)
    own["mandates"] = make.mandate(world)
    own["ephemeral_keys"] = make.ephemeral_key(world)
    own["value_lists"] = world.post("/v1/radar/value_lists", alias=f"list_{mark}", name="Sweep")["id"]
    item = {"value_list": own["value_lists"], "value": f"item {mark}"}
    own["radar_sessions"] = make.radar_session(world)
    own["rules"] = world.post("/v1/risk/rules", rule="flag if :amount: = 123456.78 USD")["id"]
    own["engines"] = world.post("/v1/risk/engines", name=mark, url="https://risk.example.com/", enabled="false")["id"]
    own["decisions"] = world.get("/v1/risk/decisions", limit=1)["data"][0]["id"]
    own["value_list_items"] = world.post("/v1/radar/value_list_items", **item)["id"]
