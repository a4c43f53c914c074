"""Writes what has become of a dispute: its money, its events in order, its row and its audit, all in one commit."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.disputes import find, keep, render, warnings
from lockgate.gateway.disputes.core import news
from lockgate.gateway.disputes.core.records import Dispute
from lockgate.gateway.disputes.core.shapes import DISPUTE
from lockgate.gateway.disputes.core.transitions import CLOSED, WITHDRAWN
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.ledger import dispute_transfers
from lockgate.gateway.ledger.dispute_transfers import Movement
from lockgate.gateway.ledger.transfers import Booked
from lockgate.gateway.payments import keep as payments_keep
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core.records import Charge
from lockgate.gateway.payments.core.shapes import CHARGE
from lockgate.gateway.payments.render import shown_charge
from lockgate.gateway.risk import close_review
from lockgate.gateway.scoring.labels import label
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.rows import BalanceTransactionRow, Commit
from lockgate.kernel import log
from lockgate.kernel.ids import new_id

FRAUD = "fraudulent"
_logger = log.get("disputes")


class Telling:
    """Collects what one commit says of a dispute. ``fee`` is what the processor keeps for it."""

    def __init__(self, ports: Ports, cause: Cause, charge: Charge, *, fee: int) -> None:
        self._ports = ports
        self._cause = cause
        self._charge = charge
        self._fee = fee or int(ports.settings[charge.row.processor].get("dispute_fee_minor", 0))
        self._commit = Commit()
        self._happenings: list[Happening] = []
        self._movements: list[BalanceTransactionRow] = []
        self._shown: Mapping[str, Any] | None = None
        self._was: str | None = None

    async def begin(self, before: Dispute) -> None:
        """The dispute is known as ``before``: events say what it was."""
        self._movements = await find.transactions(self._ports.pool, self._cause.principal, before.data["transactions"])
        self._shown = self._render(before)
        self._was = before.row.status

    async def tell(self, state: Dispute) -> Dispute:
        """One state that the dispute has come to; returns it with the money that moved for it."""
        was = self._shown
        state, moved = await self._booked(state)
        shown = self._render(state)
        ended = state.row.status in CLOSED and was is not None and was["status"] != state.row.status
        types = ["charge.dispute.created"] if was is None else [] if ended else ["charge.dispute.updated"]
        types += moved
        if ended:
            types.append("charge.dispute.closed")
        changes = previous(was, shown) if was is not None else None
        self._happenings += [Happening(type_, DISPUTE, shown, state.row.subject, changes) for type_ in types]
        self._shown = shown
        self._label(state, moved)
        if "charge.dispute.funds_withdrawn" in moved:
            await self._mark_charge()
        return state

    def _label(self, state: Dispute, moved: Sequence[str]) -> None:
        """What is known of fraud by it: money that was taken back as fraud is one, until the dispute is won."""
        fraud = {"charge.dispute.funds_withdrawn": True, "charge.dispute.funds_reinstated": False}
        for type_ in moved if state.row.reason == FRAUD else ():
            self._commit.risk_labels.append(
                label(
                    state.row.account, state.row.livemode,
                    fraud=fraud[type_], source="dispute" if fraud[type_] else "dispute_won",
                    now=self._cause.now, known_ms=self._cause.now * 1000, charge=state.row.charge,
                )
            )

    async def write(self, state: Dispute, *, action: str) -> None:
        """Commit all of it. Raises Moved or Taken when somebody else has written first."""
        commit, row = self._commit, state.row
        commit.disputes.append(await keep.dispute_row(state, self._ports.box))
        commit.audits.append(
            self._cause.audit(
                action, row.id, was=self._was, status=row.status, charge=row.charge, amount=row.amount
            )
        )
        await announce(commit, self._cause.origin, self._happenings, self._ports.box)
        await self._ports.committer.commit(commit)
        self._ports.poke()
        _logger.info("news of a dispute", dispute=row.id, charge=row.charge, status=row.status)

    async def _booked(self, state: Dispute) -> tuple[Dispute, list[str]]:
        """``state`` with the movements that it calls for and does not have yet, and the events that tell of them."""
        settings = self._ports.settings[state.row.processor]
        types = []
        noted = list(state.data["transactions"])
        if state.row.status in WITHDRAWN and not noted:
            booked = dispute_transfers.withdrawn(state.row, await self._movement(), fee=self._fee)
            noted.append(self._book(booked))
            types.append("charge.dispute.funds_withdrawn")
        if state.row.status == "won" and len(noted) == 1:
            withdrawal = next(row for row in self._movements if row.id == noted[0])
            returned = withdrawal.fee if settings.get("returns_dispute_fee_on_win") else 0
            booked = dispute_transfers.reinstated(state.row, await self._movement(), fee_returned=returned)
            noted.append(self._book(booked))
            types.append("charge.dispute.funds_reinstated")
        return state.noting(transactions=noted), types

    def _book(self, booked: Booked) -> str:
        self._commit.transfers += booked.transfers
        self._commit.balance_transactions.append(booked.transaction)
        self._movements.append(booked.transaction)
        return booked.transaction.id

    async def _movement(self) -> Movement:
        """A movement that waits as long as the payment's own money does."""
        taken = self._charge.row.balance_transaction
        assert taken is not None, "what was captured has its balance transaction"
        (payment,) = await find.transactions(self._ports.pool, self._cause.principal, [taken])
        return Movement(new_id("txn"), self._cause.now, payment.available_on)

    async def _mark_charge(self) -> None:
        """Note on the charge that it is disputed; nobody need act on its early warnings any more."""
        charge = self._charge
        if charge.data.get("disputed"):
            return
        marked = charge.after(data={"disputed": True})
        self._commit.charges.append(await payments_keep.charge_row(marked, self._ports.box))
        shown = shown_charge(marked)
        changes = previous(shown_charge(charge), shown)
        self._happenings.append(Happening("charge.updated", CHARGE, shown, charge.row.subject, changes))
        self._happenings += await warnings.overtaken(self._ports, self._cause, charge.row.id, commit=self._commit)
        self._happenings += await close_review.closing(
            self._ports, self._cause.principal, self._commit, charge=charge.row.id, reason="disputed"
        )

    def _render(self, state: Dispute) -> dict[str, Any]:
        rows = {row.id: row for row in self._movements}
        movements = [self._ports.show_transaction(rows[id_]) for id_ in state.data["transactions"]]
        return render.shown(state, movements, refunded=news.refunded(self._charge.row))
