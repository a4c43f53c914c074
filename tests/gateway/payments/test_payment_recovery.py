"""What becomes of payments whose answer is lost or whose program dies: each ends as the acquirer knows it, once."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lockgate.gateway.payments import expire, recover, returns, store
from lockgate.gateway.payments.core import return_token
from lockgate.gateway.storage import idempotency
from lockgate.gateway.storage.commit import KeyInUse
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from tests.gateway.payments.desk import MERCHANT
from tests.gateway.payments.till import RETURN_URL, Till, refusal

WEEK_S = 7 * 24 * 3600


class Killed(BaseException):
    """The program dies here."""


async def transfers(till: Till) -> int:
    return await till.pool.fetchval("select count(*) from transfer where kind = 'capture'")


async def recovered(till: Till, times: int = 3) -> None:
    for _ in range(times):
        await till.make_due()
        await recover.portion(till.ports)


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_a_lost_answer_is_processing_and_recovery_finds_the_truth(till: Till, fault: str) -> None:
    till.line.faults = [fault]
    made = await till.pay(key="k1")
    assert made["status"] == "processing"
    assert await till.events() == ["payment_intent.created", "charge.pending", "payment_intent.processing"]
    pending = await till.call("charge.get", charge=made["latest_charge"])
    assert (pending["status"], pending["paid"], pending["outcome"]) == ("pending", False, None)
    for verb in ("confirm", "cancel", "capture"):
        got = await refusal(till.call(f"payment_intent.{verb}", intent=made["id"]))
        assert (got.kind, got.code) == (Kind.CONFLICT, "lock_timeout")
    await recovered(till)
    after = await till.get(made["id"])
    if fault == "lost_after":
        assert after["status"] == "succeeded"
        assert await transfers(till) == 1
        assert "charge.succeeded" in await till.events()
    else:
        assert after["status"] == "requires_payment_method"
        assert after["last_payment_error"]["code"] == "processing_error"
        assert await transfers(till) == 0
        assert till.line.acquirer.barred == {(await till.attempts())[0].id}
        assert "payment_intent.payment_failed" in await till.events()
    ended = await till.call("charge.get", charge=made["latest_charge"])
    assert ended["status"] == ("succeeded" if fault == "lost_after" else "failed")
    assert after["latest_charge"] == ended["id"]
    assert all(attempt.next_check_ms is None for attempt in await till.attempts())
    # The stored answer is what the first request was told.
    stored = await till.pool.fetchval("select answer from idempotency where key = 'k1'")
    assert json.loads(stored)["status"] == "processing"


async def test_an_order_that_was_never_sent_gives_the_key_back(till: Till) -> None:
    till.line.faults = ["not_sent"]
    got = await refusal(till.pay(key="k1"))
    assert (got.kind, got.should_retry) == (Kind.UNAVAILABLE, True)
    assert await till.events() == []
    made = await till.pay(key="k1")
    assert made["status"] == "succeeded"
    assert await transfers(till) == 1
    states = await till.pool.fetch("select status from payment_intent order by id")
    assert [row["status"] for row in states] == ["canceled", "succeeded"]


async def test_an_existing_intent_is_as_before_when_nothing_was_sent(till: Till) -> None:
    made = await till.call("payment_intent.create", "amount=1000&currency=usd")
    till.line.faults = ["not_sent"]
    got = await refusal(till.call("payment_intent.confirm", "payment_method=pm_card_visa", intent=made["id"]))
    assert got.kind is Kind.UNAVAILABLE
    assert await till.get(made["id"]) == made


async def test_a_card_is_never_charged_without_the_code_it_came_with(till: Till) -> None:
    till.line.faults = ["cvc_gone"]
    got = await till.pay(key="k1")
    assert got["error"]["code"] == "incorrect_cvc"
    assert got["error"]["payment_intent"]["status"] == "requires_payment_method"
    assert not till.line.acquirer.entries


async def killed_while_sending(till: Till, body: Any, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """Run ``body`` and die around its order: before it is sent, or after it had its effect."""
    real = till.line.forward

    async def dies(*given: Any, **named: Any) -> Any:
        if after:
            await real(*given, **named)
        raise Killed

    # An instance attribute, so that the line is whole again when it is deleted.
    monkeypatch.setattr(till.line, "forward", dies, raising=False)
    with pytest.raises(Killed):
        await body
    monkeypatch.undo()


@pytest.mark.parametrize("after", [False, True])
async def test_a_gateway_killed_while_it_pays(till: Till, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    call = till.request(
        "payment_intent.create", "amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa", key="k1"
    )
    await killed_while_sending(till, till.run(call), monkeypatch, after=after)
    with pytest.raises(KeyInUse):
        await till.pay(key="k1")
    found = await idempotency.find(till.pool, account="acct_a", livemode=False, key="k1")
    assert found is not None and found.status is None
    if after:
        answer = await recover.settle_claim(till.ports, MERCHANT, found, call)
        assert answer is not None and json.loads(answer.body)["status"] == "succeeded"
        kept = await idempotency.find(till.pool, account="acct_a", livemode=False, key="k1")
        assert kept is not None and kept.status == 200
        assert sorted(await till.events()) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
    else:
        got = await refusal(recover.settle_claim(till.ports, MERCHANT, found, call))
        assert got.kind is Kind.UNAVAILABLE
        assert await idempotency.find(till.pool, account="acct_a", livemode=False, key="k1") is None
        assert await till.events() == []
    assert await transfers(till) == int(after)


async def test_recovery_and_a_slow_request_conclude_once(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    real = till.line.forward

    async def slow(*given: Any, **named: Any) -> Any:
        reply = await real(*given, **named)
        monkeypatch.undo()
        await till.make_due()
        await recover.portion(till.ports)
        return reply

    monkeypatch.setattr(till.line, "forward", slow, raising=False)
    made = await till.pay(key="k1")
    assert made["status"] == "succeeded"
    assert await transfers(till) == 1
    assert (await till.events()).count("charge.succeeded") == 1


async def test_many_recoverers_take_an_attempt_once(till: Till) -> None:
    till.line.faults = ["lost_after"]
    await till.pay()
    await till.make_due()
    await asyncio.gather(*(recover.portion(till.ports) for _ in range(8)))
    assert await transfers(till) == 1


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "not_sent"])
async def test_a_capture_in_doubt_stays_reserved_until_it_is_known(till: Till, fault: str) -> None:
    held = await till.hold()
    till.line.faults = [fault]
    if fault == "not_sent":
        got = await refusal(till.call("payment_intent.capture", intent=held, key="k1"))
        assert got.kind is Kind.UNAVAILABLE
        assert (await till.get(held))["status"] == "requires_capture"
        assert (await till.call("payment_intent.capture", intent=held, key="k1"))["status"] == "succeeded"
        return
    told = await till.call("payment_intent.capture", intent=held)
    assert told["status"] == "processing"
    assert await till.pool.fetchval("select capture_in_doubt from charge") == 1000
    assert (await refusal(till.call("payment_intent.cancel", intent=held))).code == "lock_timeout"
    await recovered(till)
    after = await till.get(held)
    assert after["status"] == ("succeeded" if fault == "lost_after" else "requires_capture")
    assert await till.pool.fetchval("select capture_in_doubt from charge") == 0
    assert await transfers(till) == int(fault == "lost_after")
    assert till.line.acquirer.accepted()  # recovery of a capture never undoes the authorisation
    if fault == "lost_before":
        assert (await till.call("payment_intent.capture", intent=held))["status"] == "succeeded"


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_a_cancel_in_doubt_blocks_captures_until_it_is_known(till: Till, fault: str) -> None:
    held = await till.hold()
    till.line.faults = [fault]
    told = await till.call("payment_intent.cancel", intent=held)
    assert told["status"] == "requires_capture"
    for verb in ("capture", "cancel"):
        assert (await refusal(till.call(f"payment_intent.{verb}", intent=held))).code == "lock_timeout"
    await recovered(till)
    if fault == "lost_after":
        assert (await till.get(held))["status"] == "canceled"
    else:
        assert (await till.call("payment_intent.capture", intent=held))["status"] == "succeeded"


async def test_a_silent_processor_is_asked_ever_more_rarely_and_all_at_once_when_it_is_back(till: Till) -> None:
    till.line.silent = True
    made = [await till.pay() for _ in range(3)]
    assert {one["status"] for one in made} == {"processing"}
    for _ in range(3):
        await recovered(till, 1)
    waits = [(a.next_check_ms or 0) - clock.now_ms() for a in await till.attempts()]
    assert all(200_000 < wait <= 300_000 for wait in waits)
    assert await store.due_attempts(till.pool, now_ms=clock.now_ms(), limit=9) == []
    till.line.silent = False
    assert await store.scout(till.pool, now_ms=clock.now_ms()) == 1
    await till.pool.execute("update attempt set send_before_ms = 1")
    assert await recover.portion(till.ports) == 1
    assert await recover.portion(till.ports) == 2
    assert await store.due_attempts(till.pool, now_ms=1 << 60, limit=9) == []


async def test_never_heard_of_is_not_final_while_an_order_may_be_under_way(till: Till) -> None:
    till.line.faults = ["lost_before"]
    made = await till.pay()
    await till.pool.execute("update attempt set next_check_ms = 1")
    await recover.portion(till.ports)
    assert (await till.get(made["id"]))["status"] == "processing"
    (attempt,) = await till.attempts()
    assert attempt.next_check_ms is not None and attempt.next_check_ms > attempt.send_before_ms
    assert not till.line.acquirer.barred


async def challenge(till: Till, more: str = "") -> tuple[Any, str]:
    """An intent that waits for its shopper, and the token she comes back with."""
    made = await till.pay("pm_card_threeDSecure2Required", more=more, key="k1")
    assert made["status"] == "requires_action"
    action = made["next_action"]
    assert (action["type"], action["redirect_to_url"]["return_url"]) == ("redirect_to_url", RETURN_URL)
    asked = json.loads(b"".join(p if isinstance(p, bytes) else b"0" for p in till.line.orders[-1].body))
    return made, asked["return_url"].rpartition("/")[2]


def waiting_authorization(till: Till) -> str:
    (held,) = till.line.acquirer.held.values()
    return held["id"]


async def test_a_challenge_is_passed_and_the_shopper_goes_on(till: Till) -> None:
    made, token = await challenge(till)
    till.line.acquirer.passed.add(waiting_authorization(till))
    location = await returns.handle(till.ports, token, now=clock.now())
    query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert location.startswith("https://shop.test/done?")
    assert query == {
        "cart": "7", "payment_intent": made["id"], "payment_intent_client_secret": made["client_secret"],
        "redirect_status": "succeeded",
    }  # fmt: skip
    paid = await till.get(made["id"])
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)
    assert await returns.handle(till.ports, token, now=clock.now()) == location
    assert await transfers(till) == 1
    assert sorted(await till.events()) == [
        "charge.succeeded", "payment_intent.created", "payment_intent.requires_action", "payment_intent.succeeded",
    ]  # fmt: skip


async def test_a_failed_challenge_asks_for_another_card(till: Till) -> None:
    made, token = await challenge(till)
    till.line.acquirer.failed.add(waiting_authorization(till))
    assert "redirect_status=failed" in await returns.handle(till.ports, token, now=clock.now())
    after = await till.get(made["id"])
    assert (after["status"], after["latest_charge"]) == ("requires_payment_method", None)
    assert after["last_payment_error"]["code"] == "payment_intent_authentication_failure"


async def test_a_challenge_that_is_not_done_yet_stays_open(till: Till) -> None:
    made, token = await challenge(till)
    assert "redirect_status=pending" in await returns.handle(till.ports, token, now=clock.now())
    after = await till.get(made["id"])
    assert (after["status"], after["next_action"]) == ("requires_action", made["next_action"])
    till.line.acquirer.passed.add(waiting_authorization(till))
    assert (await till.call("payment_intent.confirm", intent=made["id"]))["status"] == "succeeded"


async def test_a_canceled_or_replaced_challenge_takes_no_money(till: Till) -> None:
    made, token = await challenge(till)
    till.line.acquirer.passed.add(waiting_authorization(till))
    await till.call("payment_intent.cancel", intent=made["id"])
    assert "redirect_status=failed" in await returns.handle(till.ports, token, now=clock.now())
    assert (await till.get(made["id"]))["status"] == "canceled"
    assert await transfers(till) == 0 and not till.line.acquirer.accepted()
    with pytest.raises(Refusal):
        await returns.handle(till.ports, token[:-1], now=clock.now())
    with pytest.raises(Refusal):
        await returns.handle(till.ports, token, now=clock.now() + return_token.LIFE_S)


async def test_a_manual_confirmation_waits_for_the_merchants_server(till: Till) -> None:
    made, token = await challenge(till, "&confirmation_method=manual")
    till.line.acquirer.passed.add(waiting_authorization(till))
    await returns.handle(till.ports, token, now=clock.now())
    assert (await till.get(made["id"]))["status"] == "requires_confirmation"
    assert (await till.call("payment_intent.confirm", intent=made["id"]))["status"] == "succeeded"


@pytest.mark.parametrize("fate", ["spent", "anothers"])
async def test_money_counts_though_the_card_can_no_longer_be_kept(till: Till, fate: str) -> None:
    """What happens to a card while its challenge is open must never stand before the money that was taken."""
    made, token = await challenge(till, f"&customer={await till.customer()}&setup_future_usage=off_session")
    till.line.acquirer.passed.add(waiting_authorization(till))
    other = await till.customer()
    if fate == "spent":
        await till.pool.execute("update payment_method set data = data || '{\"detached\": true}'")
    else:
        await till.pool.execute("update payment_method set customer = $1", other)
    assert "redirect_status=succeeded" in await returns.handle(till.ports, token, now=clock.now())
    assert ((await till.get(made["id"]))["status"], await transfers(till)) == ("succeeded", 1)
    kept = await till.method(made["payment_method"])
    assert kept.customer == (None if fate == "spent" else other) and "consent" not in json.loads(kept.data)
    assert "payment_method.attached" not in await till.events()


async def test_finishing_a_challenge_changes_nothing_that_was_ordered(till: Till) -> None:
    made, _ = await challenge(till)
    till.line.acquirer.passed.add(waiting_authorization(till))
    for name, value in (
        ("capture_method", "manual"), ("setup_future_usage", "off_session"), ("off_session", "true"),
        ("return_url", "https://elsewhere.test/"),
        ("payment_method_options[card][request_three_d_secure]", "any"),
    ):
        got = await refusal(till.call("payment_intent.confirm", f"{name}={value}", intent=made["id"]))
        assert got.param == name.partition("[")[0]
    body = f"capture_method=automatic&return_url={RETURN_URL}&receipt_email=a@shop.test"
    paid = await till.call("payment_intent.confirm", body, intent=made["id"])
    assert (paid["status"], paid["receipt_email"]) == ("succeeded", "a@shop.test")
    assert (await till.call("charge.get", charge=paid["latest_charge"]))["receipt_email"] == "a@shop.test"


async def test_a_challenge_is_over_when_what_was_ordered_changes(till: Till) -> None:
    made, token = await challenge(till)
    till.line.acquirer.passed.add(waiting_authorization(till))
    changed = await till.call("payment_intent.update", "capture_method=manual", intent=made["id"])
    assert (changed["status"], changed["next_action"]) == ("requires_confirmation", None)
    await returns.handle(till.ports, token, now=clock.now())
    assert (await transfers(till), till.line.acquirer.accepted()) == (0, [])


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "not_sent"])
async def test_a_completion_whose_answer_is_lost_is_recovered(till: Till, fault: str) -> None:
    made, token = await challenge(till)
    till.line.acquirer.passed.add(waiting_authorization(till))
    till.line.faults = [fault]
    assert "redirect_status=pending" in await returns.handle(till.ports, token, now=clock.now())
    if fault == "not_sent":
        assert (await till.get(made["id"]))["status"] == "requires_action"
        await returns.handle(till.ports, token, now=clock.now())
    await recovered(till)
    after = await till.get(made["id"])
    assert after["status"] == ("requires_payment_method" if fault == "lost_before" else "succeeded")
    assert len(till.line.acquirer.accepted()) == await transfers(till)


async def test_an_authorisation_expires_after_seven_days(till: Till) -> None:
    held = await till.hold()
    now = clock.now()
    assert await expire.portion(till.ports, now=now + WEEK_S - 60) == 0
    assert await expire.portion(till.ports, now=now + WEEK_S + 60) == 1
    after = await till.get(held)
    assert (after["status"], after["cancellation_reason"]) == ("canceled", "automatic")
    assert not till.line.acquirer.accepted()
    assert {"charge.expired", "payment_intent.canceled"} <= set(await till.events())
    assert await expire.portion(till.ports, now=now + WEEK_S + 60) == 0


async def test_an_expiry_that_cannot_be_sent_is_tried_again(till: Till) -> None:
    held = await till.hold()
    later = clock.now() + WEEK_S + 60
    till.line.faults = ["not_sent"]
    await expire.portion(till.ports, now=later)
    assert (await till.get(held))["status"] == "requires_capture"
    assert await expire.portion(till.ports, now=later) == 0
    await expire.portion(till.ports, now=later + 3600)
    assert (await till.get(held))["status"] == "canceled"


