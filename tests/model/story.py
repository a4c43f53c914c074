"""One merchant's life as random operations: what may be asked of payments, each step compared with the model.

Two clients also do the same thing at the same time: then one of them wins, and the model learns which.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.model.reference import CONFIRMABLE, DAY_S, DECLINES, FINE, Expected, Intent, Reference
from tests.support.door import Client, Reply, check
from tests.support.running import Running

HOUR_S = 3600
CLIENTS = 3
CARDS = ["pm_card_visa", "pm_card_visa", "pm_card_visa", *DECLINES]
AMOUNTS = st.integers(50, 50_000)
MOSTLY = st.sampled_from([True, True, True, False])
_OPTIONS = "payment_method_options[card]"
STATE: dict[str, Any] = {}
COUNTED: Counter[str] = Counter()


class Story(RuleBasedStateMachine):
    """One merchant's account from its first request on."""

    def __init__(self) -> None:
        super().__init__()
        running: Running = STATE["running"]
        key = next(STATE["keys"])
        self.clients = [Client(running["api"], running["ca_file"], key) for _ in range(CLIENTS)]
        self.model = Reference()
        self.sent: list[tuple[int, str, dict[str, Any], str, Reply]] = []
        self.turn = 0

    # -- how a story asks and compares

    def ask(self, path: str, params: dict[str, Any], *, key: str | None = None) -> Reply:
        """A POST by the next client, with a key of its own that may be used again later."""
        COUNTED["requests"] += 1
        self.turn += 1
        key = key or f"story-{self.turn}"
        reply = self.clients[self.turn % CLIENTS].post(path, params, headers={"Idempotency-Key": key})
        check(reply)
        self.sent.append((self.model.now, path, params, key, reply))
        return reply

    def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        reply = self.clients[self.turn % CLIENTS].get(path, params)
        assert reply.status == 200, reply.text
        return reply.json

    def expect(self, reply: Reply, expected: Expected, what: str) -> bool:
        """Whether it went well, as it should have."""
        note(f"{what}: {reply.status} {reply.text[:160]}")
        COUNTED[f"{what} {reply.status}"] += 1
        assert reply.status == expected.status, f"{what}: {reply.status} instead of {expected}: {reply.text}"
        if expected.code is not None:
            assert reply.error["code"] == expected.code, f"{what}: {reply.text}"
        if expected.decline_code is not None:
            assert reply.error["decline_code"] == expected.decline_code
        return expected == FINE

    def all_the_same(self) -> None:
        """Every intent, and its charge, are as the model has them, in lists of many."""
        charges = {one["id"]: one for one in self.everything("/v1/charges", limit=100)}
        listed = self.everything("/v1/payment_intents", limit=100)
        assert [one["id"] for one in listed] == sorted(self.model.intents, reverse=True)
        for shown in listed:
            intent = self.model.intents[shown["id"]]
            self.same(intent, shown, charges.get(intent.charge or ""))

    def same(
        self, intent: Intent, shown: dict[str, Any] | None = None, charge: dict[str, Any] | None = None
    ) -> None:
        """The intent, and its charge, are as the model has them."""
        shown = shown or self.get(f"/v1/payment_intents/{intent.id}")
        seen = {
            name: shown[name]
            for name in ("status", "amount", "amount_capturable", "amount_received", "latest_charge",
                         "cancellation_reason", "description")
        }  # fmt: skip
        assert seen == {
            "status": intent.status, "amount": intent.amount, "amount_capturable": intent.capturable,
            "amount_received": intent.received, "latest_charge": intent.charge,
            "cancellation_reason": intent.reason, "description": intent.description,
        }  # fmt: skip
        if intent.charge is not None and (intent.held or intent.received):
            self.same_charge(intent, charge)

    def same_charge(self, intent: Intent, charge: dict[str, Any] | None = None) -> None:
        """So is the charge."""
        charge = charge or self.get(f"/v1/charges/{intent.charge}")
        assert (charge["amount"], charge["amount_captured"], charge["amount_refunded"], charge["captured"]) == (
            intent.amount, intent.received, intent.refunded, intent.status == "succeeded",
        )  # fmt: skip
        assert charge["refunded"] == (intent.status == "succeeded" and intent.refunded == intent.received)

    def pick(self, data: Any, wanted: Callable[[Intent], bool], **making: Any) -> Intent:
        """Mostly an intent that the operation suits, made if there is none; sometimes any."""
        every = list(self.model.intents.values())
        suited = [intent for intent in every if wanted(intent)]
        if data.draw(st.integers(0, 6), label="any, if 6") == 6:
            return data.draw(st.sampled_from(every), label="intent")
        if not suited:
            paid = {"amount": 2_000, "manual": False, "several": False, "card": "pm_card_visa", "at_once": True}
            self.create(**{**paid, **making})
            suited = [list(self.model.intents.values())[-1]]
        return data.draw(st.sampled_from(suited), label="intent")

    # -- what may happen

    @initialize(amount=AMOUNTS)
    def first(self, amount: int) -> None:
        self.create(amount=amount, manual=False, several=False, card="pm_card_visa", at_once=True)

    @rule(
        amount=AMOUNTS, manual=MOSTLY, several=MOSTLY, at_once=MOSTLY, card=st.sampled_from([*CARDS, None]),
    )  # fmt: skip
    def create(self, amount: int, manual: bool, several: bool, card: str | None, at_once: bool) -> None:
        params: dict[str, Any] = {"amount": amount, "currency": "usd"}
        if manual:
            params["capture_method"] = "manual"
        if manual and several:
            params[f"{_OPTIONS}[request_multicapture]"] = "if_available"
            params[f"{_OPTIONS}[request_incremental_authorization]"] = "if_available"
        confirms = at_once and card is not None
        if card is not None:
            params["payment_method"] = card
        if confirms:
            params["confirm"] = "true"
        reply = self.ask("/v1/payment_intents", params)
        sketch = Intent("", amount, manual, manual and several, card, 0, "requires_confirmation")
        expected = self.model.confirming(sketch, None) if confirms else FINE
        self.expect(reply, expected, "create")
        shown = reply.json if reply.status == 200 else reply.error["payment_intent"]
        intent = self.model.create(shown["id"], amount=amount, manual=manual, several=manual and several, card=card)
        if confirms:
            self.model.confirmed(intent, None, charge=shown["latest_charge"])
        self.same(intent)

    @rule(data=st.data(), card=st.one_of(st.none(), st.sampled_from(CARDS)))
    def confirm(self, data: Any, card: str | None) -> None:
        intent = self.pick(data, lambda one: one.status in CONFIRMABLE, at_once=False)
        reply = self.ask(f"/v1/payment_intents/{intent.id}/confirm", {"payment_method": card} if card else {})
        expected = self.model.confirming(intent, card)
        self.expect(reply, expected, "confirm")
        if expected.status in (200, 402):
            shown = reply.json if reply.status == 200 else reply.error["payment_intent"]
            self.model.confirmed(intent, card, charge=shown["latest_charge"])
        self.same(intent)

    @rule(data=st.data(), share=st.integers(1, 130), whole=st.booleans(), final=st.booleans())
    def capture(self, data: Any, share: int, whole: bool, final: bool) -> None:
        intent = self.pick(data, lambda one: one.status == "requires_capture", manual=True, several=not final)
        amount = None if whole else max(1, (intent.capturable or intent.amount) * share // 100)
        params: dict[str, Any] = {} if amount is None else {"amount_to_capture": amount}
        final = final or not intent.several
        if not final:
            params["final_capture"] = "false"
        reply = self.ask(f"/v1/payment_intents/{intent.id}/capture", params)
        if self.expect(reply, self.model.capturing(intent, amount, final=final), "capture"):
            self.model.captured(intent, amount, final=final)
        self.same(intent)

    @rule(data=st.data(), by=st.integers(-100, 5_000))
    def increment(self, data: Any, by: int) -> None:
        intent = self.pick(
            data, lambda one: one.several and one.status == "requires_capture", manual=True, several=True
        )
        amount = max(1, intent.amount + by)
        reply = self.ask(f"/v1/payment_intents/{intent.id}/increment_authorization", {"amount": amount})
        if self.expect(reply, self.model.raising(intent, amount), "increment"):
            self.model.raised(intent, amount)
        self.same(intent)

    @rule(data=st.data(), reason=st.sampled_from([None, "duplicate", "requested_by_customer"]))
    def cancel(self, data: Any, reason: str | None) -> None:
        intent = self.pick(data, lambda one: one.status not in ("succeeded", "canceled"), manual=True)
        params = {"cancellation_reason": reason} if reason else {}
        reply = self.ask(f"/v1/payment_intents/{intent.id}/cancel", params)
        if self.expect(reply, self.model.canceling(intent), "cancel"):
            self.model.canceled(intent, reason)
        self.same(intent)

    @rule(data=st.data(), share=st.integers(1, 130), whole=st.booleans())
    def refund(self, data: Any, share: int, whole: bool) -> None:
        intent = self.pick(data, lambda one: one.refundable > 0)
        amount = None if whole else max(1, (intent.refundable or intent.amount) * share // 100)
        params: dict[str, Any] = {"payment_intent": intent.id} if amount is None else {
            "payment_intent": intent.id, "amount": amount,
        }  # fmt: skip
        reply = self.ask("/v1/refunds", params)
        if self.expect(reply, self.model.refunding(intent, amount), "refund"):
            self.gave_back(intent, amount, reply.json)
        self.same(intent)

    def gave_back(self, intent: Intent, amount: int | None, refund: dict[str, Any]) -> None:
        assert refund["status"] == "succeeded"
        self.model.refund(intent, amount, id_=refund["id"])

    @rule(data=st.data(), text=st.text("abc xyz", min_size=1, max_size=20).filter(str.strip))
    def update(self, data: Any, text: str) -> None:
        intent = self.pick(data, lambda one: True)
        reply = self.ask(f"/v1/payment_intents/{intent.id}", {"description": text})
        if self.expect(reply, self.model.update(intent, text), "update"):
            intent.description = text
        self.same(intent)

    @rule(hours=st.sampled_from([6, 6, 24, 24, 48, 72]))
    def time_goes_by(self, hours: int) -> None:
        reply = self.ask("/v1/test_helpers/clock/advance", {"seconds": hours * HOUR_S})
        assert reply.status == 200, reply.text
        self.model.passes(hours * HOUR_S)
        self.all_the_same()

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def ask_again(self, data: Any) -> None:
        """The same request with the same key: the same answer, and nothing happens."""
        at, path, params, key, first = data.draw(st.sampled_from(self.sent[-20:]), label="request")
        if self.model.now - at >= DAY_S or first.status == 400:
            return  # forgotten after a day; and what was refused before it began is judged anew
        reply = self.clients[0].post(path, params, headers={"Idempotency-Key": key})
        assert (reply.status, reply.text) == (first.status, first.text)
        assert reply.headers["idempotent-replayed"] == "true"
        COUNTED["replayed"] += 1

    @rule(data=st.data(), what=st.sampled_from(["capture", "cancel", "refund", "confirm"]))
    def at_the_same_time(self, data: Any, what: str) -> None:
        """All clients want the same thing of the same intent: exactly one gets it."""
        wanted: dict[str, Callable[[Intent], bool]] = {
            "capture": lambda one: one.status == "requires_capture",
            "cancel": lambda one: one.status == "requires_capture" and not one.received,
            "refund": lambda one: one.refundable > 0,
            "confirm": lambda one: one.status == "requires_confirmation" and one.card == "pm_card_visa",
        }
        suited = [intent for intent in self.model.intents.values() if wanted[what](intent)]
        if not suited:
            return
        intent = data.draw(st.sampled_from(suited), label="intent")
        path = "/v1/refunds" if what == "refund" else f"/v1/payment_intents/{intent.id}/{what}"
        params = {"payment_intent": intent.id} if what == "refund" else {}
        with ThreadPoolExecutor(CLIENTS) as pool:
            replies = list(pool.map(lambda client: client.post(path, params), self.clients))
        won = [reply for reply in replies if reply.status == 200]
        assert len(won) == 1, f"{what}: {[reply.text[:200] for reply in replies]}"
        assert all(reply.status in (200, 400, 409, 429) for reply in replies), [reply.text for reply in replies]
        COUNTED[f"race {what}"] += 1
        match what:
            case "capture":
                self.model.captured(intent, None, final=True)
            case "cancel":
                self.model.canceled(intent, None)
            case "refund":
                self.gave_back(intent, None, won[0].json)
            case _:
                self.model.confirmed(intent, None, charge=won[0].json["latest_charge"])
        self.same(intent)

    @rule()
    def look_at_the_balance(self) -> None:
        shown = self.get("/v1/balance")
        available, pending = (
            {fund["currency"]: fund["amount"] for fund in shown[name]}["usd"] for name in ("available", "pending")
        )
        assert (available, pending) == self.model.balance

    def teardown(self) -> None:
        """At the end of a story: the list of intents, the balance, and every object's events."""
        if self.model.intents:
            self.look_at_the_balance()
            self.all_the_same()
            assert [one["id"] for one in self.everything("/v1/payment_intents")] == sorted(
                self.model.intents, reverse=True
            )
            told: dict[str, list[str]] = defaultdict(list)
            for event in reversed(self.everything("/v1/events", limit=23)):
                told[event["data"]["object"].get("id", "balance")].append(event["type"])
            told.pop("balance", None)
            assert told == self.model.events
        COUNTED["stories"] += 1
        for client in self.clients:
            client.close()

    def everything(self, path: str, *, limit: int = 7) -> list[dict[str, Any]]:
        """All pages of a list."""
        items: list[dict[str, Any]] = []
        while True:
            cursor = {"starting_after": items[-1]["id"]} if items else {}
            page = self.get(path, {"limit": limit, **cursor})
            items += page["data"]
            if not page["has_more"]:
                return items
