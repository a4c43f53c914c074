"""How the limits are put together: what settings may say, and that an outage of Redis is on record."""

import asyncio
import json
from dataclasses import replace

import pytest
import pytest_asyncio

from lockgate.gateway import boot_limits
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.web.addresses import of_settings
from lockgate.gateway.web.app import App
from lockgate.kernel.config import ConfigError
from lockgate.kernel.operations import Answer, Operation, Page
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import Shape
from tests.gateway.web.conftest import door  # noqa: F401 - a fixture

PEPPER = b"p" * 32


async def _nothing(call):
    return {}


PAY = Operation(
    name="thing.pay", method="POST", path="/v1/things", resource="charges", access="write", handler=_nothing,
    params=Object({}), returns=Shape("thing", {}), summary="It.", audit="thing.pay", limit="payment",
)  # fmt: skip


@pytest_asyncio.fixture
async def pool(database):
    made = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=4
    )
    yield made
    await made.close()


async def seen(pool, action):
    for _ in range(100):
        rows = await pool.fetch("select account, actor, detail from audit where action = $1", action)
        if rows:
            return [dict(row) for row in rows]
        await asyncio.sleep(0.05)
    raise AssertionError(f"no record {action}")


async def test_an_outage_of_redis_is_on_record_and_its_end(pool, redis):
    settings = {"limits": {"redis": redis.url, "processes": 2}}
    kept = await boot_limits.assemble(settings, {}, pool=pool, pepper=PEPPER)
    who = Principal("acct_1", False, "secret", "key_1", address="192.0.2.1")
    kept.limits.leave(await kept.limits.admit(who, PAY, {}))
    redis.kill()
    await asyncio.sleep(0.1)
    for _ in range(5):  # an outage, not each request, is a record
        try:
            kept.limits.leave(await kept.limits.admit(who, PAY, {}))
        except Exception as refused:
            assert refused.code == "rate_limit"
    [gone] = await seen(pool, "limits.degraded")
    assert (gone["account"], gone["actor"]) == ("-", "internal:gateway")
    assert json.loads(gone["detail"])["processes"] == 2
    await redis.start()
    assert len(await seen(pool, "limits.recovered")) == 1
    await kept.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"redis": "unix:///tmp/none"}, "processes"),
        ({"redis": "unix:///tmp/none", "processes": 0}, "processes"),
        ({"redis": "unix:///tmp/none", "processes": "2"}, "processes"),
        ({"redis": "redis://203.0.113.7", "processes": 2}, "rediss"),
        ({"redis_url": "unix:///tmp/none"}, "nothing else"),
    ],
)
async def test_settings_that_say_too_little_or_what_nobody_knows(pool, settings, said):
    with pytest.raises(ConfigError, match=said):
        await boot_limits.assemble({"limits": settings}, {}, pool=pool, pepper=PEPPER)


async def test_without_settings_the_limits_are_this_processs_own(pool):
    kept = await boot_limits.assemble({}, {}, pool=pool, pepper=PEPPER)
    assert kept.shared is None
    await kept.close()


async def _where(visit):
    return Answer(200, visit.address.encode(), (), "text/plain")


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        ("10.0.0.1", "198.51.100.9, 203.0.113.7", "203.0.113.7"),
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
    ],
)
async def test_the_door_counts_a_request_as_its_clients(door, peer, said, expected):  # noqa: F811
    clients = of_settings({"networks": ["10.0.0.0/8"], "header": "X-Forwarded-For"})
    app = App([], {}, [Page("GET", "/where", _where)], replace(door.ports, clients=clients))
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/where", "query_string": b"", "client": (peer, 4711),
        "headers": [(b"host", b"localhost"), (b"x-forwarded-for", said.encode())],
    }  # fmt: skip
    await app(scope, receive, send)
    assert (sent[0]["status"], sent[1]["body"]) == (200, expected.encode())
