"""Orders leave the vault once, only to where they may go, and nothing of the card comes back."""

import asyncio
import base64
import dataclasses
import datetime
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import trustme

from lockgate.kernel.orders import Answered, Body, Derived, Lost, NotSent, Order, SentAt, Slot, to_wire
from lockgate.kernel.testcards import synthetic
from tests.vault.running import (
    ACCOUNT,
    CARD,
    SECRET,
    SIGNER,
    House,
    http,
    introduce,
    manifest,
    order,
    processor,
    seal,
    vault_house,
)


@pytest.fixture
async def house(pool: asyncpg.Pool, secrets: dict[str, Any], tmp_path: Path) -> AsyncIterator[House]:
    async with vault_house(pool, secrets, tmp_path) as opened:
        yield opened


async def _token(house: House, **changed: Any) -> str:
    return (await house.gateway.tokenize_test(ACCOUNT, CARD | changed))["token"]


async def test_slots_are_filled_and_the_answer_is_clean(house: House, tmp_path: Path) -> None:
    echo = lambda request: http(request.partition(b"\r\n\r\n")[2], headers=f"X-Key: {SECRET}\r\nSet-Cookie: a=b\r\n")  # noqa: E731
    async with processor(tmp_path, echo) as acme:
        await introduce(house, acme)
        reply = await house.gateway.forward(
            ACCOUNT, False, order(acme, "pa_1", card=await _token(house, exp_month=3), cvc=True)
        )
        assert isinstance(reply, Answered)
        [sent] = acme.bodies()
        assert sent["card"] == {"number": CARD["number"], "exp_month": "03", "exp_year": "2040", "cvc": "987"}
        assert f"Authorization: Bearer {SECRET}\r\n".encode() in acme.requests[0]
        back = json.loads(reply.body)
        assert back["reference"] == "pa_1"
        assert back["card"]["number"] == back["card"]["cvc"] == "[removed]"
        assert dict(reply.headers)["x-key"] == "[removed]"
        assert "set-cookie" not in dict(reply.headers)


async def test_live_mode_of_a_sandbox_takes_sealed_synthetic_numbers_only(house: House, tmp_path: Path) -> None:
    number = synthetic(123456789)
    blob = seal(await house.gateway.seal_keys(), {**CARD, "number": number})
    card = await house.gateway.tokenize_sealed(ACCOUNT, True, blob)
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        wrong_mode = await house.gateway.forward(ACCOUNT, False, order(acme, "pa_1", card=card["token"]))
        assert wrong_mode == NotSent("no_card")
        right_mode = await house.gateway.forward(ACCOUNT, True, order(acme, "pa_2", card=card["token"]))
        assert isinstance(right_mode, Answered)
        assert acme.bodies()[0]["card"]["number"] == number


async def test_a_step_is_sent_once_however_often_it_is_asked_for(house: House, tmp_path: Path) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        wanted = order(acme, "pa_1", card=await _token(house))
        replies = await asyncio.gather(*(house.gateway.forward(ACCOUNT, False, wanted) for _ in range(50)))
        assert sum(isinstance(reply, Answered) for reply in replies) == 1
        assert replies.count(Lost("already_claimed")) == 49
        assert len(acme.requests) == 1


async def test_a_tombstone_and_an_order_race_to_one_winner(house: House, tmp_path: Path) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        token = await _token(house)
        for number in range(50):
            step = f"pa_{number}"
            calls = [
                house.gateway.forward(ACCOUNT, False, order(acme, step, card=token)),
                house.worker.tombstone(ACCOUNT, step),
            ]
            if number % 2:
                reply, grave = await asyncio.gather(*calls)
            else:
                grave, reply = await asyncio.gather(*reversed(calls))
            if grave["state"] == "tombstoned":
                assert reply == NotSent("tombstoned")
            else:
                assert isinstance(reply, Answered)
            sent = [body for body in acme.bodies() if body["reference"] == step]
            assert len(sent) == (grave["state"] == "claimed")


async def test_another_account_owns_its_own_steps(house: House, tmp_path: Path) -> None:
    await house.gateway.tombstone("acct_other", "pa_1")
    assert (await house.gateway.claim(ACCOUNT, "pa_1", send_before_ms=0))["won"]


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (lambda _request: None, Lost("connection")),
        (lambda _request: b"not http at all\r\n\r\n", Lost("connection")),
        (lambda _request: b"", Lost("timeout")),
        (lambda _request: http(b"x" * 600_000), Lost("answer_too_long")),
        (lambda _request: http(b"x", headers="Content-Encoding: gzip\r\n"), Lost("answer_encoded")),
    ],
    ids=["reset after", "garbage", "silence", "too long", "encoded"],
)
async def test_doubt_after_the_connection_is_lost_never_not_sent(
    house: House, tmp_path: Path, behave: Any, outcome: Lost
) -> None:
    async with processor(tmp_path, behave) as acme:
        await introduce(house, acme)
        wanted = order(acme, "pa_1", card=await _token(house), cvc=True, timeout_ms=700)
        assert await house.gateway.forward(ACCOUNT, False, wanted) == outcome
        assert len(acme.requests) == 1
        assert not (await house.gateway.describe(ACCOUNT, wanted.card or ""))["has_cvc"], "doubt wipes the code"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_dropped_kept_alive_connection_is_not_tried_again(house: House, tmp_path: Path, method: str) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)

        def wanted(step: str) -> Any:
            return dataclasses.replace(order(acme, step, card=None), method=method, body=())

        assert isinstance(await house.gateway.forward(ACCOUNT, False, wanted("pa_1")), Answered)
        acme.answer = lambda _request: None
        assert await house.gateway.forward(ACCOUNT, False, wanted("pa_2")) == Lost("connection")
        assert len(acme.requests) == 2


async def test_redirects_are_answers_and_are_not_followed(house: House, tmp_path: Path) -> None:
    redirect = lambda _request: http(b"", status="307 Moved", headers="Location: https://127.0.0.1:1/\r\n")  # noqa: E731
    async with processor(tmp_path, redirect) as acme:
        await introduce(house, acme)
        reply = await house.gateway.forward(ACCOUNT, False, order(acme, "pa_1", card=await _token(house)))
        assert isinstance(reply, Answered)
        assert reply.status == 307


def _expired(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("127.0.0.1", not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))


@pytest.mark.parametrize(
    "bad",
    [
        {"trusted": trustme.CA()},
        {"certificate": lambda ca: ca.issue_cert("processor.example")},
        {"certificate": lambda ca: ca.issue_cert("127.0.0.2")},
        {"certificate": _expired},
        {"certificate": lambda _ca: trustme.CA().issue_cert("127.0.0.1")},
    ],
    ids=["unknown authority", "wrong name", "wrong address", "expired", "foreign leaf"],
)
async def test_a_server_that_cannot_prove_itself_gets_no_byte(house: House, tmp_path: Path, bad: Any) -> None:
    async with processor(tmp_path, **bad) as acme:
        await introduce(house, acme)
        wanted = order(acme, "pa_1", card=await _token(house), cvc=True)
        assert await house.gateway.forward(ACCOUNT, False, wanted) == NotSent("tls")
        assert acme.requests == []
        assert (await house.gateway.describe(ACCOUNT, wanted.card or ""))["has_cvc"], "it may try again"


async def test_nobody_there_is_certainly_not_sent(house: House, tmp_path: Path) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
    wanted = order(acme, "pa_1", card=await _token(house))
    assert await house.gateway.forward(ACCOUNT, False, wanted) == NotSent("connection")


async def test_an_order_that_is_late_is_not_sent_and_not_claimed(house: House, tmp_path: Path) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        wanted = order(acme, "pa_1", card=await _token(house), send_before_ms=1)
        assert await house.gateway.forward(ACCOUNT, False, wanted) == NotSent("too_late")
        assert (await house.gateway.tombstone(ACCOUNT, "pa_1"))["state"] == "tombstoned"


async def test_the_code_serves_one_intent_and_one_answer(house: House, tmp_path: Path) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        token = await _token(house)

        async def attempt(step: str, intent: str, *, keep: bool) -> Any:
            wanted = order(acme, step, card=token, cvc=True)
            return await house.gateway.forward(ACCOUNT, False, wanted, intent=intent, keep_cvc=keep)

        assert isinstance(await attempt("pa_1", "pi_1", keep=True), Answered)
        assert await attempt("pa_2", "pi_2", keep=True) == NotSent("cvc_gone")
        assert isinstance(await attempt("pa_3", "pi_1", keep=False), Answered)
        assert await attempt("pa_4", "pi_1", keep=False) == NotSent("cvc_gone")
        # Certainly not sent also means not claimed: the step may still be buried.
        assert (await house.gateway.tombstone(ACCOUNT, "pa_4"))["state"] == "tombstoned"


DIGEST = Derived("hash", "sha256", (Body(),), "base64")
SIGNATURE = Derived("hmac", "sha256", (SentAt(), b".", Body()), "hex", key="secret.acme_signer")


def _signed(plain: Order, **changed: Any) -> Order:
    headers = (
        *plain.headers,
        ("Content-Digest", (b"sha-256=:", DIGEST, b":")),
        ("X-Signature", (b"t=", SentAt(), b",v1=", SIGNATURE)),
    )
    return dataclasses.replace(plain, headers=headers, **changed)


async def test_directives_cover_the_filled_body_and_never_come_back(house: House, tmp_path: Path) -> None:
    seen: dict[str, str] = {}

    def echo(request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        seen.update(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        mac = bytes.fromhex(seen["X-Signature"].split(",v1=")[1])
        digest = hashlib.sha256(body).digest()
        said = {
            "reference": seen["X-Signature"], "hex": digest.hex().upper(), "digest": seen["Content-Digest"],
            "url": base64.urlsafe_b64encode(mac).decode().rstrip("="), "twice": mac.hex().encode().hex(),
            "within": base64.b64encode(b"x" + mac).decode(), "amount": 1099,
        }  # fmt: skip
        return http(json.dumps(said).encode(), headers=f"X-Echo: {seen['Content-Digest']}\r\n")

    async with processor(tmp_path, echo) as acme:
        await introduce(house, acme)
        before = int(time.time())
        reply = await house.gateway.forward(ACCOUNT, False, _signed(order(acme, "pa_1", card=await _token(house))))
        assert isinstance(reply, Answered)
        body = acme.requests[0].partition(b"\r\n\r\n")[2]
        assert json.loads(body)["card"]["number"] == CARD["number"]
        assert seen["Content-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        stamp, mac = seen["X-Signature"].removeprefix("t=").split(",v1=")
        assert before <= int(stamp) <= time.time()
        assert mac == hmac.new(SIGNER.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        back = json.loads(reply.body)
        assert back.pop("amount") == 1099
        assert all("[removed]" in value for value in back.values()), back
        assert "[removed]" in dict(reply.headers)["x-echo"]


async def test_directives_that_are_not_granted_are_refused_unsent_unclaimed_and_audited(
    house: House, tmp_path: Path
) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        good = _signed(order(acme, "pa_1", card=await _token(house)))
        other_key = dataclasses.replace(SIGNATURE, key="secret.acme_key")
        for headers in (("X-Note", (DIGEST,)), ("X-Signature", (other_key,)), ("Content-Digest", (SIGNATURE,))):
            refused = await house.gateway.forward(ACCOUNT, False, dataclasses.replace(good, headers=(headers,)))
            assert refused == NotSent("derived_place")
        put = dataclasses.replace(good, method="PUT", body=())
        assert await house.gateway.forward(ACCOUNT, False, put) == NotSent("derived_place")
        for over in ((Slot("card.number", "ascii"),), (b"",), (Body(), Slot("card.number", "ascii"))):
            oracle: Any = dataclasses.replace(DIGEST, over=over)
            wanted = dataclasses.replace(good, headers=(("Content-Digest", (oracle,)),))
            assert to_wire(wanted)
            assert await house.gateway.forward(ACCOUNT, False, wanted) == NotSent("order")
        assert acme.requests == []
        reasons = [row["reason"] for row in await house.audit() if row["outcome"] == "refused"]
        assert {"derived_place", "order"} <= set(reasons)
        assert isinstance(await house.gateway.forward(ACCOUNT, False, good), Answered), "the step was still free"


async def test_a_signing_key_that_is_absent_keeps_the_order_here(house: House, tmp_path: Path) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        granted = {"kind": "hmac", "key": "secret.absent", "method": "POST", "path": ".*", "header": "x-signature"}
        await house.admin.put_manifest(manifest(acme) | {"derived": [granted]})
        signature = dataclasses.replace(SIGNATURE, key="secret.absent")
        plain = order(acme, "pa_1", card=await _token(house))
        wanted = dataclasses.replace(plain, headers=(*plain.headers, ("X-Signature", (signature,))))
        assert await house.gateway.forward(ACCOUNT, False, wanted) == NotSent("no_secret")
        assert acme.requests == []
        assert (await house.gateway.tombstone(ACCOUNT, "pa_1"))["state"] == "tombstoned"


async def test_hostile_orders_are_refused_unsent_unclaimed_and_audited(house: House, tmp_path: Path) -> None:
    number = Slot("card.number", "json")
    async with processor(tmp_path) as acme, processor(tmp_path) as evil:
        await introduce(house, acme)
        token = await _token(house)
        good = order(acme, "pa_1", card=token)
        json_body = {"headers": (("Content-Type", (b"application/json",)),)}
        hostile = {
            "origin": {"url": f"{evil.origin}/authorizations"},
            "url": {"url": f"{acme.origin}@{evil.origin.removeprefix('https://')}/authorizations"},
            "slot_place": {"body": (b'{"description":"', number, b'"}')} | json_body,
            "slot_not_whole_value": {"body": (b'{"card":{"number":"', number, b'7"}}')} | json_body,
            "body_ambiguous": {"body": (b'{"card":{"number":"1"},"card":{"number":"', number, b'"}}')} | json_body,
            "body_unreadable": {"body": (b'{"card":{"number":', number, b"}}")} | json_body,
            "body_type": {"body": (b'{"card":{"number":"', number, b'"}}'), "headers": ()},
            "slot_encoding": {"body": (b'{"card":{"number":"', Slot("card.number", "ascii"), b'"}}')} | json_body,
            "header": {"headers": (("Host", (b"evil.example",)),)},
        }
        for reason, change in hostile.items():
            refused = await house.gateway.forward(ACCOUNT, False, dataclasses.replace(good, **change))
            assert refused == NotSent(reason)
        assert acme.requests == evil.requests == []
        refusals = {row["reason"]: row for row in await house.audit() if row["outcome"] == "refused"}
        assert set(hostile) <= set(refusals)
        assert refusals["origin"]["caller"] == "gateway"
        assert refusals["origin"]["account"] == ACCOUNT
        assert isinstance(await house.gateway.forward(ACCOUNT, False, good), Answered), "the step was still free"


async def test_a_secret_of_another_mode_or_account_is_not_used(house: House, tmp_path: Path) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        stranger = (await house.gateway.tokenize_test("acct_other", CARD))["token"]
        wanted = order(acme, "pa_1", card=stranger)
        assert await house.gateway.forward("acct_other", False, wanted) == NotSent("no_secret")
        assert await house.gateway.forward(ACCOUNT, False, wanted) == NotSent("no_card")


async def test_revoked_expired_and_shredded_cards_are_not_sent(house: House, tmp_path: Path) -> None:
    async with processor(tmp_path) as acme:
        await introduce(house, acme)
        revoked, expired, shredded = [await _token(house) for _ in range(3)]
        await house.gateway.revoke_token(ACCOUNT, revoked)
        await house.pool.execute("UPDATE vault.card SET expires_ms = 1 WHERE token = $1", expired)
        await house.gateway.commit_token(ACCOUNT, [shredded], subject="cus_1")
        assert (await house.admin.shred(ACCOUNT, "cus_1"))["cards"] == 1
        for step, token, reason in (
            ("pa_1", revoked, "card_gone"), ("pa_2", expired, "card_expired"), ("pa_3", shredded, "card_gone"),
        ):  # fmt: skip
            assert await house.gateway.forward(ACCOUNT, False, order(acme, step, card=token)) == NotSent(reason)
        assert acme.requests == []
