"""``lockgate people`` from the operator's hands."""

from collections.abc import Iterator

import pytest

from tests.support import people
from tests.support.running import Running, discard, start_lockgate


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


def test_the_operator_lets_people_in_and_out(running):
    announced = running["owner_link"]
    link = running.command("people", "owner-link").stdout.split()[0]
    assert link != announced
    sent = {"secret": announced.partition("#")[2], "email": "a@shop.test", "password": people.PASSWORD}
    assert people.bare(people.client(running), "/v1/invitations/accept", sent).status == 404, "the older one is over"
    first = people.accept(running, link, email="first@shop.test")
    assert first.get("/v1/people/me").json["roles"] == ["owner"]
    refused = running.command("people", "owner-link", check=False)
    assert refused.returncode == 1 and "--recover" in refused.stderr
    made = running.command("people", "invite", "dev@shop.test", "--role", "developer", "--role", "analyst").stdout
    person = people.accept(running, made.split()[0], email="dev@shop.test")
    assert person.get("/v1/people/me").json["roles"] == ["developer", "analyst"]
    listed = running.command("people", "list").stdout
    assert f"{person.id}  active  developer, analyst  dev@shop.test" in listed
    running.command("people", "disable", person.id)
    assert f"{person.id}  disabled" in running.command("people", "list").stdout
    running.command("people", "enable", person.id)
    assert person.again().get("/v1/people/me").status == 200
    running.command("people", "reset-factors", person.id)
    begun = people.begin(person.client, person.email, person.password, device=person.device).json
    assert begun["methods"] == ["totp_enrollment", "passkey_enrollment"]
    assert people.bare(person.client, "/v1/sessions/prove", {
        "id": begun["id"], "secret": begun["secret"], "method": "recovery_code", "proof": person.recovery_codes[-1],
    }).status in (401, 403)
    last = running.command("people", "disable", first.id, check=False)
    assert last.returncode == 1 and "last owner" in last.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("invite", "nobody", "--role", "support"), "e-mail address"),
        (("invite", "x@shop.test", "--role", "king"), "A role is one of"),
        (("disable", "per_none"), "No such person"),
        (("list", "--account", "acct_none"), "there is no account"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(running, words, said):
    done = running.command("people", *words, check=False)
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_start_announces_no_link_once_there_is_an_owner(running):
    assert "owner_link" in running.ready
    directory = running.ready_file.parent
    running.stop()
    again = start_lockgate(directory)
    running.process = again.process
    assert again["owner_link"] is None
