"""Tenant isolation of what is administrative: one account's people, keys, roles and rules do not exist for another."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tools.contract.declared import operations

from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import ADMINISTRATIVE
from tests.support.door import Client
from tests.sweeps import credentials
from tests.sweeps.conftest import Merchant, Place

DECLARED = [one for one in operations() if one.resource in ADMINISTRATIVE and "{" in one.path]
# Not anybody's own: the log has one chain, and every account has the same built-in rules of alerts.
SHARED = {"checkpoint", "rule"}
NEEDED: dict[str, dict[str, Any]] = {
    "access_review_item.decide": {"decision": "remove"},
    "alert_route.update": {"enabled": "false"},
    "api_key.update": {"name": "mine"},
    "app.update": {"name": "mine"},
    "approval.approve": {"method": "totp", "proof": "000000"},
    "approval.prove": {"method": "totp", "proof": "000000"},
    "person.update": {"roles[]": "auditor"},
    "role.update": {"name": "mine"},
}


@pytest.fixture(scope="module")
def owned(place: Place, owner: Merchant) -> dict[str, str]:
    """By the name that paths have for it, one thing of the owner's own."""
    person = credentials.person(place, owner.account, "owner")
    client = place.client(person.text)

    def made(path: str, **params: Any) -> dict[str, Any]:
        reply = client.post(path, params)
        assert reply.status == 200, (path, reply.text)
        return reply.json

    found = {
        "role": made("/v1/roles", **{"name": f"Isolated {time.time()}", "permissions[charges]": "read"})["id"],
        "api_key": made("/v1/api_keys", type="publishable")["id"],
        "invitation": made("/v1/invitations", **{"email": f"new{time.time()}@shop.test", "roles[]": "support"})["id"],
        "address_rule": made(
            "/v1/address_rules", **{"scope": "account", "networks[]": "203.0.113.0/24", "mode": "dry_run"}
        )["id"],
        "route": made("/v1/alert_routes", email="alerts@shop.test")["id"],
        "silence": made(
            "/v1/alert_silences", rule="access_review_due", until=int(time.time()) + 3600, reason="sweep"
        )["id"],
        "app": made(
            "/v1/apps", **{"name": "Own", "token_endpoint_auth_method": "none", "scope": "charges=read",
                           "redirect_uris[]": "https://app.example/back"},
        )["id"],
        "person": person.id,
        "session": person.session,
        "record": client.get("/v1/audit_records", {"limit": 1}).json["data"][0]["id"],
    }
    found["review"] = made("/v1/access_reviews")["id"]
    items = client.get(f"/v1/access_reviews/{found['review']}/items", {"limit": 1}).json["data"]
    found["item"] = items[0]["id"]
    credentials.app(place, owner.account, person.id, {"charges": "read"})
    found["authorization"] = client.get("/v1/authorizations", {"limit": 1}).json["data"][0]["id"]
    return found


@pytest.fixture(scope="module")
def strangers_token(place: Place, stranger: Merchant) -> str:
    """The other account's owner's, who may do everything there."""
    return credentials.person(place, stranger.account, "owner").text


@pytest.fixture
def stranger_client(place: Place, strangers_token: str) -> Iterator[Client]:
    """From an address of its own each time: past twenty a minute refusals are counted, not listed."""
    client = place.client(strangers_token)
    yield client
    client.close()


def names_in(operation: Operation) -> list[str]:
    return [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]


@pytest.mark.parametrize("operation", DECLARED, ids=lambda one: one.name)
def test_another_accounts_own_does_not_exist(
    place: Place, owned: dict[str, str], stranger_client: Client, operation: Operation
) -> None:
    names = names_in(operation)
    if SHARED & set(names):
        pytest.skip("shared by all accounts")
    path = operation.path
    for name in names:
        path = path.replace(f"{{{name}}}", owned.get(name, f"{name}_0351Q0000000000000000"))
    reply = stranger_client.request(operation.method, path, NEEDED.get(operation.name, {}))
    assert reply.status == 404, (operation.name, path, reply.text)
    assert reply.error["code"] == "resource_missing"
    kept = place.fetch("select outcome from gateway.audit where request = $1 and action = 'object.not_found'",
                       reply.request_id)
    assert [row["outcome"] for row in kept] == ["refused"]


def test_it_is_all_there_for_its_owner(place: Place, owner: Merchant, owned: dict[str, str]) -> None:
    """Or the sweep would pass with ids that never were."""
    client = place.client(credentials.person(place, owner.account, "owner").text)
    for name, path in (
        ("role", "roles"), ("api_key", "api_keys"), ("invitation", "invitations"), ("app", "apps"),
        ("address_rule", "address_rules"), ("route", "alert_routes"), ("person", "people"),
        ("record", "audit_records"), ("review", "access_reviews"), ("authorization", "authorizations"),
    ):
        reply = client.get(f"/v1/{path}/{owned[name]}")
        assert reply.status == 200, (name, reply.text)


def test_lists_hold_ones_own_only(place: Place, owned: dict[str, str], stranger_client: Client) -> None:
    for operation in operations():
        if operation.resource in ADMINISTRATIVE and operation.form == "list" and "{" not in operation.path:
            reply = stranger_client.get(operation.path)
            assert reply.status == 200, (operation.name, reply.text)
            told = [id_ for name, id_ in owned.items() if name not in SHARED and id_ in reply.text]
            assert not told, (operation.name, told)


# Operation's path -> parameters with an id of another account's in braces; all else is right.
FOREIGN: list[tuple[str, dict[str, Any]]] = [
    ("/v1/certificate_requirements", {"required": "true", "api_key": "{api_key}"}),
    ("/v1/address_rules", {"scope": "key", "subject": "{api_key}", "networks[]": "127.0.0.0/8", "mode": "dry_run"}),
    ("/v1/address_rules", {"scope": "role", "subject": "{role}", "networks[]": "127.0.0.0/8", "mode": "dry_run"}),
    ("/v1/invitations", {"email": "foreign@shop.test", "roles[]": "{role}"}),
    ("/v1/people/{own_person}", {"roles[]": "{role}"}),
]
CURSORS = {
    "roles": "role", "api_keys": "api_key", "invitations": "invitation", "apps": "app", "people": "person",
    "audit_records": "record", "access_reviews": "review", "authorizations": "authorization", "sessions": "session",
    "address_rules": "address_rule", "alert_routes": "route", "alert_silences": "silence",
}  # fmt: skip


@pytest.mark.parametrize(("path", "params"), FOREIGN, ids=lambda one: one if isinstance(one, str) else "")
def test_another_accounts_ids_in_bodies_mean_nothing(
    place: Place, stranger: Merchant, owned: dict[str, str], stranger_client: Client, path: str, params: dict[str, Any]
) -> None:
    ids = {**owned, "own_person": credentials.person(place, stranger.account, "support").id}
    never = {**ids, "api_key": "key_0351Q0000000000000000", "role": "role_0351Q0000000000000000"}
    told = []
    for known in (ids, never):
        reply = stranger_client.post(path.format(**ids), {name: text.format(**known) for name, text in params.items()})
        assert reply.status in (400, 404), reply.text
        told.append((reply.status, reply.text.replace(known["role"], "").replace(known["api_key"], "")))
    assert told[0] == told[1], "an id of another account is told from one that never was"


def test_another_accounts_ids_as_cursors_are_no_cursors(owned: dict[str, str], stranger_client: Client) -> None:
    for collection, name in CURSORS.items():
        for cursor in ("starting_after", "ending_before"):
            reply = stranger_client.get(f"/v1/{collection}", {cursor: owned[name]})
            assert (reply.status, reply.error.get("param")) == (400, cursor), (collection, reply.text)
