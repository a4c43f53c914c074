"""The simulator over its own TLS: money moves once, limits hold, a killed process remembers, strangers get nothing."""

import asyncio
import json
import signal
import ssl
import time

import aiohttp
import pytest

from tests.simulator.running import ADMIN, KEY, OTHER_KEY, RunningSimulator, authorization, signed


async def test_authorize_capture_and_refund_within_limits(simulator: RunningSimulator):
    held = await simulator.ask("/authorizations", **authorization("a1"))
    assert held["status"] == "approved"
    assert held["captured_amount"] == 0
    part = {"authorization": held["id"], "amount": 400}
    assert (await simulator.ask("/captures", reference="c1", final=False, **part))["status"] == "approved"
    too_much = await simulator.ask("/captures", reference="c2", authorization=held["id"], amount=700)
    assert too_much["decline_code"] == "amount_too_large"
    assert (await simulator.ask("/captures", reference="c3", **part))["status"] == "approved"
    assert (await simulator.ask("/captures", reference="c4", **part))["decline_code"] == "already_captured"
    void = await simulator.ask("/voids", reference="v1", authorization=held["id"])
    assert void["decline_code"] == "already_captured"
    refund = await simulator.ask("/refunds", reference="r1", authorization=held["id"], amount=800)
    assert refund["status"] == "approved"
    over = await simulator.ask("/refunds", reference="r2", authorization=held["id"], amount=1)
    assert over["decline_code"] == "amount_too_large"


async def test_a_void_releases_once_and_ends_captures(simulator: RunningSimulator):
    held = await simulator.ask("/authorizations", **authorization("a1"))
    assert (await simulator.ask("/voids", reference="v1", authorization=held["id"]))["status"] == "approved"
    again = await simulator.ask("/voids", reference="v2", authorization=held["id"])
    assert again["decline_code"] == "authorization_voided"
    late = await simulator.ask("/captures", reference="c1", authorization=held["id"], amount=1)
    assert late["decline_code"] == "authorization_voided"


async def test_one_reference_has_one_effect_and_one_answer_also_after_a_kill(simulator: RunningSimulator):
    body = authorization("a1", capture=True)
    first = await simulator.ask("/authorizations", **body)
    same = await asyncio.gather(*(simulator.ask("/authorizations", **body) for _ in range(20)))
    assert same == [first] * 20
    refund = {"reference": "r1", "authorization": first["id"], "amount": 500}
    refunded = await simulator.ask("/refunds", **refund)
    simulator.restart(signal.SIGKILL)
    assert await simulator.ask("/authorizations", **body) == first
    assert await simulator.ask("/refunds", **refund) == refunded
    over = await simulator.ask("/refunds", reference="r2", authorization=first["id"], amount=600)
    assert over["status"] == "declined"
    assert [entry["kind"] for entry in await simulator.journal()] == ["authorization", "refund", "refund"]


async def test_a_reference_used_for_something_else_is_refused(simulator: RunningSimulator):
    await simulator.ask("/authorizations", **authorization("a1"))
    status, said = await simulator.post("/authorizations", authorization("a1", amount=5))
    assert (status, said["error"]["code"]) == (409, "reference_reused")
    status, _ = await simulator.post("/voids", {"reference": "a1", "authorization": "x"})
    assert status == 409
    assert len(await simulator.journal()) == 1


async def test_accounts_do_not_see_each_other(simulator: RunningSimulator):
    held = await simulator.ask("/authorizations", **authorization("a1"))
    _, theirs = await simulator.post("/inquiries", {"reference": "a1"}, key=OTHER_KEY)
    assert theirs["found"] is False
    _, void = await simulator.post("/voids", {"reference": "v", "authorization": held["id"]}, key=OTHER_KEY)
    assert void["decline_code"] == "authorization_unknown"
    assert [entry["account"] for entry in await simulator.journal(account="acct_b:test")] == ["acct_b:test"]


async def test_a_reversal_undoes_what_was_there_and_bars_what_comes_late(simulator: RunningSimulator):
    await simulator.ask("/authorizations", **authorization("a1", capture=True))
    undone = await simulator.ask("/reversals", reference="a1")
    assert undone == {"reference": "a1", "found": True, "status": "reversed", "returned_amount": 1099}
    again = await simulator.ask("/reversals", reference="a1")
    assert (again["status"], again["returned_amount"]) == ("reversed", 0)
    assert (await simulator.ask("/inquiries", reference="a1"))["status"] == "reversed"
    assert (await simulator.ask("/reversals", reference="late"))["found"] is False
    simulator.restart()
    late = await simulator.ask("/authorizations", **authorization("late"))
    assert (late["status"], late["decline_code"]) == ("declined", "reversed")


async def test_consent_given_when_saving_a_card_serves_later_and_only_that_card(simulator: RunningSimulator):
    number = "4000002500003155"
    saved = await simulator.ask("/authorizations", **authorization("s1", number, amount=0, setup=True))
    async with simulator.session.post(saved["redirect_url"], data={"result": "pass"}, allow_redirects=False) as back:
        assert back.status == 303
    done = await simulator.ask("/authorizations/complete", reference="s2", authorization=saved["id"])
    consent = {"off_session": True, "network_transaction_id": done["network_transaction_id"]}
    simulator.restart()
    paid = await simulator.ask("/authorizations", **authorization("p1", number, **consent))
    assert paid["status"] == "approved"
    other = await simulator.ask("/authorizations", **authorization("p2", "4000000000003220", **consent))
    assert other["decline_code"] == "authentication_required"
    without = await simulator.ask("/authorizations", **authorization("p3", number, off_session=True))
    assert without["decline_code"] == "authentication_required"
    unsaved = {"off_session": True, "network_transaction_id": paid["network_transaction_id"]}
    not_consent = await simulator.ask("/authorizations", **authorization("p4", number, **unsaved))
    assert not_consent["decline_code"] == "authentication_required"


async def test_no_card_number_or_code_is_ever_written(simulator: RunningSimulator):
    number, cvc = "4000551234567899", "9173"
    card = {"number": number, "exp_month": "12", "exp_year": "2099", "cvc": cvc}
    await simulator.ask("/authorizations", **authorization("a1", card=card))
    await simulator.post("/authorizations", authorization("a2", card={**card, "number": number + "x"}))
    simulator.stop()
    everything = b"".join(file.read_bytes() for file in simulator.home.rglob("*") if file.suffix == ".jsonl")
    assert b"a1" in everything
    assert number.encode() not in everything
    assert f'"{cvc}"'.encode() not in everything


WRONG = [
    {"amount": -1},
    {"amount": 0},
    {"amount": 1.5},
    {"amount": True},
    {"amount": "1099"},
    {"amount": 10**13},
    {"currency": "USD"},
    {"reference": ""},
    {"reference": "a\u0000"},
    {"capture": 1},
    {"three_d_secure": "maybe"},
    {"return_url": "javascript:alert(1)"},
    {"return_url": "https://shop.example;x"},
    {"return_url": "https://u@shop.example"},
    {"card": {"number": "4242", "exp_month": "12", "exp_year": "2099"}},
    {"card": {"number": "4242424242424242", "exp_month": "13", "exp_year": "2099"}},
    {"unknown": 1},
]


async def test_messages_with_anything_wrong_have_no_effect(simulator: RunningSimulator):
    for change in WRONG:
        status, said = await simulator.post("/authorizations", authorization("a1") | change)
        assert (status, said["error"]["code"]) == (400, "invalid"), change
        assert "4242" not in json.dumps(said)
    assert await simulator.journal() == []


async def test_bodies_that_are_not_one_json_object_are_refused(simulator: RunningSimulator):
    bodies = [b"", b"[]", b'{"reference":"a","reference":"b"}', b'{"reference":"\xff"}', b"[" * 50_000, b'{"a":NaN}']
    for body in bodies:
        status, _ = await simulator.post_raw("/inquiries", body, headers=signed(body))
        assert status == 400, body[:20]
    long = b" " * 300_000
    status, said = await simulator.post_raw("/inquiries", long, headers=signed(long))
    assert (status, said["error"]["code"]) == (413, "http")
    status, _ = await simulator.post_raw("/inquiries", b"{}", headers={**signed(b"{}"), "Content-Type": "text/plain"})
    assert status == 415


async def test_a_message_that_is_not_signed_whole_and_now_has_no_effect(simulator: RunningSimulator):
    body = json.dumps(authorization("a1")).encode()
    good, now = signed(body), time.time()
    stale, early = signed(body, at=now - 310)["X-Signature"], signed(body, at=now + 310)["X-Signature"]
    stamp, mac = good["X-Signature"].split(",v1=")
    wrong: dict[str, dict[str, str | None]] = {
        "no digest": {"Content-Digest": None},
        "another's digest": {"Content-Digest": signed(b"{}")["Content-Digest"]},
        "another algorithm": {"Content-Digest": good["Content-Digest"].replace("sha-256", "sha-512")},
        "no signature": {"X-Signature": None},
        "another body's": {"X-Signature": signed(b"{}")["X-Signature"]},
        "another merchant's": {"X-Signature": signed(body, OTHER_KEY)["X-Signature"]},
        "another second": {"X-Signature": f"t={int(stamp[2:]) + 1},v1={mac}"},
        "too old": {"X-Signature": stale},
        "too early": {"X-Signature": early},
        "more beside it": {"X-Signature": good["X-Signature"] + ",v1=" + "0" * 64},
        "not ascii": {"X-Signature": good["X-Signature"].replace("t=", "t=\u0661")},
    }
    for why, change in wrong.items():
        headers = {name: value for name, value in (good | change).items() if value is not None}
        status, said = await simulator.post_raw("/authorizations", body, headers=headers)
        assert (status, said["error"]["code"]) == (401, "signature"), why
    status, _ = await simulator.post_raw("/authorizations", body + b" ", headers=good)
    assert status == 401
    assert await simulator.journal() == []
    old_enough = signed(body, at=now - 250)
    assert (await simulator.post_raw("/authorizations", body, headers=old_enough))[0] == 200


async def test_every_answer_is_json_with_security_headers(simulator: RunningSimulator):
    for method, path, status in (("GET", "/nowhere", 404), ("GET", "/captures", 405), ("POST", "/captures", 401)):
        async with simulator.session.request(method, path) as answer:
            assert answer.status == status
            assert "error" in await answer.json()
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "aiohttp" not in answer.headers["Server"]


async def test_a_wrong_key_gets_nothing_and_the_admin_door_has_its_own(simulator: RunningSimulator):
    for path in ("/authorizations", "/captures", "/voids", "/refunds", "/inquiries", "/reversals"):
        for key in ("wrong-key-of-some-length", ADMIN, ""):
            assert (await simulator.post(path, authorization("a1"), key=key))[0] == 401
    for method, path in (("GET", "journal"), ("GET", "status"), ("POST", "faults"), ("DELETE", "faults")):
        headers = {"Authorization": f"Bearer {KEY}"}
        async with simulator.session.request(method, f"/admin/{path}", headers=headers) as answer:
            assert answer.status == 401
    assert await simulator.journal() == []


async def test_only_tls_1_3(simulator: RunningSimulator):
    old = ssl.create_default_context()
    old.check_hostname, old.verify_mode, old.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2
    with pytest.raises(aiohttp.ClientConnectionError):
        await simulator.session.get("/admin/status", ssl=old)


async def test_the_journal_can_be_read_in_steps(simulator: RunningSimulator):
    for number in range(3):
        await simulator.ask("/authorizations", **authorization(f"a{number}"))
    entries = await simulator.journal(since="1")
    assert [entry["reference"] for entry in entries] == ["a1", "a2"]
    assert [entry["seq"] for entry in entries] == [2, 3]
    assert await simulator.journal(since="99") == []


async def test_it_stops_cleanly_and_keeps_what_it_answered(simulator: RunningSimulator):
    await simulator.ask("/authorizations", **authorization("a1"))
    assert simulator.stop(signal.SIGTERM) == 0
    simulator.start()
    assert (await simulator.ask("/inquiries", reference="a1"))["found"] is True


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda home: (home / "tls" / "simulator.key").unlink(), "run 'lockgate init'"),
        (lambda home: (home / "secrets" / "simulator.json").chmod(0o644), "chmod 600"),
        (lambda home: (home / "settings.json").write_text('{"profile": "production"}'), "sandbox profile only"),
    ],
)
async def test_bad_settings_end_it_with_one_line(simulator: RunningSimulator, break_it, said: str):
    simulator.stop()
    break_it(simulator.home)
    with pytest.raises(AssertionError, match=said) as failure:
        simulator.start()
    assert "Traceback" not in str(failure.value)


async def test_killed_in_the_middle_of_a_load_it_remembers_every_answer_it_gave(simulator: RunningSimulator):
    answered: dict[str, str] = {}

    async def pay(worker: int) -> None:
        for number in range(1_000):
            reference = f"a{worker}_{number}"
            try:
                said = await simulator.ask("/authorizations", **authorization(reference, capture=True))
            except (aiohttp.ClientError, TimeoutError):
                return
            answered[reference] = said["id"]

    load = asyncio.gather(*(pay(worker) for worker in range(8)))
    while len(answered) < 50:
        await asyncio.sleep(0.01)
    assert simulator.process is not None
    simulator.process.kill()
    await load
    simulator.process.wait()
    simulator.start()
    journal = {entry["reference"]: entry["id"] for entry in await simulator.journal()}
    assert answered.items() <= journal.items()
    assert len(journal) <= len(answered) + 8
