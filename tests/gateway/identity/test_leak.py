"""Reports of leaked keys: ours end and their owners are told, and the answer is the same for everything."""

import asyncio
import json
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.leak import PATH
from lockgate.kernel.config import ConfigError
from tests.gateway.identity.office import make_key, open_office

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
RANDOM = "a" * key_format.RANDOM_LENGTH


@pytest_asyncio.fixture
async def office(database):
    async with open_office(database) as opened:
        yield opened


def form(**fields):
    return urlencode(fields).encode()


async def test_a_leaked_key_is_revoked_and_its_keepers_are_told(office):
    await office.member("ada", "owner")
    await office.member("sue", "support")
    key = await make_key(office, "secret", livemode=True)
    assert (await office.ask("GET", "/v1/account", by=key.text)).status == 200
    url = f"https://user:pass@paste.example/x/{key.text}?token={key.text}"
    answer = await office.post(PATH, form(token=key.text, url=url, type="lockgate_key", source="paste"), FORM)
    assert (answer.status, answer.json) == (202, {"received": True})
    await asyncio.sleep(1.05)
    assert (await office.ask("GET", "/v1/account", by=key.text)).status == 401
    [leaked] = await office.audits("key.leaked")
    detail = json.loads(leaked["detail"])
    assert leaked["object"] == key.row.id and detail["revoked"]
    assert detail["place"].startswith("paste.example/x/sk_live")
    assert key.text not in leaked["detail"] and "pass" not in detail["place"]
    [revoked] = await office.audits("api_key.revoke")
    assert revoked["actor"] == "internal:scanner"
    assert [row["kind"] for row in await office.pool.fetch("select kind from mail")] == ["key_leaked"]  # ada's alone
    await office.post(PATH, form(token=key.text), FORM)
    assert len(await office.audits("key.leaked")) == 1 and await office.pool.fetchval("select count(*) from mail") == 1


async def test_nobody_learns_whether_a_key_is_ours(office):
    key = await make_key(office, "restricted", {"account": "read"})
    gone = await make_key(office, "secret")
    owner = await office.token("ada", "owner")
    await office.ask("POST", f"/v1/api_keys/{gone.row.id}/revoke", by=owner)
    unknown = key_format.build("secret", livemode=True, account=office.account, random=RANDOM)
    answers = [
        await office.post(PATH, form(token=token), FORM)
        for token in (key.text, gone.text, unknown, unknown[:-1] + "!", "hello", "sk_live_x")
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(202, b'{"received":true}')}
    assert len({tuple(sorted(set(answer.headers) - {"request-id"})) for answer in answers}) == 1
    assert len(await office.audits("key.leaked")) == 2
    noted = await office.audits("key_leak.unknown")
    assert len(noted) == 4 and {row["outcome"] for row in noted} == {"refused"}


async def test_a_publishable_key_is_meant_to_be_seen(office):
    key = await make_key(office, "publishable")
    assert (await office.post(PATH, form(token=key.text), FORM)).status == 202
    assert not await office.audits("key.leaked")


async def test_scanners_may_send_many_as_json(office):
    keys = [await make_key(office, "secret") for _ in range(3)]
    sent = [{"token": key.text, "type": "lockgate_secret_key", "url": "https://git.example/a", "source": "content"}
            for key in keys]
    assert (await office.post(PATH, json.dumps(sent).encode(), JSON)).status == 202
    assert {row["object"] for row in await office.audits("key.leaked")} == {key.row.id for key in keys}


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", FORM), (b"url=x", FORM), (b"token=a&token=%zz", FORM), (b"[]", JSON), (b"{", JSON), (b'{"token":1}', JSON),
     (b"[[]]", JSON), (b"[" * 100_000, JSON), (b"token=a", "text/plain")],
)  # fmt: skip
async def test_what_is_no_report_is_refused_without_an_echo(office, body, kind):
    answer = await office.post(PATH, body, kind)
    assert answer.status in (400, 413) and set(answer.json) == {"error"}


async def test_an_installation_may_leave_it_to_its_owner(database):
    async with open_office(database, {"leaked_keys": "alert"}) as office:
        await office.member("dev", "developer")
        key = await make_key(office, "secret")
        await office.post(PATH, form(token=key.text), FORM)
        await asyncio.sleep(1.05)
        assert (await office.ask("GET", "/v1/account", by=key.text)).status == 200
        [leaked] = await office.audits("key.leaked")
        assert not json.loads(leaked["detail"])["revoked"]
        assert await office.pool.fetchval("select count(*) from mail") == 1


async def test_a_policy_that_there_is_not_stops_the_start(database):
    with pytest.raises(ConfigError, match="leaked_keys"):
        async with open_office(database, {"leaked_keys": "ignore"}):
            pass
