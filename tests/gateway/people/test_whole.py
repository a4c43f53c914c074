"""People at a running Lockgate: the first start, the door, and that whoever is signed out is out within a second."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support import people
from tests.support.door import Reply, basic
from tests.support.people import Person, bare, begin, client, member, owner
from tests.support.running import Running, discard, start_lockgate

FRESH = "eleven green kettles sing at noon"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


def works(person: Person) -> bool:
    reply = person.get("/v1/people/me")
    assert reply.status in (200, 401), reply.text
    return reply.status == 200


def ends_within_a_second(person: Person, act: Callable[[], Reply]) -> None:
    """Her unexpired token is in use while ``act`` happens, and good for nothing a second later."""
    assert works(person)
    done = act()
    assert done.status == 200, done.text
    time.sleep(1.05)
    assert not works(person), f"still good after {done.text}"
    old = {"refresh_token": person.tokens["refresh_token"]}
    assert bare(person.client, "/v1/sessions/refresh", old).status == 401


def test_nobody_can_sign_in_after_the_first_start_and_the_link_is_new_at_each(running):
    link = running["owner_link"]
    assert link.startswith(f"{running['api']}/sign-up#") and len(link.partition("#")[2]) == 43
    assert running.log.read_text().count(link) == 1
    door = client(running)
    for email in ("admin", "admin@localhost", "root@localhost", "owner@shop.test", "admin@example.com"):
        for password in ("admin", "password", "lockgate", "changeme"):
            assert begin(door, email, password).status in (400, 401)
    for path in ("settings.json", "secrets/gateway.json", "logs/gateway.log"):
        assert link.partition("#")[2] not in (running.home / path).read_text()


def test_the_first_owner_signs_up_and_the_link_is_over(running):
    link = running["owner_link"]
    first = owner(running)
    me = first.get("/v1/people/me").json
    assert (me["object"], me["email"], me["roles"], me["status"]) == ("person", first.email, ["owner"], "active")
    sent = {"secret": link.partition("#")[2], "email": "second@shop.test", "password": FRESH}
    again = bare(client(running), "/v1/invitations/accept", sent)
    assert again.status == 404 and again.error["code"] == "invitation_over"
    assert "already" not in again.text
    done = running.command("people", "owner-link", check=False)
    assert done.returncode == 1 and "has an owner" in done.stderr


def test_keys_cannot_do_what_is_for_people_and_no_key_signs_in(running):
    for key in (running["secret_key"], running["publishable_key"], running["live_secret_key"]):
        keyed = client(running)
        keyed.key = key
        for path in ("/v1/people", "/v1/people/me", "/v1/sessions", "/v1/invitations"):
            assert keyed.get(path).status == 403, path
        body = {"email": key, "password": key}
        for headers in ({"Authorization": f"Bearer {key}"}, {"Authorization": basic(key)}):
            assert keyed.post("/v1/sessions", body, headers=headers).status in (400, 401)


def test_wrong_tries_look_all_the_same_from_outside(running):
    first = owner(running)
    gone = member(first, ["support"])
    assert first.post(f"/v1/people/{gone.id}/disable").status == 200
    seen = set()
    tries = [("nobody@shop.test", FRESH), (first.email, FRESH), (gone.email, gone.password), ("x", "y")]
    for email, password in tries:
        reply = begin(client(running), email, password)
        if email == "x":
            assert reply.status == 400  # what is no address says nothing about anybody
            continue
        seen.add((reply.status, reply.text, tuple(sorted(set(reply.headers) - {"request-id", "date"}))))
    assert len(seen) == 1 and next(iter(seen))[0] == 401


def test_half_a_sign_in_opens_nothing(running):
    first = owner(running)
    begun = begin(first.client, first.email, first.password, device=first.device).json
    assert begun["object"] == "sign_in" and "totp" in begun["methods"]
    assert "access_token" not in json.dumps(begun)
    door = client(running)
    for key in (begun["id"], begun["secret"], f"{begun['id']}.{begun['secret']}.x"):
        door.key = key
        assert door.get("/v1/people/me").status == 401
        assert bare(door, "/v1/sessions/refresh", {"refresh_token": begun["secret"]}).status == 401


def test_whoever_is_signed_out_is_out_within_a_second(running):
    first = owner(running)
    her = member(first, ["developer"])
    ends_within_a_second(her, lambda: her.delete("/v1/sessions/current"))
    her.again()
    ends_within_a_second(her, lambda: first.post(f"/v1/people/{her.id}", {"roles[0]": "analyst"}))
    her.again()
    ends_within_a_second(her, lambda: first.post(f"/v1/people/{her.id}/end_sessions"))
    her.again()
    change = {"current_password": her.password, "password": FRESH}
    ends_within_a_second(her, lambda: her.post("/v1/people/me/password", change))
    her.password = FRESH
    her.again()
    ends_within_a_second(her, lambda: first.post(f"/v1/people/{her.id}/disable"))
    assert begin(her.client, her.email, FRESH).status == 401
    assert first.post(f"/v1/people/{her.id}/enable").status == 200
    her.again()
    ends_within_a_second(her, lambda: first.delete(f"/v1/people/{her.id}"))


def test_a_role_decides_and_the_mode_is_chosen_by_header(running):
    first = owner(running)
    helper = member(first, ["support"])
    assert helper.get("/v1/customers").status == 200
    assert helper.post("/v1/customers", {"name": "Ann"}, headers={"Stripe-Livemode": "true"}).json["livemode"] is True
    assert helper.get("/v1/people").status == helper.get("/v1/payouts").status == 403
    assert helper.post(f"/v1/people/{helper.id}", {"roles[0]": "owner"}).status == 403
    assert helper.get("/v1/sessions").json["data"][0]["current"] is True
    assert helper.get("/v1/customers", headers={"Stripe-Account": "acct_0000000000000000"}).status == 403


def test_a_forgotten_password_comes_back_by_mail_with_the_factor_still_asked(running):
    her = member(owner(running), ["support"])
    unknown = bare(her.client, "/v1/passwords/forgot", {"email": "nobody@shop.test"})
    known = bare(her.client, "/v1/passwords/forgot", {"email": her.email})
    assert (known.status, known.text) == (unknown.status, unknown.text)
    secret = people.link_in(people.mail_to(running, her.email, kind="Set a new password")).partition("#")[2]
    assert bare(her.client, "/v1/passwords/reset", {"secret": secret, "password": "short"}).status == 400
    assert bare(her.client, "/v1/passwords/reset", {"secret": secret, "password": FRESH}).status == 200
    assert bare(her.client, "/v1/passwords/reset", {"secret": secret, "password": FRESH}).status == 404
    time.sleep(1.05)
    assert not works(her)
    her.password = FRESH
    begun = begin(her.client, her.email, FRESH, device=her.device).json
    assert "totp_enrollment" not in begun["methods"]
    assert works(her.again())


def test_nothing_secret_or_personal_is_in_logs(running):
    first = owner(running)
    for file in (running.home / "logs").glob("*.log"):
        text = file.read_text(errors="replace")
        for secret in (first.email, first.password, first.tokens["access_token"], first.tokens["refresh_token"]):
            assert secret not in text, file.name
