"""What administers an account is on record, or it has not happened; and so is every try to get in."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.gateway.audit.test_whole import _state, database, without_a_log
from tests.gateway.certificates.test_life import csr_of
from tests.support import people
from tests.support.door import Client
from tests.support.running import Running, discard, start_lockgate

TAG = ""
HARMLESS = {"api_key", "person", "session", "address_rule_use", "sign_in_failures", "traffic"}
"""Written apart from any effect: when something was last used, and guesses, which only ever count up."""


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name, digest in after.items() if before[name] != digest}


def test_nothing_is_administered_without_its_record(running: Running) -> None:
    owner = people.owner(running)
    member = people.member(owner, ["developer"])
    door = people.client(running)
    ok = _made(owner)
    role = ok("/v1/roles", {"name": f"clerk{TAG}", "permissions[customers]": "read"})["id"]
    key = ok("/v1/api_keys", {"type": "restricted", "name": "shop", "permissions[customers]": "read"})
    app = ok("/v1/apps", {
        "name": "Books", "redirect_uris[0]": "https://books.test/back", "scope": "customers=read",
        "token_endpoint_auth_method": "none"})["id"]
    rule = ok("/v1/address_rules", {"scope": "account", "networks[0]": "127.0.0.0/8", "mode": "dry_run"})["id"]
    limit = ok("/v1/rate_limits", {"scope": "account", "rate": 100, "burst": 500})["id"]
    route = ok("/v1/alert_routes", {"email": "ops@shop.test"})["id"]
    silence = ok("/v1/alert_silences", {"rule": "key_leaked", "until": int(time.time()) + 3600, "reason": "x"})["id"]
    invited = ok("/v1/invitations", {"email": f"new{TAG}@shop.test", "roles[0]": "support"})["id"]
    review = ok("/v1/access_reviews", {})["id"]
    item = owner.get(f"/v1/access_reviews/{review}/items", {"limit": 100}).json["data"][0]["id"]
    certificate = ok("/v1/client_certificates", {"csr": csr_of(ec.generate_private_key(ec.SECP256R1()))})["id"]
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/roles", {"name": f"clerk2{TAG}", "permissions[customers]": "read"}),
        ("POST", f"/v1/roles/{role}", {"permissions[refunds]": "read"}),
        ("DELETE", f"/v1/roles/{role}", {}),
        ("POST", "/v1/api_keys", {"type": "restricted", "name": "x", "permissions[customers]": "read"}),
        ("POST", f"/v1/api_keys/{key['id']}", {"name": "y"}),
        ("POST", f"/v1/api_keys/{key['id']}/roll", {}),
        ("POST", f"/v1/api_keys/{key['id']}/revoke", {}),
        ("POST", "/v1/apps", {"name": "B", "redirect_uris[0]": "https://b.test/", "scope": "customers=read",
                              "token_endpoint_auth_method": "none"}),
        ("POST", f"/v1/apps/{app}", {"name": "C"}),
        ("DELETE", f"/v1/apps/{app}", {}),
        ("POST", "/v1/address_rules", {"scope": "account", "networks[0]": "127.0.0.0/8", "mode": "dry_run"}),
        ("POST", f"/v1/address_rules/{rule}", {"description": "z"}),
        ("DELETE", f"/v1/address_rules/{rule}", {}),
        ("POST", "/v1/rate_limits", {"scope": "account", "rate": 90, "burst": 400}),
        ("DELETE", f"/v1/rate_limits/{limit}", {}),
        ("POST", "/v1/alert_routes", {"email": "ops2@shop.test"}),
        ("POST", f"/v1/alert_routes/{route}", {"enabled": "false"}),
        ("POST", f"/v1/alert_routes/{route}/test", {}),
        ("DELETE", f"/v1/alert_routes/{route}", {}),
        ("POST", "/v1/alert_rules/key_leaked", {"enabled": "false"}),
        ("POST", "/v1/alert_silences", {"rule": "key_leaked", "until": int(time.time()) + 3600, "reason": "x"}),
        ("DELETE", f"/v1/alert_silences/{silence}", {}),
        ("POST", "/v1/invitations", {"email": "other@shop.test", "roles[0]": "support"}),
        ("POST", f"/v1/invitations/{invited}/revoke", {}),
        ("POST", f"/v1/people/{member.id}", {"roles[0]": "support"}),
        ("POST", f"/v1/people/{member.id}/disable", {}),
        ("POST", f"/v1/people/{member.id}/end_sessions", {}),
        ("DELETE", f"/v1/people/{member.id}", {}),
        ("POST", "/v1/people/me", {"name": "Kay"}),
        ("POST", "/v1/people/me/password", {"current_password": people.PASSWORD, "password": "eleven calm herons"}),
        ("POST", "/v1/people/me/end_sessions", {}),
        ("POST", "/v1/people/end_sessions", {}),
        ("DELETE", f"/v1/sessions/{member.session}", {}),
        ("POST", "/v1/factors/totp", {"name": "second"}),
        ("POST", "/v1/factors/passkeys/challenge", {}),
        ("POST", "/v1/factors/recovery_codes", {}),
        ("POST", "/v1/sessions/challenge", {}),
        ("POST", "/v1/approval_policy", {"api_keys[two_people]": "true"}),
        ("POST", f"/v1/access_reviews/{review}/items/{item}", {"decision": "attest"}),
        ("POST", "/v1/client_certificates", {"csr": csr_of(ec.generate_private_key(ec.SECP256R1()))}),
        ("POST", "/v1/certificate_requirements", {"required": "true"}),
        ("POST", f"/v1/client_certificates/{certificate}/revoke", {}),
    ]
    hooks: list[tuple[str, dict[str, Any]]] = [
        ("/v1/sessions", {"email": member.email, "password": people.PASSWORD}),
        ("/v1/sessions", {"email": member.email, "password": "not this one at all"}),
        ("/v1/sessions/refresh", {"refresh_token": member.tokens["refresh_token"]}),
        ("/v1/passwords/forgot", {"email": member.email}),
        ("/v1/key_leaks", {"token": key["secret"], "type": "lockgate"}),
    ]
    time.sleep(3)
    with without_a_log(running):
        before = database(running, _state)
        done, left = {}, {}
        for number, (verb, path, params) in enumerate(writes):
            named = {} if path.startswith("/v1/factors") else {"Idempotency-Key": f"dim-{number}{TAG}"}
            reply = owner.client.request(verb, path, params, headers=named)
            done[f"{verb} {path} {number}"] = (reply.status, reply.text[:160] if reply.status != 500 else "")
            after = database(running, _state)
            if _changed(before, after) - HARMLESS:
                left[f"{verb} {path}"] = _changed(before, after)
            before = after
        for path, params in hooks:
            reply = people.bare(door, path, params)
            done[f"{path} {len(done)}"] = (reply.status, reply.text[:160])
            after = database(running, _state)
            if _changed(before, after) - HARMLESS:
                left[path] = _changed(before, after)
            before = after
    assert not left, left
    refused = {what: told for what, told in done.items() if told[0] != 500}
    assert not refused, refused  # each would have worked in the light


def test_every_try_to_get_in_is_on_record(running: Running) -> None:
    """Keys known and unknown, passwords, refresh tokens, apps: who, from where, in which request."""
    owner, door = people.owner(running), people.client(running)
    account = running["account"]
    reader = Client(running["api"], running["ca_file"], running.command(
        "keys", "create", "--kind", "restricted", "--permission", "audit=read").stdout.split()[0])  # fmt: skip
    strange = running["secret_key"][:-4] + "0000"
    begun = people.begin(door, owner.email, owner.password)
    refreshed = people.bare(door, "/v1/sessions/refresh", {"refresh_token": owner.tokens["refresh_token"]})
    tries = [
        (begun, "person.sign_in_begun", "done", f"person:{owner.id}", owner.id),
        (refreshed, "session.refresh", "done", f"person:{owner.id}", owner.session),
        (people.begin(door, owner.email, "not this one at all"), "person.sign_in_refused", "refused", None, None),
    ]
    for reply, action, outcome, actor, object_ in tries:
        found = reader.get("/v1/audit_records", {"action": action, "limit": 1}).json["data"][0]
        assert (found["outcome"], found["address"]) == (outcome, door.address), found
        assert found["request"] == reply.request_id, found
        assert actor in (None, found["actor"]) and object_ in (None, found["object_id"]), found
    assert refreshed.status == 200

    async def strangers(connection: Any) -> list[Any]:
        return await connection.fetch(
            "select account, action, object, address, request from gateway.audit where address = $1 and outcome ="
            " 'refused' and action in ('authentication.refused', 'session.refused') order by id",
            stranger.address,
        )

    stranger = Client(running["api"], running["ca_file"], strange)
    replies = [stranger.get("/v1/customers"), stranger.get("/v1/customers")]
    replies.append(people.bare(stranger, "/v1/sessions/refresh", {"refresh_token": "never" * 10}))
    rows = database(running, strangers)
    assert [row["request"] for row in rows] == [reply.request_id for reply in replies], rows
    first, second, *_ = rows
    assert first["account"] in (account, "-") and first["object"] == second["object"]
    assert first["object"].startswith("credential_") and strange not in str(rows)


def _made(owner: people.Person) -> Any:
    def make(path: str, params: dict[str, Any]) -> Any:
        reply = owner.post(path, params)
        assert reply.status == 200, (path, reply.text)
        return reply.json

    return make
