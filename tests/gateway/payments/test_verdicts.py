"""What a verdict does to a payment: judged before commit 1, stopped in it, challenged, held, counted, and done anew."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from lockgate.gateway.invariants import find_risk
from lockgate.gateway.payments import recover, store
from lockgate.gateway.payments.core.build import SEND_WITHIN_MS
from lockgate.gateway.payments.core.counted import JUDGED
from lockgate.gateway.payments.jobs import jobs
from lockgate.gateway.risk.core.verdict import Verdict
from lockgate.gateway.storage.commit import Overrun
from lockgate.gateway.storage.idempotency import Found
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from tests.gateway.customers.desk import pool_as
from tests.gateway.payments.desk import MERCHANT, SHOPPER, said
from tests.gateway.payments.judge import RULE
from tests.gateway.payments.till import RETURN_URL, Till, refusal
from tests.support.cluster import Database

pytestmark = pytest.mark.asyncio

ADDRESS = "203.0.113.9"
BROWSER = replace(SHOPPER, address=ADDRESS)
SERVER = replace(MERCHANT, address="198.51.100.1")
RAW = "payment_method_data[type]=card&payment_method_data[card][number]=4242424242424242" \
    "&payment_method_data[card][exp_month]=1&payment_method_data[card][exp_year]=2040"


async def states(till: Till) -> list[str]:
    """How velocity counts each attempt, oldest first."""
    return [row["state"] for row in await till.pool.fetch("select state from risk_event order by attempt")]


async def unjudged(till: Till) -> list[Any]:
    """Attempts to authorise, and orders that went out, without a decision."""
    rows = await till.pool.fetch(
        "select id from attempt a where action = any($1) and not exists (select from risk_decision d"
        " where (d.account, d.livemode, d.attempt) = (a.account, a.livemode, a.id))",
        list(JUDGED),
    )
    asked = [order.step for order in till.line.orders if order.url.endswith(("/authorizations", "/increments"))]
    judged = {row["attempt"] for row in await till.pool.fetch("select attempt from risk_decision")}
    return [*[row["id"] for row in rows], *[step for step in asked if step not in judged]]


async def test_a_blocked_payment_is_a_row_and_events_and_a_record_and_never_sent(till: Till) -> None:
    till.judge.verdicts = ["block"]
    answer = await till.pay(key="k1")
    error = answer["error"]
    assert (error["code"], error["decline_code"], error["message"]) == (
        "card_declined", "fraudulent", "Your card was declined.",
    )  # fmt: skip
    intent = error["payment_intent"]
    assert intent["status"] == "requires_payment_method" and intent["payment_method"] is None
    charge = await till.call("charge.get", charge=intent["latest_charge"])
    assert charge["status"] == "failed" and not charge["paid"]
    assert {name: charge["outcome"][name] for name in ("type", "network_status", "reason", "rule", "risk_score")} == {
        "type": "blocked", "network_status": "not_sent_to_network", "reason": "rule", "rule": RULE, "risk_score": 42,
    }  # fmt: skip
    assert till.line.orders == [] and await states(till) == ["blocked"] and not await unjudged(till)
    assert await till.events() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    [attempt] = await till.attempts()
    assert (attempt.state, attempt.version, attempt.next_check_ms) == ("declined", 1, None)
    record = await till.pool.fetchrow("select outcome, detail from audit where object = $1", intent["id"])
    assert record["outcome"] == "blocked"
    assert json.loads(record["detail"])["verdict"] == "block" and json.loads(record["detail"])["decision"]
    kept = await till.pool.fetchrow("select status, attempt from idempotency")
    assert tuple(kept) == (402, None), "claim and answer are in the one commit"
    # the same intent may be paid with another card: nothing of the old one stands in the way
    paid = await till.call(
        "payment_intent.confirm", f"payment_method=pm_card_visa&return_url={RETURN_URL}", intent=intent["id"]
    )
    assert paid["status"] == "succeeded" and till.judge.subjects[-1].tries == 1
    assert await states(till) == ["blocked", "approved"]


async def test_a_shopper_cannot_tell_a_verdict_from_an_issuers_decline(till: Till) -> None:
    seen = []
    judged: list[tuple[str, Verdict]] = [("pm_card_visa", "block"), ("pm_card_chargeDeclined", "allow")]
    for card, verdict in judged:
        made = await till.call("payment_intent.create", "amount=1000&currency=usd")
        till.judge.verdicts = [verdict]
        answer = await till.call(
            "payment_intent.confirm", f"payment_method={card}&return_url={RETURN_URL}", intent=made["id"], who=BROWSER
        )
        shown = {**answer["error"], "payment_intent": {**answer["error"]["payment_intent"]}}
        for of in (shown, shown["payment_intent"], shown["payment_intent"]["last_payment_error"]):
            for name in ("id", "client_secret", "payment_method", "charge", "created"):
                of.pop(name, None)
        seen.append(shown)
    assert seen[0] == seen[1]
    assert "fraud" not in json.dumps(seen[0]) and "risk" not in json.dumps(seen[0])


async def test_what_is_known_of_a_payment_is_told_to_whoever_judges_it(till: Till) -> None:
    customer = (await till.call("customer.create", "email=ann@shop.test"))["id"]
    made = await till.call("payment_method.create", RAW.replace("payment_method_data[type]", "type").replace(
        "payment_method_data[card]", "card") + "&billing_details[address][country]=de", who=BROWSER)
    await till.pay(
        made["id"], f"&customer={customer}&shipping[name]=A&shipping[address][country]=fr&metadata[cart]=7", who=SERVER
    )
    subject = till.judge.subjects[-1]
    assert subject.card is not None
    assert (subject.amount, subject.currency, subject.kind, subject.tries) == (1000, "usd", "secret", 0)
    assert (subject.card.bin, subject.card.test, subject.card.saved) == ("424242", "visa", False)
    assert (subject.email, subject.shipping_country, subject.billing_country) == ("ann@shop.test", "FR", "DE")
    assert subject.customer is not None and subject.customer.id == customer
    assert subject.address == ADDRESS, "the browser's that gave the card, not the server's that pays with it"
    assert subject.metadata == {"cart": "7"}
    await till.pay(who=SERVER)
    assert till.judge.subjects[-1].address is None, "nobody knows where this shopper is"
    intent = await till.call("payment_intent.create", "amount=1000&currency=usd&receipt_email=b@shop.test")
    await till.call(
        "payment_intent.confirm", f"payment_method=pm_card_visa&return_url={RETURN_URL}", intent=intent["id"],
        who=BROWSER,
    )  # fmt: skip
    assert (till.judge.subjects[-1].address, till.judge.subjects[-1].kind) == (ADDRESS, "publishable")
    assert till.judge.subjects[-1].email == "b@shop.test"


async def test_a_challenge_is_asked_for_and_its_end_counts(till: Till) -> None:
    till.judge.challenge = True
    await till.pay()
    assert said(till.line.orders[-1])["three_d_secure"] == "any"
    await till.pay(more="&payment_method_options[card][request_three_d_secure]=challenge")
    assert said(till.line.orders[-1])["three_d_secure"] == "challenge", "the merchant wants even more"
    waits = await till.pay("pm_card_threeDSecureRequired")
    assert waits["status"] == "requires_action" and (await states(till))[-1] == "open", "it may still be paid"
    await till.call("payment_intent.cancel", intent=waits["id"])
    assert (await states(till))[-1] == "void"


async def test_a_decision_is_found_by_the_charge_that_follows_its_challenge(till: Till) -> None:
    waits = await till.pay("pm_card_threeDSecureRequired")
    [held] = till.line.acquirer.held.values()
    till.line.acquirer.passed.add(held["id"])
    paid = await till.call("payment_intent.confirm", intent=waits["id"])
    assert paid["status"] == "succeeded" and await states(till) == ["approved"]
    assert await till.pool.fetchval("select charge from risk_decision") == paid["latest_charge"]


async def test_fraud_is_known_of_the_attempt_that_was_judged_whatever_its_charge_became(till: Till) -> None:
    till.line.faults = ["lost_after"]
    waits = await till.pay("pm_card_threeDSecureRequired")
    await till.make_due()
    await recover.portion(till.ports)
    [held] = till.line.acquirer.held.values()
    till.line.acquirer.passed.add(held["id"])
    paid = await till.call("payment_intent.confirm", intent=waits["id"])
    assert paid["status"] == "succeeded" and paid["latest_charge"] != waits["latest_charge"]
    await till.call("refund.create", f"payment_intent={paid['id']}&reason=fraudulent")
    judged = await till.pool.fetchval("select attempt from risk_decision")
    assert await till.pool.fetchval("select attempt from risk_label") == judged
    assert await till.pool.fetchval("select attempt from risk_fraud") == judged


@pytest.mark.parametrize(
    ("fault", "then", "after"),
    [("not_sent", "void", "void"), ("lost_before", "open", "void"), ("lost_after", "open", "approved")],
)
async def test_an_attempt_counts_until_its_end_is_known(till: Till, fault: str, then: str, after: str) -> None:
    till.line.faults = [fault]
    try:
        await till.pay()
    except Refusal as gone:
        assert fault == "not_sent" and gone.should_retry
    assert await states(till) == [then]
    await till.make_due()
    await recover.portion(till.ports)
    await till.make_due()
    await recover.portion(till.ports)
    assert await states(till) == [after] and not await unjudged(till)


async def test_declines_are_counted_and_every_way_to_try_a_card_is_judged(till: Till) -> None:
    await till.pay("pm_card_chargeDeclined")
    await till.call("setup_intent.create", f"confirm=true&payment_method=pm_card_visa&return_url={RETURN_URL}")
    await till.call("charge.create", "amount=500&currency=usd&source=tok_visa")
    held = await till.hold("&payment_method_options[card][request_incremental_authorization]=if_available")
    await till.call("payment_intent.increment_authorization", "amount=1500", intent=held)
    assert await states(till) == ["declined", "approved", "approved", "approved", "approved"]
    assert [subject.amount for subject in till.judge.subjects] == [1000, 0, 500, 1000, 500]
    assert [subject.setup for subject in till.judge.subjects] == [False, True, False, False, False]
    assert not await unjudged(till)
    till.judge.verdicts = ["block", "block", "block"]
    orders = len(till.line.orders)
    raised = await till.call("payment_intent.increment_authorization", "amount=2000", intent=held)
    assert raised["error"]["code"] == "card_declined" and (await till.get(held))["amount_capturable"] == 1500
    setup = await till.call("setup_intent.create", f"confirm=true&payment_method=pm_card_visa&return_url={RETURN_URL}")
    assert setup["error"]["setup_intent"]["last_setup_error"]["decline_code"] == "fraudulent"
    [tried] = (await till.call("setup_attempt.list", f"setup_intent={setup['error']['setup_intent']['id']}"))["data"]
    assert tried["status"] == "failed"
    charged = await till.call("charge.create", "amount=500&currency=usd&source=tok_visa")
    assert charged["error"]["decline_code"] == "fraudulent" and "payment_intent" not in charged["error"]
    assert len(till.line.orders) == orders and (await states(till))[-3:] == ["blocked"] * 3
    async with till.pool.acquire() as connection:
        assert not await find_risk.sent_though_blocked(connection, MERCHANT.account, MERCHANT.livemode)
    assert (await till.call("payment_intent.capture", intent=held))["status"] == "succeeded"


async def test_a_verdict_that_was_overtaken_is_made_anew_and_at_last_held_for_a_person(till: Till) -> None:
    commits = till.ports.committer.commit
    overruns = 2

    async def busy(commit: Any) -> None:
        nonlocal overruns
        if commit.risk_events and overruns:
            overruns -= 1
            raise Overrun
        await commits(commit)

    till.ports.committer.commit = busy
    assert (await till.pay())["status"] == "succeeded"
    assert till.judge.stricter == [None, None, None] and len(await till.attempts()) == 1
    overruns = 40
    assert (await till.pay())["status"] == "requires_capture"
    assert till.judge.stricter[-1] == "review" and not await unjudged(till)
    overruns = 41
    assert (await refusal(till.pay())).code == "lock_timeout"


async def test_a_verdict_that_took_its_time_leaves_the_order_all_of_its_own(till: Till) -> None:
    """Seats, outside engines and being overtaken may take longer than an order may wait to be sent."""
    known_ms: list[int] = []

    async def slow(*given: Any, **named: Any) -> Any:
        await asyncio.sleep(0.05)
        known_ms.append(clock.now_ms())
        return await judge(*given, **named)

    judge = till.judge
    till.ports = replace(till.ports, assess=slow)
    await till.pay()
    await till.call("setup_intent.create", f"confirm=true&payment_method=pm_card_visa&return_url={RETURN_URL}")
    held = await till.hold("&payment_method_options[card][request_incremental_authorization]=if_available")
    await till.call("payment_intent.increment_authorization", "amount=1500", intent=held)
    opened = zip(await till.attempts(), till.line.orders, known_ms, strict=True)
    assert all(order.send_before_ms == one.send_before_ms >= at + SEND_WITHIN_MS for one, order, at in opened)


async def held_for_review(till: Till, more: str = "") -> tuple[str, str]:
    """An intent that was held because of its verdict, and its review."""
    till.judge.verdicts = ["review"]
    made = await till.pay(more=more)
    assert made["status"] == "requires_capture" and made["review"] and made["amount_capturable"] == 1000
    return made["id"], made["review"]


async def test_a_review_holds_the_money_and_approving_takes_it_once(till: Till) -> None:
    intent, review = await held_for_review(till)
    assert not said(till.line.orders[-1])["capture"]
    charge = await till.call("charge.get", charge=(await till.get(intent))["latest_charge"])
    assert (charge["captured"], charge["review"]) == (False, review)
    assert (charge["outcome"]["type"], charge["outcome"]["reason"]) == ("manual_review", "rule")
    assert "review.opened" in await till.events()
    answers = await asyncio.gather(
        *(till.call("review.approve", review=review) for _ in range(5)), return_exceptions=True
    )
    [approved] = [answer for answer in answers if isinstance(answer, dict)]
    assert (approved["open"], approved["closed_reason"]) == (False, "approved")
    assert all(isinstance(answer, Refusal) for answer in answers if answer is not approved)
    assert (await till.get(intent))["status"] == "succeeded" and till.line.acquirer.captured() == 1000
    assert (await till.events()).count("review.closed") == 1
    labels = await till.pool.fetch("select charge, fraud, source from risk_label")
    assert [tuple(row) for row in labels] == [(charge["id"], False, "review")]


async def test_a_capture_that_the_merchant_wants_to_order_is_left_to_her(till: Till) -> None:
    till.judge.verdicts = ["review"]
    intent = await till.hold()
    review = (await till.get(intent))["review"]
    await till.call("review.approve", review=review)
    assert (await till.get(intent))["status"] == "requires_capture" and till.line.acquirer.captured() == 0


@pytest.mark.parametrize("fault", ["not_sent", "lost_before", "lost_after"])
async def test_what_was_approved_is_taken_once_whatever_happens_to_the_order(till: Till, fault: str) -> None:
    intent, review = await held_for_review(till)
    till.line.faults = [fault]
    assert (await till.call("review.approve", review=review))["closed_reason"] == "approved"
    for _ in range(3):
        await till.make_due()
        await recover.portion(till.ports)
        await till.pool.execute("update attempt set send_before_ms = 1 where state = 'failed'")
        for job in _jobs(till):
            await job()
    assert (await till.get(intent))["status"] == "succeeded" and till.line.acquirer.captured() == 1000
    assert await store.approved_intents(till.pool, before_ms=clock.now_ms(), limit=9) == []


async def test_a_request_that_died_after_it_approved_leaves_the_rest_to_the_clock(till: Till) -> None:
    intent, review = await held_for_review(till)
    forward = till.line.forward

    async def dies(*args: Any, **named: Any) -> Any:
        raise asyncio.CancelledError

    till.line.forward = dies
    with pytest.raises(asyncio.CancelledError):
        await till.call("review.approve", review=review, key="k")
    till.line.forward = forward
    assert (await till.get(intent))["status"] == "processing"
    await till.make_due()
    again = till.request("review.approve", review=review, key="k")
    found = Found(b"", "own", 0, (await till.attempts())[-1].id, None, None, 0)
    answer = await recover.settle_claim(till.ports, MERCHANT, found, again)
    assert answer is not None and json.loads(answer.body)["closed_reason"] == "approved", "it was decided"
    assert (await till.get(intent))["status"] == "requires_capture"
    await till.pool.execute("update attempt set send_before_ms = 1 where state = 'failed'")
    for job in _jobs(till):
        await job()
    assert (await till.get(intent))["status"] == "succeeded" and till.line.acquirer.captured() == 1000


async def test_refusing_releases_what_is_held_and_says_that_it_was_fraud(till: Till) -> None:
    intent, review = await held_for_review(till)
    till.line.faults = ["not_sent"]
    assert (await refusal(till.call("review.refuse", review=review))).should_retry
    refused = await till.call("review.refuse", review=review)
    assert (refused["open"], refused["closed_reason"]) == (False, "refunded_as_fraud")
    gone = await till.get(intent)
    assert (gone["status"], gone["cancellation_reason"]) == ("canceled", "fraudulent")
    assert till.line.acquirer.accepted() == []
    labels = await till.pool.fetch("select fraud, source from risk_label")
    assert [tuple(row) for row in labels] == [(True, "review")]
    assert (await refusal(till.call("review.refuse", review=review))).kind.value == "invalid"
    assert (await refusal(till.call("review.approve", review=review))).kind.value == "invalid"
    taken, open_review = await held_for_review(till)
    await till.call("payment_intent.capture", intent=taken)
    assert "refund it" in (await refusal(till.call("review.refuse", review=open_review))).message
    await till.call("refund.create", f"payment_intent={taken}&reason=fraudulent")
    closed = await till.pool.fetchval("select data->>'closed_reason' from review where id = $1", open_review)
    assert closed == "refunded_as_fraud"
    assert await till.pool.fetchval("select count(*) from risk_label where source = 'refund'") == 1


async def test_an_older_charge_is_held_and_taken_as_well(till: Till) -> None:
    till.judge.verdicts = ["review"]
    charge = await till.call("charge.create", "amount=700&currency=usd&source=tok_visa")
    assert (charge["captured"], charge["paid"]) == (False, True)
    await till.call("review.approve", review=charge["review"])
    assert (await till.call("charge.get", charge=charge["id"]))["captured"] and till.line.acquirer.captured() == 700


async def test_a_held_payment_that_nobody_looks_at_is_let_go(till: Till) -> None:
    _, review = await held_for_review(till)
    await till.pool.execute("update payment_intent set expires_at = 1")
    for job in _jobs(till):
        await job()
    closed = await till.pool.fetchval("select data->>'closed_reason' from review where id = $1", review)
    assert closed == "payment_never_settled" and till.line.acquirer.accepted() == []
    other, review = await held_for_review(till)
    await till.call("payment_intent.cancel", "cancellation_reason=fraudulent", intent=other)
    closed = await till.pool.fetchval("select data->>'closed_reason' from review where id = $1", review)
    assert closed == "canceled"
    assert await till.pool.fetchval("select count(*) from risk_label where fraud and source = 'report'") == 1


async def test_a_report_on_a_charge_is_known_from_then_on(till: Till) -> None:
    charge = (await till.pay())["latest_charge"]
    for report in ("fraudulent", "safe"):
        await till.call("charge.update", f"fraud_details[user_report]={report}", charge=charge)
    labels = await till.pool.fetch("select fraud, source, charge from risk_label order by id")
    assert [tuple(row) for row in labels] == [(True, "report", charge), (False, "report", charge)]


def _jobs(till: Till) -> list[Any]:
    return [job.run for job in jobs(till.ports) if job.name in ("payments.expire", "payments.take_approved")]


async def test_a_session_that_the_page_reported_under_goes_with_the_payment(till: Till, database: Database) -> None:
    async with pool_as(database, "gateway") as gateway:
        await gateway.execute(
            "insert into risk_session (account, livemode, id, created, day, is_device_new, facts)"
            " values ('acct_a', false, 'rse_1', $1, 1, true, '{}')",
            clock.now(),
        )
    paid = await till.pay(more="&radar_options[session]=rse_1")
    assert till.judge.subjects[-1].session == "rse_1"
    charge = await till.call("charge.get", charge=paid["latest_charge"])
    assert charge["radar_options"] == {"session": "rse_1"}
    card = RAW.replace("payment_method_data[type]", "type").replace("payment_method_data[card]", "card")
    made = await till.call("payment_method.create", card + "&radar_options[session]=rse_1")
    assert made["radar_options"] == {"session": "rse_1"}
    await till.pay(made["id"])
    assert till.judge.subjects[-1].session == "rse_1", "it was said when the card was given"
    await till.call("charge.create", "amount=500&currency=usd&source=tok_visa&radar_options[session]=rse_1")
    assert till.judge.subjects[-1].session == "rse_1"
    for asked in ("", "payment_method_data"):
        named = f"{asked}[radar_options][session]" if asked else "radar_options[session]"
        body = f"amount=1000&currency=usd&confirm=true&return_url={RETURN_URL}&{named}=rse_9&"
        refused = await refusal(till.call("payment_intent.create", body + RAW))
        assert (refused.code, refused.param) == ("resource_missing", named)
