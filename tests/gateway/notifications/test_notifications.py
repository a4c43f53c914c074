"""What a processor tells us is verified, kept once, and worked through until somebody has learnt what is true."""

import asyncio
from collections import Counter

import pytest

from lockgate.gateway.notifications import store
from lockgate.gateway.notifications.core import place, retry
from lockgate.gateway.notifications.receive import MAX_BYTES
from lockgate.gateway.storage.packing import unpack
from lockgate.gateway.web.limits_rules import OPEN_DEFAULTS
from lockgate.kernel import clock
from tests.gateway.notifications.office import ACCOUNT, HEADER, Office, message, signed, unavailable

_, _, FAILED_BURST = OPEN_DEFAULTS["failure"]

NOT_ACCEPTED = "This notification was not accepted."


async def test_a_signed_message_is_stored_before_it_is_answered_and_a_copy_is_fine(office: Office) -> None:
    for _ in range(3):
        assert await office.told("ntf_1") == (200, {"received": True})
    (row,) = await office.rows()
    assert (row["account"], row["livemode"], row["processor"], row["id"]) == (ACCOUNT, False, "simulator", "ntf_1")
    assert row["state"] == "waiting" and unpack(row["body"]) == {"kind": "dispute", "reference": "sdp_1"}
    assert len(office.pokes) == 1 and not office.handled, "nothing is believed, nothing is done at the door"
    assert office.signatures.asked[0].keys() == {HEADER}, "the vault sees the signature and no other header"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (None, []),
        (None, [(HEADER, "0" * 64)]),
        (None, [(HEADER, signed(message("ntf_1"))), (HEADER, signed(message("ntf_1")))]),
        ("/processors/nobody/acct_a/test/notify", None),
        ("/processors/simulator/acct_b/test/notify", None),
        ("/processors/simulator/acct_a/live/notify", None),
        ("/processors/simulator/acct_a/prod/notify", None),
        ("/processors/simulator/acct_a.b/test/notify", None),
        ("/processors/simulator/cus_a/test/notify", None),
    ],
)
async def test_a_message_that_is_not_proven_is_refused_without_a_word_and_put_on_record(
    office: Office, path: str | None, headers: list[tuple[str, str]] | None
) -> None:
    status, said = await office.post(message("ntf_1"), path=path, headers=headers)
    assert (status, said) == (401, {"error": {"type": "invalid_request_error", "message": NOT_ACCEPTED}})
    assert await office.rows() == [] and await office.refusals() == ["unverified"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'{"id":"ntf_1"}', b"\xff" * 99,
        message("ntf_1", kind="gossip"), message("ntf_1", kind="payout"),
    ],
)
async def test_a_signed_message_that_means_nothing_is_refused_the_same_way(office: Office, body: bytes) -> None:
    status, said = await office.post(body)
    assert (status, said) == (400, {"error": {"type": "invalid_request_error", "message": NOT_ACCEPTED}})
    assert await office.rows() == [] and await office.refusals() == ["unreadable"]


async def test_a_body_has_its_own_limit_and_other_methods_are_none(office: Office) -> None:
    big = message("ntf_1", reference="s" * MAX_BYTES)
    status, _ = await office.post(big)
    assert status == 413
    for method in ("GET", "DELETE", "PUT"):
        status, _ = await office.post(b"", method=method)
        assert status == 405
    status, _ = await office.post(message("ntf_1"), path=f"/processors/simulator/{ACCOUNT}/test/notify/more")
    assert status == 404 and await office.rows() == []


async def test_a_vault_that_cannot_be_asked_lets_nothing_in_and_says_to_try_again(office: Office) -> None:
    office.signatures.broken = unavailable()
    status, said = await office.told("ntf_1")
    assert status == 503 and "Send it again" in said["error"]["message"]
    assert await office.rows() == []
    office.signatures.broken = None
    assert (await office.told("ntf_1"))[0] == 200


async def test_forgers_are_slowed_down_and_do_not_keep_the_processor_out(office: Office) -> None:
    posts = (office.post(message(f"ntf_{n}"), headers=[(HEADER, "0")]) for n in range(4 * FAILED_BURST))
    answers = Counter(status for status, _ in await asyncio.gather(*posts))
    assert answers[401] >= FAILED_BURST and answers[429] > 0 and answers.keys() == {401, 429}
    assert (await office.told("ntf_true"))[0] == 200
    assert [row["id"] for row in await office.rows()] == ["ntf_true"]


async def test_each_message_is_handled_and_done_with(office: Office) -> None:
    for n in range(5):
        await office.told(f"ntf_{n}", f"sdp_{n}")
    done = await asyncio.gather(*(office.work() for _ in range(3)))
    assert sum(done) == 5, "no two workers take the same one"
    assert sorted(told.reference for told in office.handled) == [f"sdp_{n}" for n in range(5)]
    assert office.handled[0][:3] == (ACCOUNT, False, "simulator")
    assert {row["state"] for row in await office.rows()} == {"done"} and await office.work() == 0
    assert (await office.told("ntf_1", "sdp_1"))[0] == 200
    assert await office.work() == 0, "what is done stays done"


async def test_what_taught_nothing_is_tried_again_ever_later_and_then_given_up(office: Office) -> None:
    office.learns = {"sdp_1": False, "sdp_2": RuntimeError("the handler broke")}
    await office.told("ntf_1", "sdp_1")
    await office.told("ntf_2", "sdp_2")
    waits = []
    last = len(retry.WAITS_MS) - 1
    for tries in (*range(9), last):
        await office.pool.execute("update notification set tries = $1", tries)
        before = clock.now_ms()
        assert await office.work() == 2
        if retry.WAITS_MS[tries] >= 30_000:
            assert await office.work() == 0, "not before its time"
        rows = await office.rows()
        assert {row["state"] for row in rows} == {"waiting"}
        waits.append(rows[0]["next_try_ms"] - before)
        await office.make_due()
    assert all(wanted <= wait < wanted + 5_000 for wanted, wait in zip(
        (*retry.WAITS_MS[:9], retry.WAITS_MS[last]), waits, strict=True
    ))  # fmt: skip
    assert retry.WAITS_MS[last] == retry.DAY_MS and last > 30
    await office.work()
    assert {row["state"] for row in await office.rows()} == {"dead"} and await office.work() == 0


async def test_a_worker_that_died_leaves_its_messages_to_the_next(office: Office) -> None:
    await office.told("ntf_1")
    now_ms = clock.now_ms()
    (held,) = await store.lease(office.pool, now_ms=now_ms, until_ms=now_ms + 60_000, limit=10)
    assert await office.work() == 0
    await office.make_due()
    assert await office.work() == 1
    await store.settle(office.pool, held, state="dead", next_try_ms=None)
    assert {row["state"] for row in await office.rows()} == {"done"}, "a lease that was lost decides nothing"


async def test_what_is_done_with_is_forgotten_after_thirty_days(office: Office) -> None:
    await office.told("ntf_1")
    await office.work()
    await office.told("ntf_2")
    assert await store.purge(office.pool, before_ms=clock.now_ms() - retry.KEPT_MS) == 0
    assert await store.purge(office.pool, before_ms=clock.now_ms() + 1) == 1
    assert [row["id"] for row in await office.rows()] == ["ntf_2"], "what waits is kept"


def test_an_address_is_read_strictly() -> None:
    good = {"processor": "simulator", "account": "acct_1A", "mode": "live"}
    assert place.read(good) == ("simulator", "acct_1A", True)
    for wrong in ({"mode": "LIVE"}, {"mode": ""}, {"account": "acct_"}, {"account": "acct_1\n"}, {"account": "Acct_1"}):
        assert place.read({**good, **wrong}) is None
