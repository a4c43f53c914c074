"""Access reviews: everybody and everything is on them, what is decided happens, and a due date is not overlooked."""

import asyncio
import json
from typing import get_args

import pytest_asyncio
from tools.contract.declared import operations

from lockgate.gateway import boot_reviews
from lockgate.gateway.access.core.holders import EVERY_S, Kind
from lockgate.gateway.access.holders import holders
from lockgate.gateway.access.jobs import tell_of_overdue
from lockgate.kernel import clock
from tests.gateway.identity.office import Box, make_key, open_office

URL = "/v1/access_reviews"


@pytest_asyncio.fixture
async def office(database):
    async with open_office(database) as opened:
        yield opened


async def begin(office, by):
    """A started review, and its items by holder."""
    review = (await office.ask("POST", URL, by=by)).json
    listed = (await office.ask("GET", f"{URL}/{review['id']}/items", by=by, limit=100)).json["data"]
    return review, {item["holder"]: item for item in listed}


async def decide(office, by, item, **form):
    return await office.ask("POST", f"{URL}/{item['review']}/items/{item['id']}", by=by, **form)


async def furnish(office):
    """One of everything that may act for the account."""
    owner = await office.member("ada", "owner")
    role = (await office.ask("POST", "/v1/roles", by=owner, name="Looker", permissions__charges="read")).json
    await office.member("lou", role["id"])
    keys = {
        "secret": await make_key(office, "secret", livemode=True),
        "restricted": await make_key(office, "restricted", {"account": "read", "refunds": "write"}),
    }
    who = (office.account, "ada")
    await office.pool.execute(
        "insert into app (account, livemode, id, version, created, name, method, redirect_uris, scope, strict, data,"
        " created_by) values ($1, false, 'app_1', 1, 1, 'Ledger sync', 'none', '{}', 'charges=read', true, '{}', $2)",
        *who,
    )
    await office.pool.execute(
        "insert into app_grant (account, livemode, id, created, updated, person, app_account, app, scope, asked)"
        " values ($1, false, 'grant_1', 1, 1, $2, $1, 'app_1', 'charges=read', 'charges=read')", *who,
    )
    await office.pool.execute(
        "insert into client_certificate (account, livemode, id, created, kind, name, api_key, names, thumbprint,"
        " key_hash, subject, issuer, serial, algorithm, not_before, not_after, certificate) values ($1, true, 'cert_1',"
        " 1, 'issued', 'till', $2, '{}', decode(repeat('ab', 32), 'hex'), decode(repeat('cd', 32), 'hex'), '', 'us',"
        " '1', 'ES256', 1, $3, '')", office.account, keys["secret"].row.id, clock.now() + 1000,
    )
    return owner, role, keys


async def test_everybody_and_everything_is_on_it(office):
    owner, role, keys = await furnish(office)
    gone = await make_key(office, "secret")
    await office.ask("POST", f"/v1/api_keys/{gone.row.id}/revoke", by=owner)
    await make_key(office, "publishable", expires_at=clock.now() + 1)
    await asyncio.sleep(1.1)
    review, items = await begin(office, owner)
    expected = {"ada", "lou", role["id"], keys["secret"].row.id, keys["restricted"].row.id, "grant_1", "cert_1"}
    assert set(items) == expected and review["items_total"] == len(expected)
    assert items["ada"]["label"] == "ada@example.com" and items["ada"]["roles"] == ["owner"] and items["ada"]["strong"]
    assert items["lou"]["permissions"]["charges"] == "read" and not items["lou"]["strong"]
    assert items["lou"]["granted_by"] == "person:first"
    restricted = items[keys["restricted"].row.id]
    assert restricted["permissions"] == {"account": "read", "refunds": "write"} and restricted["strong"]
    assert items[keys["secret"].row.id]["livemode"] is True
    assert items[keys["secret"].row.id]["permissions"]["payouts"] == "write"
    assert (items["grant_1"]["label"], items["grant_1"]["granted_by"]) == ("Ledger sync", "person:ada")
    assert items[role["id"]]["granted_by"] == "person:ada"
    kept = await office.pool.fetch("select t::text from access_review_item t")
    assert not [row for row in kept if "example.com" in row[0]]  # who people are is not kept with a review
    second = await office.ask("POST", URL, by=owner)
    assert (second.status, second.error["code"]) == (400, "access_review_open")


async def test_what_is_decided_happens(office):
    owner, role, keys = await furnish(office)
    _, items = await begin(office, owner)
    doomed, weakened = keys["secret"], keys["restricted"]
    assert (await office.ask("GET", "/v1/account", by=doomed.text)).status == 200
    removed = await decide(office, owner, items[doomed.row.id], decision="remove")
    assert (removed.status, removed.json["decision"], removed.json["decided_by"]) == (200, "remove", "person:ada")
    less = await decide(office, owner, items[weakened.row.id], decision="reduce", permissions__refunds="none")
    assert less.status == 200, less.body
    assert (await decide(office, owner, items[role["id"]], decision="remove")).status == 200
    await asyncio.sleep(1.05)
    assert (await office.ask("GET", "/v1/account", by=doomed.text)).status == 401
    assert (await office.ask("GET", f"/v1/api_keys/{weakened.row.id}", by=owner)).json["permissions"] == {
        "account": "read"
    }
    assert (await office.ask("GET", f"/v1/roles/{role['id']}", by=owner)).status == 404
    again = await decide(office, owner, items[doomed.row.id], decision="attest")
    assert (again.status, again.error["code"]) == (400, "item_decided")
    [first, _] = await office.audits("access_review.remove")
    assert json.loads(first["detail"])["holder"] == doomed.row.id
    assert [row["object"] for row in await office.audits("api_key.revoke")] == [doomed.row.id]
    assert len(await office.audits("api_key.update")) == 1 and len(await office.audits("role.delete")) == 1


async def test_a_review_only_takes_away(office):
    owner, role, keys = await furnish(office)
    _, items = await begin(office, owner)
    for holder, form, code in (
        (keys["restricted"].row.id, {"permissions__payouts": "read"}, None),
        (role["id"], {"permissions__charges": "write"}, None),
        (role["id"], {}, None),
        (keys["restricted"].row.id, {"roles[]": "auditor"}, None),
        ("cert_1", {"permissions__charges": "none"}, "cannot_reduce"),
    ):
        refused = await decide(office, owner, items[holder], decision="reduce", **form)
        assert refused.status == 400, refused.body
        assert code is None or refused.error["code"] == code
    assert not await office.audits("access_review.reduce")


async def test_who_decides_needs_the_permission_for_what_is_done(office):
    owner, _, keys = await furnish(office)
    _, items = await begin(office, owner)
    reviewer = await make_key(office, "restricted", {"access_reviews": "write"}, livemode=True)
    item = items[keys["secret"].row.id]
    refused = await decide(office, reviewer.text, item, decision="remove")
    assert refused.status == 403 and "api_keys=write" in refused.error["message"]
    assert (await decide(office, reviewer.text, item, decision="attest")).status == 200
    other_mode = await decide(office, reviewer.text, items[keys["restricted"].row.id], decision="attest")
    assert (other_mode.status, other_mode.error["code"]) == (403, "livemode_mismatch")


async def test_nobody_attests_their_own_access_if_somebody_else_can(office):
    owner = await office.member("ada", "owner")
    _, items = await begin(office, owner)
    alone = await decide(office, owner, items["ada"], decision="attest")
    assert alone.status == 200  # there is nobody else
    await office.ask("POST", f"{URL}/{items['ada']['review']}/complete", by=owner)
    second = await office.member("adam", "admin")
    _, items = await begin(office, owner)
    refused = await decide(office, owner, items["ada"], decision="attest")
    assert (refused.status, refused.error["code"]) == (403, "own_access")
    assert (await decide(office, second, items["ada"], decision="attest")).status == 200
    assert (await decide(office, owner, items["adam"], decision="attest")).status == 200


async def test_what_has_changed_meanwhile_is_looked_at_again(office):
    owner, role, _ = await furnish(office)
    _, items = await begin(office, owner)
    await office.ask("POST", f"/v1/roles/{role['id']}", by=owner, permissions__refunds="write")
    first = await decide(office, owner, items[role["id"]], decision="attest")
    assert (first.status, first.error["code"]) == (409, "access_changed")
    path = f"{URL}/{items[role['id']]['review']}/items/{items[role['id']]['id']}"
    assert (await office.ask("GET", path, by=owner)).json["permissions"]["refunds"] == "write"
    assert (await decide(office, owner, items[role["id"]], decision="attest")).status == 200
    await office.ask("POST", f"/v1/api_keys/{_key(items)}/revoke", by=owner, headers=_mode(items))
    assert (await decide(office, owner, items[_key(items)], decision="attest")).json["decision"] == "gone"


def _key(items):
    return next(holder for holder, item in items.items() if item["type"] == "key")


def _mode(items):
    return {"stripe-livemode": "true" if items[_key(items)]["livemode"] else "false"}


async def test_a_review_ends_when_all_is_decided_and_the_next_is_due_90_days_later(office):
    owner = await office.member("ada", "owner")
    key = await make_key(office, "publishable")
    review, items = await begin(office, owner)
    path = f"{URL}/{review['id']}"
    early = await office.ask("POST", f"{path}/complete", by=owner)
    assert (early.status, early.error["code"]) == (400, "access_review_pending")
    for holder in ("ada", key.row.id):
        assert (await decide(office, owner, items[holder], decision="attest")).status == 200
    done = (await office.ask("POST", f"{path}/complete", by=owner)).json
    assert done["status"] == "completed" and done["completed_by"] == "person:ada"
    assert (await office.ask("POST", f"{path}/complete", by=owner)).status == 400
    late = await decide(office, owner, items["ada"], decision="remove")
    assert late.error["code"] == "item_decided"
    following = (await office.ask("POST", URL, by=owner)).json
    assert following["due_at"] == done["completed_at"] + EVERY_S
    listed = (await office.ask("GET", URL, by=owner, limit=1)).json
    assert [one["id"] for one in listed["data"]] == [following["id"]] and listed["has_more"]


async def test_overdue_is_said_once_for_each_due_date(office):
    now = clock.now()
    assert await tell_of_overdue(office.pool, now=now) == 0
    assert await tell_of_overdue(office.pool, now=now + EVERY_S + 1) == 1
    assert await tell_of_overdue(office.pool, now=now + EVERY_S + 2) == 0
    [told] = await office.audits("access_review.due")
    assert told["account"] == office.account
    owner = await office.member("ada", "owner")
    review, items = await begin(office, owner)
    await decide(office, owner, items["ada"], decision="attest")
    await office.ask("POST", f"{URL}/{review['id']}/complete", by=owner)
    later = "update access_review set completed_at = completed_at + 50 returning completed_at"
    ended = await office.pool.fetchval(later)
    assert await tell_of_overdue(office.pool, now=ended + EVERY_S - 1) == 0
    assert await tell_of_overdue(office.pool, now=ended + EVERY_S) == 1
    assert len(await office.audits("access_review.due")) == 2


async def test_another_accounts_review_does_not_exist(office, database):
    owner = await office.member("ada", "owner")
    review, items = await begin(office, owner)
    await office.pool.execute(
        "insert into account (id, created, name, country, default_currency, api_version)"
        " values ('acct_0000000000000000', 1, 'Other', 'DE', 'eur', '2026-10-28.endive')"
    )
    mine, office.account = office.account, "acct_0000000000000000"
    stranger = await office.token("eve", "owner")
    for rest in ("", "/items", f"/items/{items['ada']['id']}"):
        assert (await office.ask("GET", f"{URL}/{review['id']}{rest}", by=stranger)).status == 404
    assert (await decide(office, stranger, items["ada"], decision="remove")).status == 404
    office.account = mine
    assert (await office.ask("GET", f"{URL}/{review['id']}", by=await office.token("ada", "owner"))).status == 200


def test_every_kind_of_access_can_be_taken_away():
    """By an operation that there is, whose path names what the review says it does."""
    offered = {operation.name: operation for operation in operations()}
    for names in (boot_reviews.REDUCE, boot_reviews.REMOVE):
        for name, path in names.values():
            assert f"{{{path}}}" in offered[name].path
    assert set(boot_reviews.REMOVE) == set(get_args(Kind))


async def test_the_report_tells_of_unused_access(office):
    await make_key(office, "secret")
    [key] = await holders(office.pool, Box(), office.account, now=clock.now())
    assert key.kind == "key" and key.granted_by == "internal:test" and key.last_used_at is None
