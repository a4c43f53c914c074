"""The rest of a merchant's life: payouts, disputes, refunds that end late, and charges of the older API.

What the processor does by itself comes about a second later; a story waits for it, so that the model knows the order.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.model.reference import FAILS_ON_ARRIVAL, FINE, MAGIC, REFUSED, Dispute, Expected, Intent, Payout
from tests.model.story import AMOUNTS, CLIENTS, COUNTED, HOUR_S, MOSTLY, Story

WITHIN_S = 30
PENDS, FAILS, DISPUTED = "pm_card_pendingRefund", "pm_card_refundFail", "pm_card_createDispute"
FAILS_LATER = 4_333  # what the bank sends back days later is known once it tells, not when a clock moves
MOST_SLOW, MOST_DISPUTES = 1, 1  # in one story: each costs a second of waiting


class LongStory(Story):
    """A story with all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = 0

    @initialize(amount=AMOUNTS)
    def first(self, amount: int) -> None:
        """Begin at half past an hour, so that no step of hours ends at a midnight."""
        now = self.get("/v1/test_helpers/clock")["now"]
        goal = (now // HOUR_S + 1) * HOUR_S + HOUR_S // 2
        assert self.ask("/v1/test_helpers/clock/advance", {"frozen_time": goal}).status == 200
        super().first(amount)

    def all_the_same(self) -> None:
        super().all_the_same()
        charges = {one["id"]: one for one in self.everything("/v1/charges", limit=100)}
        for charge in self.model.charges.values():
            self.same_charge(charge, charges[charge.charge or ""])
        paid_out = self.everything("/v1/payouts", limit=100)
        assert [one["id"] for one in paid_out] == sorted(self.model.payouts, reverse=True)
        for shown in paid_out:
            self.same_payout(self.model.payouts[shown["id"]], shown)
        disputed = self.everything("/v1/disputes", limit=100)
        assert [one["id"] for one in disputed] == sorted(self.model.disputes, reverse=True)
        for shown in disputed:
            self.same_dispute(self.model.disputes[shown["id"]], shown)

    # -- payouts

    @rule(share=st.integers(1, 110), magic=st.sampled_from([None, None, None, REFUSED, FAILS_ON_ARRIVAL]))
    def pay_out(self, share: int, magic: int | None) -> None:
        available = self.available()
        amount = max(available * share // 100, 1)
        if magic is not None and available >= magic:
            amount = magic
        amount += amount % MAGIC == FAILS_LATER
        reply = self.ask("/v1/payouts", {"amount": amount, "currency": "usd"})
        if self.expect(reply, self.model.paying_out(amount), "payout"):
            self.paid_out(reply.json)

    @rule()
    def pay_out_at_the_same_time(self) -> None:
        """All clients want all that there is: exactly one gets it."""
        amount = self.available()
        if amount <= 0 or amount % MAGIC == FAILS_LATER:
            return
        asked = {"amount": amount, "currency": "usd"}
        with ThreadPoolExecutor(CLIENTS) as pool:
            replies = list(pool.map(lambda client: client.post("/v1/payouts", asked), self.clients))
        won = [reply for reply in replies if reply.status == 200]
        if amount % MAGIC != REFUSED:  # else its money is free again for the next
            assert len(won) == 1, [reply.text for reply in replies]
        assert all(reply.error["code"] == "balance_insufficient" for reply in replies if reply.status != 200)
        COUNTED["race payout"] += 1
        for reply in won:
            self.paid_out(reply.json)

    @precondition(lambda self: self.model.payouts)
    @rule(data=st.data())
    def stop_payout(self, data: Any) -> None:
        payout = data.draw(st.sampled_from(list(self.model.payouts.values())), label="payout")
        reply = self.ask(f"/v1/payouts/{payout.id}/cancel", {})
        self.expect(reply, self.model.stop(payout), "stop")
        self.same_payout(payout)

    def available(self) -> int:
        """What can be paid out, after a wait where there is nothing yet."""
        available, pending = self.model.balance
        if available <= 0 < pending:
            self.time_goes_by(48)
        return self.model.balance[0]

    def paid_out(self, shown: dict[str, Any]) -> None:
        arrives_at = self.model.now + shown["arrival_date"] - shown["created"]
        self.same_payout(self.model.pay_out(shown["id"], shown["amount"], arrives_at=arrives_at), shown)

    def same_payout(self, payout: Payout, shown: dict[str, Any] | None = None) -> None:
        shown = shown or self.get(f"/v1/payouts/{payout.id}")
        assert (shown["amount"], shown["status"]) == (payout.amount, payout.status)

    # -- charges of the older API

    @rule(amount=AMOUNTS, manual=st.booleans(), good=MOSTLY)
    def charge(self, amount: int, manual: bool, good: bool) -> None:
        source, card = ("tok_visa", "pm_card_visa") if good else ("tok_chargeDeclined", "pm_card_chargeDeclined")
        params = {"amount": amount, "currency": "usd", "source": source, "capture": "false" if manual else "true"}
        reply = self.ask("/v1/charges", params)
        expected = FINE if good else Expected(402, "card_declined", "generic_decline")
        self.expect(reply, expected, "charge")
        id_ = reply.json["id"] if good else reply.error["charge"]
        self.same_charge(self.model.charge(id_, amount=amount, manual=manual, card=card))

    @precondition(lambda self: self.model.charges)
    @rule(data=st.data(), share=st.integers(1, 130), whole=st.booleans())
    def capture_charge(self, data: Any, share: int, whole: bool) -> None:
        charge = self.pick_charge(data, lambda one: one.status == "requires_capture")
        amount = None if whole else max(1, (charge.capturable or charge.amount) * share // 100)
        reply = self.ask(f"/v1/charges/{charge.charge}/capture", {} if amount is None else {"amount": amount})
        if self.expect(reply, self.model.recharging(charge, amount), "capture charge"):
            self.model.captured(charge, amount, final=True)
        self.same_charge(charge)

    @precondition(lambda self: self.model.charges)
    @rule(data=st.data(), share=st.integers(1, 130), whole=st.booleans(), below=st.booleans())
    def refund_charge(self, data: Any, share: int, whole: bool, below: bool) -> None:
        charge = self.pick_charge(data, lambda one: one.refundable > 0)
        amount = None if whole else max(1, (charge.refundable or charge.amount) * share // 100)
        params: dict[str, Any] = {} if amount is None else {"amount": amount}
        if below:
            reply = self.ask(f"/v1/charges/{charge.charge}/refunds", params)
        else:
            reply = self.ask("/v1/refunds", {"charge": charge.charge, **params})
        if self.expect(reply, self.model.refunding(charge, amount), "refund charge"):
            self.gave_back(charge, amount, reply.json)
        self.same_charge(charge)

    def pick_charge(self, data: Any, wanted: Callable[[Intent], bool]) -> Intent:
        every = list(self.model.charges.values())
        suited = [charge for charge in every if wanted(charge)]
        return data.draw(st.sampled_from(suited or every), label="charge")

    # -- what ends late

    @precondition(lambda self: self.slow < MOST_SLOW)
    @rule(amount=AMOUNTS, card=st.sampled_from([PENDS, FAILS]))
    def pay_with_what_is_slow_to_give_back(self, amount: int, card: str) -> None:
        self.slow += 1
        self.create(amount=amount, manual=False, several=False, card=card, at_once=True)

    def gave_back(self, intent: Intent, amount: int | None, refund: dict[str, Any]) -> None:
        if intent.card not in (PENDS, FAILS):
            super().gave_back(intent, amount, refund)
            return
        id_, later = refund["id"], "succeeded" if intent.card == PENDS else "failed"
        assert refund["status"] == ("pending" if intent.card == PENDS else "succeeded")
        given = self.model.refund(intent, amount, id_=id_)
        self.until(f"/v1/refunds/{id_}", lambda found: found["status"] == later)
        if intent.card == PENDS:
            self.model.events[id_] += ["refund.updated", "charge.refund.updated"]
        else:
            self.model.came_back(intent, given, id_=id_)
        COUNTED[f"refund {later} late"] += 1

    # -- disputes

    @precondition(lambda self: len(self.model.disputes) < MOST_DISPUTES)
    @rule(amount=AMOUNTS)
    def is_disputed(self, amount: int) -> None:
        self.create(amount=amount, manual=False, several=False, card=DISPUTED, at_once=True)
        intent = list(self.model.intents.values())[-1]
        asked = {"payment_intent": intent.id}
        (shown,) = self.until("/v1/disputes", lambda found: found["data"], asked)["data"]
        due_by = self.model.now + shown["evidence_details"]["due_by"] - shown["created"]
        self.same_dispute(self.model.dispute(intent, shown["id"], due_by=due_by), shown)
        self.same(intent)

    @precondition(lambda self: self.model.disputes)
    @rule(data=st.data(), status=st.sampled_from(["won", "lost"]))
    def hand_in_evidence(self, data: Any, status: str) -> None:
        dispute = data.draw(st.sampled_from(list(self.model.disputes.values())), label="dispute")
        text = "winning_evidence" if status == "won" else "losing_evidence"
        reply = self.ask(f"/v1/disputes/{dispute.id}", {"evidence[uncategorized_text]": text})
        if self.expect(reply, self.model.answer(dispute), "evidence"):
            self.until(f"/v1/disputes/{dispute.id}", lambda found: found["status"] == status)
            self.model.decided(dispute, status)
        self.same_dispute(dispute)

    @precondition(lambda self: self.model.disputes)
    @rule(data=st.data())
    def give_up(self, data: Any) -> None:
        dispute = data.draw(st.sampled_from(list(self.model.disputes.values())), label="dispute")
        reply = self.ask(f"/v1/disputes/{dispute.id}/close", {})
        expected = FINE if dispute.status == "needs_response" else Expected(400)
        if self.expect(reply, expected, "give up"):
            self.model.decided(dispute, "lost")
        self.same_dispute(dispute)

    def same_dispute(self, dispute: Dispute, shown: dict[str, Any] | None = None) -> None:
        shown = shown or self.get(f"/v1/disputes/{dispute.id}")
        assert (shown["amount"], shown["status"]) == (dispute.amount, dispute.status)

    def until(
        self, path: str, wanted: Callable[[dict[str, Any]], Any], params: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What stands at ``path`` once it is as wanted."""
        end = time.monotonic() + WITHIN_S
        while not wanted(found := self.get(path, params)):
            assert time.monotonic() < end, f"{path} stayed {found}"
            time.sleep(0.1)
        return found
