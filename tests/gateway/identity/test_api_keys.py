"""API keys through the API: shown once, never stronger than their maker, rolled with an overlap, ended at once."""

import asyncio
import json

import pytest
import pytest_asyncio

from lockgate.gateway.identity import find
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.create import create
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Principal
from tests.gateway.identity.office import make_key, open_office
from tests.gateway.web.door import PEPPER

DAY = 86_400


@pytest_asyncio.fixture
async def office(database):
    async with open_office(database) as opened:
        yield opened


async def test_a_key_is_shown_once_and_works(office):
    owner = await office.token("ada", "owner")
    made = await office.ask("POST", "/v1/api_keys", by=owner, type="secret", name="till")
    assert made.status == 200, made.body
    key = made.json
    parsed = key_format.parse(key["secret"])
    assert (parsed.kind, parsed.livemode, parsed.account) == ("secret", False, office.account)
    assert key["hint"] in key_format.hint(key["secret"]) and key["created_by"] == "person:ada"
    assert (await office.ask("GET", "/v1/account", by=key["secret"])).status == 200
    shown = await office.ask("GET", f"/v1/api_keys/{key['id']}", by=owner)
    listed = await office.ask("GET", "/v1/api_keys", by=owner)
    assert shown.json["secret"] is None and key["secret"] not in listed.body.decode()
    assert [one["id"] for one in listed.json["data"]] == [key["id"]]
    kept = await office.pool.fetch("select t::text from api_key t")
    assert not [row for row in kept if key["secret"] in str(row)]
    [audit] = await office.audits("api_key.create")
    assert audit["actor"] == "person:ada" and audit["object"] == key["id"] and key["secret"] not in audit["detail"]
    assert "api_key.create api_keys" in office.approvals.asked


async def test_the_same_idempotency_key_gives_the_same_secret(office):
    owner = await office.token("ada", "owner")
    again = {"idempotency-key": "k-1"}
    first, second = [
        await office.ask("POST", "/v1/api_keys", by=owner, headers=again, type="publishable") for _ in range(2)
    ]
    assert first.json == second.json and second.headers["idempotent-replayed"] == "true"
    assert len(await find.keys(office.pool, account=office.account)) == 1


async def test_nobody_makes_a_key_stronger_than_themselves(office):
    developer = await office.token("dev", "developer")
    for form, param in (
        ({"type": "secret"}, "type"),
        ({"type": "restricted", "permissions__payouts": "write"}, "permissions"),
        ({"type": "restricted", "permissions__people": "read"}, "permissions"),
    ):
        refused = await office.ask("POST", "/v1/api_keys", by=developer, **form)
        assert (refused.status, refused.error["code"]) == (403, "permission_exceeded"), refused.body
        assert refused.error["param"] == param
    mine = await office.ask("POST", "/v1/api_keys", by=developer, type="restricted", permissions__payouts="read")
    assert mine.status == 200
    assert (await office.ask("POST", "/v1/api_keys", by=developer, type="publishable")).status == 200
    strong = await make_key(office, "secret")
    rolled = await office.ask("POST", f"/v1/api_keys/{strong.row.id}/roll", by=developer, overlap=0)
    assert (rolled.status, rolled.error["code"]) == (403, "permission_exceeded")  # or she would be handed its strength
    assert (await office.ask("GET", "/v1/account", by=strong.text)).status == 200
    assert (await office.ask("POST", f"/v1/api_keys/{strong.row.id}/revoke", by=developer)).status == 200
    keeper = await make_key(office, "restricted", {"api_keys": "write", "charges": "read"})
    assert (await office.ask("POST", "/v1/api_keys", by=keeper.text, type="secret")).status == 403
    less = {"type": "restricted", "permissions__charges": "read"}
    assert (await office.ask("POST", "/v1/api_keys", by=keeper.text, **less)).status == 200


async def test_secret_keys_manage_no_keys_and_no_roles(office):
    secret = await make_key(office, "secret")
    for method, path in (("GET", "/v1/api_keys"), ("POST", "/v1/api_keys"), ("GET", "/v1/roles")):
        refused = await office.ask(method, path, by=secret.text)
        assert refused.status == 403, refused.body


async def test_a_key_only_ever_gets_weaker(office):
    owner = await office.token("ada", "owner")
    made = await make_key(office, "restricted", {"refunds": "write", "charges": "read"})
    path = f"/v1/api_keys/{made.row.id}"
    more = await office.ask("POST", path, by=owner, permissions__charges="write")
    assert (more.status, more.error["code"]) == (400, "api_key_cannot_gain")
    less = await office.ask("POST", path, by=owner, permissions__refunds="read", name="reads")
    assert less.json["permissions"] == {"refunds": "read", "charges": "read"} and less.json["name"] == "reads"
    gone = await office.ask("POST", path, by=owner, permissions__refunds="none", permissions__charges="none")
    assert gone.status == 400
    soon = less.json["created"] + 100 * DAY
    assert (await office.ask("POST", path, by=owner, expires_at=soon)).json["expires_at"] == soon
    later = await office.ask("POST", path, by=owner, expires_at=soon + 1)
    assert (later.status, later.error["code"]) == (400, "api_key_cannot_gain")
    assert (await office.ask("POST", path, by=owner, expires_at=1)).status == 400
    [first, *_] = await office.audits("api_key.update")
    told = json.loads(first["detail"])
    assert (told["before"]["permissions"]["refunds"], told["after"]["permissions"]["refunds"]) == ("write", "read")
    secret = await make_key(office, "secret")
    wrong = await office.ask("POST", f"/v1/api_keys/{secret.row.id}", by=owner, permissions__charges="read")
    assert (wrong.status, wrong.error["param"]) == (400, "permissions")


async def test_a_roll_keeps_the_old_key_for_the_overlap(office):
    owner = await office.token("ada", "owner")
    old = await make_key(office, "restricted", {"account": "read", "test_clock": "write"})
    assert (await office.ask("POST", f"/v1/api_keys/{old.row.id}/roll", by=owner, overlap=7 * DAY + 1)).status == 400
    rolled = await office.ask("POST", f"/v1/api_keys/{old.row.id}/roll", by=owner, overlap=7 * DAY)
    new = rolled.json
    assert new["permissions"] == {"account": "read", "test_clock": "write"} and new["expires_at"] is None
    shown = (await office.ask("GET", f"/v1/api_keys/{old.row.id}", by=owner)).json
    assert shown["replaced_by"] == new["id"] and shown["expires_at"] == new["created"] + 7 * DAY
    for key in (old.text, new["secret"]):
        assert (await office.ask("GET", "/v1/account", by=key)).status == 200
    ahead = await office.ask("POST", "/v1/test_helpers/clock/advance", by=new["secret"], seconds=7 * DAY)
    assert ahead.status == 200, ahead.body
    ended = await office.ask("GET", "/v1/account", by=old.text)
    assert (ended.status, ended.error["code"]) == (401, "api_key_expired")
    assert (await office.ask("GET", "/v1/account", by=new["secret"])).status == 200
    again = await office.ask("POST", f"/v1/api_keys/{old.row.id}/roll", by=owner)
    assert (again.status, again.error["code"]) == (400, "api_key_ended")


async def test_a_key_that_was_to_end_is_rolled_into_one_that_ends(office):
    owner = await office.token("ada", "owner")
    made = await office.ask(
        "POST", "/v1/api_keys", by=owner, type="publishable", expires_at=int(await _now(office, owner)) + 30 * DAY
    )
    key = made.json
    rolled = (await office.ask("POST", f"/v1/api_keys/{key['id']}/roll", by=owner, overlap=0)).json
    assert rolled["expires_at"] - rolled["created"] == key["expires_at"] - key["created"]
    assert (await office.ask("GET", f"/v1/api_keys/{key['id']}", by=owner)).json["status"] == "revoked"


async def test_revocation_is_felt_within_a_second_and_can_be_said_twice(office):
    owner = await office.token("ada", "owner")
    key = await make_key(office, "secret")
    assert (await office.ask("GET", "/v1/account", by=key.text)).status == 200
    for _ in range(2):
        ended = await office.ask("POST", f"/v1/api_keys/{key.row.id}/revoke", by=owner)
        assert ended.json["status"] == "revoked"
    await asyncio.sleep(1.05)
    assert (await office.ask("GET", "/v1/account", by=key.text)).status == 401
    assert len(await office.audits("api_key.revoke")) == 1


async def test_ninety_days_unused_are_flagged(office):
    owner = await office.token("ada", "owner")
    key = await make_key(office, "secret")
    path = f"/v1/api_keys/{key.row.id}"
    assert (await office.ask("GET", path, by=owner)).json["unused"] is False
    await office.ask("POST", "/v1/test_helpers/clock/advance", by=key.text, seconds=91 * DAY)
    await asyncio.sleep(0.1)
    other = await make_key(office, "publishable")
    assert (await office.ask("GET", path, by=owner)).json["unused"] is True
    assert (await office.ask("GET", f"/v1/api_keys/{other.row.id}", by=owner)).json["status"] == "active"
    assert (await office.ask("GET", "/v1/account", by=key.text)).status == 200
    await asyncio.sleep(0.2)
    assert (await office.ask("GET", path, by=owner)).json["unused"] is False


async def test_each_mode_has_its_own_keys(office):
    owner = await office.token("ada", "owner")
    live = {"stripe-livemode": "true"}
    made = (await office.ask("POST", "/v1/api_keys", by=owner, headers=live, type="secret")).json
    assert made["livemode"] and made["secret"].startswith("sk_live_")
    assert (await office.ask("GET", f"/v1/api_keys/{made['id']}", by=owner)).status == 404
    assert (await office.ask("GET", f"/v1/api_keys/{made['id']}", by=owner, headers=live)).status == 200


async def test_lists_go_by_pages_and_types(office):
    owner = await office.token("ada", "owner")
    for kind in ("secret", "publishable", "publishable", "publishable"):
        await make_key(office, kind)
    page = (await office.ask("GET", "/v1/api_keys", by=owner, type="publishable", limit=2)).json
    rest = await office.ask(
        "GET", "/v1/api_keys", by=owner, type="publishable", starting_after=page["data"][-1]["id"]
    )
    assert (len(page["data"]), page["has_more"], len(rest.json["data"]), rest.json["has_more"]) == (2, True, 1, False)
    back = await office.ask("GET", "/v1/api_keys", by=owner, ending_before=rest.json["data"][0]["id"])
    assert [one["id"] for one in back.json["data"]] == [one["id"] for one in page["data"]]
    strange = await office.ask("GET", "/v1/api_keys", by=owner, starting_after="key_none")
    assert (strange.status, strange.error["code"]) == (400, "resource_missing")


async def test_strength_is_asked_of_whoever_creates(office):
    weak = Principal(office.account, False, "restricted", "key_weak", {"refunds": "read"})
    with pytest.raises(Refusal) as refused:
        await create(office.pool, weak, pepper=PEPPER, kind="restricted", permissions={"refunds": "write"})
    assert refused.value.kind is Kind.FORBIDDEN and "refunds=write" in refused.value.message


async def _now(office, token):
    return (await office.ask("GET", "/v1/test_helpers/clock", by=token)).json["now"]
