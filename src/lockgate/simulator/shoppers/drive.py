"""Plays a stream of simulated payments at a sandbox's API in test mode, and tells what became of each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from lockgate.kernel import puzzle, testcards
from lockgate.simulator.shoppers import report
from lockgate.simulator.shoppers.attacks import TESTING
from lockgate.simulator.shoppers.door import Door, Reply
from lockgate.simulator.shoppers.payment import Payment

# What the issuer is to say of a card that is tried out, as the scripted card that says it.
_SCRIPTS: Mapping[str | None, str] = {
    None: "visa", "generic_decline": "charge_declined", "insufficient_funds": "insufficient_funds",
    "incorrect_cvc": "incorrect_cvc", "stolen_card": "stolen_card", "expired_card": "expired_card",
}  # fmt: skip
# A card that is used more than once must be able to do both: it pays, unless there is a code to be wrong.
_OFTEN_USED = "incorrect_cvc"
_EXPIRY = {"exp_month": "12", "exp_year": "2040"}
_MOST_SERIALS = 10**5
_MOST_PUZZLES = 2
_WARNED = 3
"""Of cards that were tried out and are missed, every third comes as an early fraud warning, the others as disputes."""


class Broken(Exception):
    """The API answered what no play can go on from."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one try. ``result``: approved, declined, blocked, reviewed, challenged, puzzled (asked for work
    and gave up), or capped. ``puzzles`` is how many it solved; ``seen`` is what the shopper's browser was answered."""

    payment: Payment
    intent: str
    result: str
    puzzles: int
    seen: Reply


@dataclass(slots=True)
class Play:
    """One play: whose customers, orders and devices are known by now.

    ``serials`` is where this play's card numbers begin, so that two plays at one sandbox use different cards.
    ``solves``: its browsers, robots too, do the work they are asked for. ``clock``: business time follows the stream.
    """

    door: Door
    serials: int = 0
    solves: bool = True
    clock: bool = True
    _at_ms: int | None = None
    _orders: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _customers: dict[str, str] = field(default_factory=dict)
    _devices: dict[str, str] = field(default_factory=dict)
    _missed: list[tuple[int, str]] = field(default_factory=list)

    def run(self, payments: Iterable[Payment], tell: Callable[[Played], None]) -> None:
        """Play all of ``payments``. Raises Broken."""
        for payment in payments:
            tell(self.one(payment))

    def one(self, payment: Payment) -> Played:
        """Play one try, and before it what the shop has learnt by then of frauds."""
        self._wait_until(payment.at_ms)
        while self._missed and self._missed[0][0] <= payment.at_ms:
            self._say_fraud(heappop(self._missed)[1])
        order = self._order(payment)
        fields: dict[str, Any] = {"client_secret": order["client_secret"]}
        fields |= {f"payment_method_data{name}": value for name, value in self._method(payment).items()}
        if payment.visit is not None:
            session = self._session(payment)
            if session is not None:
                fields["payment_method_data[radar_options][session]"] = session
        return self._confirm(payment, order, fields)

    def _confirm(self, payment: Payment, order: Mapping[str, Any], fields: dict[str, Any]) -> Played:
        kind = "setup_intents" if payment.is_setup else "payment_intents"
        path, solution, solved = f"/v1/{kind}/{order['id']}/confirm", None, 0
        while True:
            seen = self.door.browser(path, fields, ip=payment.address.ip, agent=report.AGENT, puzzle=solution)
            asked = seen.error.get("puzzle")
            if asked is None or not self.solves or solved >= _MOST_PUZZLES:
                result = _result(seen)
                if payment.known_at_ms is not None and result == "approved" and payment.kind not in TESTING:
                    heappush(self._missed, (payment.known_at_ms, order["id"]))
                if result not in ("declined", "puzzled"):
                    del self._orders[payment.order]  # it is paid, or waits for somebody else: nobody tries it again
                return Played(payment, order["id"], result, solved, seen)
            solution = puzzle.solve(asked["token"], bits=asked["bits"], parts=asked["parts"])
            solved += 1

    def _say_fraud(self, intent: str) -> None:
        charges = _check("/v1/charges", self.door.server(f"/v1/charges?payment_intent={intent}", method="GET"))
        for charge in charges["data"]:
            if charge["paid"]:
                self._server(f"/v1/charges/{charge['id']}", {"fraud_details[user_report]": "fraudulent"})

    def _wait_until(self, at_ms: int) -> None:
        before, self._at_ms = self._at_ms, at_ms
        step_s = 0 if before is None else (at_ms - before) // 1000
        if self.clock and step_s > 0:
            self._server("/v1/test_helpers/clock/advance", {"seconds": step_s})

    def _order(self, payment: Payment) -> Mapping[str, Any]:
        known = self._orders.get(payment.order)
        if known is not None:
            return known
        made: dict[str, Any] = {"payment_method_types[]": "card"}
        if payment.customer is not None:
            made["customer"] = self._customer(payment)
        if payment.is_setup:
            self._orders[payment.order] = self._server("/v1/setup_intents", made)
            return self._orders[payment.order]
        made |= {"amount": payment.amount, "currency": "usd", "receipt_email": payment.email}
        if payment.shipping_country is not None:
            made |= {"shipping[name]": "A. Person", "shipping[address][country]": payment.shipping_country,
                     "shipping[address][line1]": "1 Example Street"}  # fmt: skip
        self._orders[payment.order] = self._server("/v1/payment_intents", made)
        return self._orders[payment.order]

    def _customer(self, payment: Payment) -> str:
        assert payment.customer is not None, "only an account's payments come here"
        if payment.customer not in self._customers:
            made = self._server("/v1/customers", {"email": payment.email})
            self._customers[payment.customer] = made["id"]
        return self._customers[payment.customer]

    def _method(self, payment: Payment) -> Mapping[str, str]:
        number, has_cvc = self._card(payment)
        card = {"[card][number]": number, "[billing_details][email]": payment.email, "[type]": "card"}
        card |= {f"[card][{name}]": value for name, value in _EXPIRY.items()}
        if has_cvc:
            card["[card][cvc]"] = "123"
        if payment.billing_country is not None:
            card["[billing_details][address][country]"] = payment.billing_country
        return card

    def _card(self, payment: Payment) -> tuple[str, bool]:
        """A number that does what this payment's issuer says, the same for all payments of one card; and whether the
        code goes with it. What a card does is part of its number."""
        script, has_cvc = _OFTEN_USED, not payment.approved
        if payment.kind in TESTING:
            script, has_cvc = _SCRIPTS[payment.decline], payment.has_cvc or payment.decline == "incorrect_cvc"
            if payment.known_at_ms is not None:
                script = "early_fraud_warning" if payment.card.serial % _WARNED == 0 else "dispute_fraudulent"
        country = payment.card.country if payment.card.country in testcards.SCRIPTED_COUNTRIES else "DE"
        serial = (self.serials + payment.card.serial) % _MOST_SERIALS
        return testcards.scripted(script, country=country, serial=serial), has_cvc

    def _session(self, payment: Payment) -> str | None:
        visit = payment.visit
        assert visit is not None, "a session is a visit's"
        sent = report.fields(visit, country=payment.address.country, device_token=self._devices.get(visit.device))
        made = self.door.browser("/v1/radar/sessions", sent, ip=payment.address.ip, agent=report.AGENT)
        if made.status == 429:
            return None
        _check("/v1/radar/sessions", made)
        if isinstance(made.body.get("device"), str):
            self._devices[visit.device] = made.body["device"]
        return made.body["id"]

    def _server(self, path: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return _check(path, self.door.server(path, fields))


def _check(path: str, reply: Reply) -> Mapping[str, Any]:
    if reply.status != 200:
        raise Broken(f"{path}: {reply.status} {reply.error.get('message', '')}")
    return reply.body


def _result(seen: Reply) -> str:
    """What a shopper can see. That a verdict stopped her payment, and not her bank, she cannot."""
    if seen.status == 429:
        return "capped"
    if "puzzle" in seen.error:
        return "puzzled"
    if seen.status == 402:
        return "declined"
    if seen.status != 200:
        raise Broken(f"a confirmation: {seen.status} {seen.error.get('message', '')}")
    match seen.body["status"]:
        case "requires_action":
            return "challenged"
        case "requires_capture":
            return "reviewed"
        case _:
            return "approved"
