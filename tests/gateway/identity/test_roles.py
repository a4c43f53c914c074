"""Roles: built-in ones stand, an account's own give at most what their maker has, and every change is felt at once."""

import asyncio
import json

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.identity.core import roles as built_in
from lockgate.gateway.identity.core.permissions import GIVEN, MERCHANT, RESOURCES, beyond, intersection, union
from lockgate.gateway.identity.core.strength import check_strength, permissions_of_key
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import ADMINISTRATIVE, RANK, Principal
from tests.gateway.identity.office import make_key, open_office

LEVELS = st.sampled_from(["none", "read", "write"])
PERMISSIONS = st.dictionaries(st.sampled_from(GIVEN), LEVELS, max_size=len(RESOURCES))


@pytest_asyncio.fixture
async def office(database):
    async with open_office(database) as opened:
        yield opened


def may(kind, permissions, resource, access, **more):
    return Principal("acct_x", False, kind, "x", permissions, **more).may(resource, access)


@given(st.sampled_from(["restricted", "person", "app"]), PERMISSIONS, st.sampled_from(RESOURCES))
def test_what_is_not_granted_is_refused_whatever_else_is(kind, permissions, resource):
    """The permission matrix: exactly the levels up to the one granted, and apps never what is administrative."""
    for access in ("read", "write"):
        granted = RANK[permissions.get(resource, "none")] >= RANK[access]
        administrative = kind == "app" and resource in ADMINISTRATIVE
        assert may(kind, permissions, resource, access) == (granted and not administrative)


@given(PERMISSIONS, PERMISSIONS, st.sampled_from(RESOURCES), st.sampled_from(["read", "write"]))
def test_two_grants_that_must_both_hold_allow_what_both_allow(one, other, resource, access):
    both = may("person", one, resource, access) and may("person", other, resource, access)
    assert may("person", intersection(one, other), resource, access) == both
    either = may("person", one, resource, access) or may("person", other, resource, access)
    assert may("person", union([one, other]), resource, access) == either


@given(PERMISSIONS, PERMISSIONS)
def test_nobody_gives_more_than_they_have(held, asked):
    who = Principal("acct_x", False, "person", "x", held)
    if intersection(asked, held) == {name: level for name, level in asked.items() if level != "none"}:
        check_strength(who, asked, param="permissions")
        assert not beyond(asked, held)
        return
    with pytest.raises(Refusal) as refused:
        check_strength(who, asked, param="permissions")
    assert refused.value.kind is Kind.FORBIDDEN and beyond(asked, held)


def test_built_in_roles_hold_what_their_names_promise():
    table = built_in.BUILT_IN
    assert list(table) == ["owner", "admin", "developer", "analyst", "support", "finance", "auditor"]
    assert table["owner"] == dict.fromkeys(RESOURCES, "write")
    assert table["auditor"] == {**dict.fromkeys(RESOURCES, "read"), "profile": "write"}
    no_money_out = ("developer", "analyst", "support", "auditor")
    for role in no_money_out:
        assert not {"write"} & {table[role].get(name, "none") for name in ("payouts", "refunds", "balance")}, role
        assert not {"write"} & {table[role].get(name, "none") for name in ("people", "roles", "audit", "limits")}, role
    assert all(set(permissions) <= set(RESOURCES) for permissions in table.values())
    for role in ("analyst", "support", "finance"):
        assert not [name for name in ("api_keys", "people", "roles", "certificates", "apps") if name in table[role]]
    assert permissions_of_key("secret", {}) == dict.fromkeys(MERCHANT, "write")


async def test_a_custom_role_allows_what_it_says_and_a_change_is_felt_within_a_second(office):
    owner = await office.token("ada", "owner")
    made = await office.ask(
        "POST", "/v1/roles", by=owner, name="Night shift", description="Looks", permissions__account="read"
    )
    assert made.status == 200, made.body
    role = made.json
    assert role["permissions"] == {"account": "read"} and not role["built_in"]
    token = await office.token("nia", role["id"])
    assert (await office.ask("GET", "/v1/account", by=token)).status == 200
    assert (await office.ask("GET", "/v1/api_keys", by=token)).status == 403
    path = f"/v1/roles/{role['id']}"
    less = await office.ask("POST", path, by=owner, permissions__account="none", permissions__api_keys="read")
    assert less.json["permissions"] == {"api_keys": "read"}
    await asyncio.sleep(1.05)
    assert (await office.ask("GET", "/v1/account", by=token)).status == 403
    assert (await office.ask("GET", "/v1/api_keys", by=token)).status == 200
    gone = await office.ask("DELETE", path, by=owner)
    assert gone.json == {"id": role["id"], "object": "role", "deleted": True}
    await asyncio.sleep(1.05)
    assert (await office.ask("GET", "/v1/api_keys", by=token)).status in (401, 403)
    assert (await office.ask("GET", path, by=owner)).status == 404
    again = await office.ask("POST", "/v1/roles", by=owner, name="night SHIFT", permissions__account="read")
    assert again.status == 200 and again.json["id"] != role["id"]
    assert (await office.ask("GET", "/v1/account", by=token)).status in (401, 403)  # nothing comes back by the name
    actions = [row["actor"] for word in ("create", "update", "delete") for row in await office.audits(f"role.{word}")]
    assert actions == ["person:ada"] * 4
    [changed] = await office.audits("role.update")
    assert json.loads(changed["detail"])["before"]["permissions"] == {"account": "read"}


async def test_nobody_makes_or_grants_a_role_stronger_than_themselves(office):
    owner = await office.token("ada", "owner")
    maker = await office.ask(
        "POST", "/v1/roles", by=owner, name="role maker", permissions__roles="write", permissions__charges="read"
    )
    token = await office.token("mia", maker.json["id"])
    strong = await office.ask("POST", "/v1/roles", by=token, name="more", permissions__payouts="write")
    assert (strong.status, strong.error["code"]) == (403, "permission_exceeded")
    own = await office.ask("POST", f"/v1/roles/{maker.json['id']}", by=token, permissions__charges="write")
    assert own.status == 403
    assert (await office.ask("POST", "/v1/roles", by=token, name="less", permissions__charges="read")).status == 200
    admin = Principal(office.account, False, "person", "adam", built_in.BUILT_IN["admin"], roles=("admin",))
    await office.roles.check_grant(admin, ["finance", "admin"])
    for names in (["owner"], ["admin", "owner"]):
        with pytest.raises(Refusal) as refused:
            await office.roles.check_grant(admin, names)
        assert refused.value.code == "permission_exceeded"
    support = Principal(office.account, False, "person", "sue", built_in.BUILT_IN["support"], roles=("support",))
    with pytest.raises(Refusal):
        await office.roles.check_grant(support, ["auditor"])
    with pytest.raises(Refusal) as unknown:
        await office.roles.check_grant(admin, ["role_none"])
    assert unknown.value.param == "roles"


async def test_another_accounts_role_gives_nothing(office):
    owner = await office.token("ada", "owner")
    role = (await office.ask("POST", "/v1/roles", by=owner, name="a", permissions__account="read")).json
    assert await office.roles.permissions("acct_of_somebody_else", [role["id"]]) == built_in.OWN
    found = await office.roles.permissions(office.account, [role["id"], "nothing"])
    assert found == {"account": "read", **built_in.OWN}


async def test_what_cannot_be_a_role(office):
    owner = await office.token("ada", "owner")
    for form, param in (
        ({"name": "x"}, "permissions"),
        ({"name": "x", "permissions__charges": "none"}, "permissions"),
        ({"name": "x", "permissions__cards": "read"}, "permissions[cards]"),
        ({"name": "x", "permissions__charges": "all"}, "permissions[charges]"),
        ({"name": "Owner", "permissions__charges": "read"}, "name"),
        ({"permissions__charges": "read"}, "name"),
    ):
        refused = await office.ask("POST", "/v1/roles", by=owner, **form)
        assert (refused.status, refused.error["param"]) == (400, param), refused.body
    first = await office.ask("POST", "/v1/roles", by=owner, name="Twice", permissions__charges="read")
    second = await office.ask("POST", "/v1/roles", by=owner, name="twice", permissions__charges="read")
    assert first.status == 200 and second.error["code"] == "role_name_taken"
    for method in ("POST", "DELETE"):
        assert (await office.ask(method, "/v1/roles/owner", by=owner)).error["code"] == "role_built_in"


async def test_the_list_has_own_and_built_in_roles_by_pages(office):
    owner = await office.token("ada", "owner")
    for number in range(3):
        await office.ask("POST", "/v1/roles", by=owner, name=f"r{number}", permissions__charges="read")
    names, cursor = [], {}
    while True:
        page = (await office.ask("GET", "/v1/roles", by=owner, limit=4, **cursor)).json
        names += [role["name"] for role in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"starting_after": page["data"][-1]["id"]}
    assert names == ["r2", "r1", "r0", *built_in.BUILT_IN]
    back = (await office.ask("GET", "/v1/roles", by=owner, ending_before="admin", limit=2)).json
    assert [role["name"] for role in back["data"]] == ["r0", "owner"] and back["has_more"]


async def test_a_restricted_key_is_given_administrative_resources_one_by_one(office):
    reader = await make_key(office, "restricted", {"roles": "read"})
    assert (await office.ask("GET", "/v1/roles", by=reader.text)).status == 200
    assert (await office.ask("GET", "/v1/api_keys", by=reader.text)).status == 403
    refused = await office.ask("POST", "/v1/roles", by=reader.text, name="x", permissions__charges="read")
    assert refused.status == 403
