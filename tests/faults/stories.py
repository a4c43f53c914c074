"""One order under one fault: what was asked, what was told, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.merchant import Merchant, Said
from tests.faults.truth import FAULTS, FINE, NOT_SENT, WAITING, Answer, Kind, Row, state
from tests.faults.truth_table import TABLE

LONG_SILENCE = "beyond our own time limit"  # the same faults, with a processor that says nothing for a minute
_ABOUT = ("/voids", "/authorizations/complete", "/payouts/cancel", "/payouts/reverse", "/disputes/evidence",
          "/disputes/accept")  # fmt: skip
READ = {
    "payment_intent": "payment_intents", "setup_intent": "setup_intents", "charge": "charges", "refund": "refunds",
    "payment_method": "payment_methods", "customer": "customers", "payout": "payouts", "dispute": "disputes",
}  # fmt: skip


@dataclass
class Story:
    """``path`` and ``params`` are the order, ``visit`` a page that orders instead; ``others`` are asked meanwhile.

    ``subject`` is the object whose state tells, ``parent`` what it was made from, ``about`` its name at the processor.
    """

    name: str
    fault: str
    amount: int
    merchant: Merchant
    subject: str = ""
    parent: str = ""
    method: str = ""
    about: str = ""
    charge: str = ""
    path: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    visit: str = ""
    others: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    said: Said | None = None
    told: Answer | None = None
    between: str | None = None
    meanwhile: dict[str, Answer] = field(default_factory=dict)
    final: str | None = None
    later: str | None = None
    replayed: Said | None = None

    @property
    def row(self) -> Row:
        return TABLE[self.name]

    @property
    def order(self) -> str:
        """The fault's name at the simulator."""
        return self.fault.rsplit(" ", 1)[-1]

    @property
    def kind(self) -> Kind:
        return FAULTS[self.order]

    @property
    def key(self) -> str:
        return f"story-{self.name}-{self.fault}"

    @property
    def lane(self) -> str | None:
        """Orders that nothing tells apart go one by one."""
        zero = self.row.action == "verify" or self.row.action is None
        return "cards" if zero and not self.by_clock and self.row.path == "/authorizations" else None

    @property
    def by_clock(self) -> bool:
        return self.name == "expire"

    def match(self) -> dict[str, Any]:
        """By what the simulator finds this order."""
        if self.row.path in _ABOUT:
            assert self.about, f"{self.name}: what it is about is not known"
            return {"path": self.row.path, "about": self.about}
        return {"path": self.row.path, "amount": 0 if self.lane else self.amount}

    def fault_order(self, delay_ms: int) -> dict[str, Any]:
        """The fault for this story's order alone."""
        waits = {"delay_ms": delay_ms} if self.order in WAITING else {}
        return {"fault": self.order, "match": self.match(), **waits}

    async def state(self) -> str | None:
        """How its object stands now; None while there is none."""
        if not self.subject:
            return None
        shown = await self.merchant.get(f"{READ[self.row.shows]}/{self.subject}")
        self.charge = shown.get("latest_charge") or ""
        return state(shown)

    async def live(self) -> None:
        """Send the order, and see at once what stands afterwards."""
        if self.visit:
            self.told = await self.merchant.opened(self.visit)
        else:
            self.said = await self.merchant.post(self.path, key=self.key, **self.params)
            self.told = self._outcome(self.said)
            if not self.subject and self.said.status == 200:
                self.subject = self.said.json["id"]
        await self.look()

    async def look(self) -> None:
        """What stands right after the order, and what others are told."""
        self.between = await self.state()
        if self.kind in (FINE, NOT_SENT):
            return
        for word, (path, params) in self.others.items():
            given = {name: str(value).format(subject=self.subject) for name, value in params.items()}
            said = await self.merchant.post(path.format(subject=self.subject), **given)
            self.meanwhile[word] = self._outcome(said)

    async def ask_again(self) -> None:
        """The same request under the same key."""
        if self.visit and self.kind == NOT_SENT:
            await self.merchant.opened(self.visit)
            await self.state()
        if not self.path:
            return  # nobody asked
        self.replayed = await self.merchant.post(self.path, key=self.key, **self.params)
        if not self.subject and self.replayed.status == 200:
            self.subject = self.replayed.json["id"]
        await self.state()  # for its charge, if it has one only now

    def again(self) -> Answer:
        """What the repeated request was answered."""
        assert self.replayed is not None
        return self._outcome(self.replayed)

    def _outcome(self, said: Said) -> Answer:
        return said.status, state(said.json) if said.status == 200 else said.code
