"""The invariants of the design, each a small function that returns what breaks it: nothing, when all is well.

``check`` runs those that the database alone can prove; ``witness`` holds the books against the processor's journal.
Both may run while payments are being made: every database read is of one instant, and the journal is read once before
that instant and once after it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

from lockgate.gateway.audit.verify import NOTHING_ELSE, Known
from lockgate.gateway.audit.verify import verify as verify_log
from lockgate.gateway.invariants import disputes, find, find_disputes, find_payouts, find_risk, journal, payouts
from lockgate.gateway.invariants.find import Booked
from lockgate.gateway.invariants.find_disputes import BookedDispute
from lockgate.gateway.invariants.find_payouts import BookedPayout
from lockgate.gateway.invariants.journal import Witnessed
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.storage.database import Connection, Pool

GRACE_S = 60 + 30  # what the design grants a recovered processor, and the lease of whoever sent the order


class Finding(NamedTuple):
    """One breach of one invariant."""

    invariant: str
    account: str
    livemode: bool
    what: str


class Check(NamedTuple):
    """One invariant: its number, what it says, and how a breach is found."""

    invariant: str
    says: str
    run: Callable[[Connection, str, bool], Awaitable[list[str]]]


async def balanced(connection: Connection, account: str, livemode: bool) -> list[str]:
    """I1: per currency all balances sum to zero, and none breaks its limit."""
    sums = await find.unbalanced(connection, account, livemode)
    limits = await find.beyond_limit(connection, account, livemode)
    return [f"{currency} balances sum to {total}" for currency, total in sums] + [
        f"{ledger} stands at {total} {currency}" for ledger, currency, total in limits
    ]


async def recomputed(connection: Connection, account: str, livemode: bool) -> list[str]:
    """I2: the kept balances are what the transfers add up to, and what the merchant is shown."""
    misplaced = await find_payouts.misplaced(connection, account, livemode)
    drifted = await find.drifted(connection, account, livemode)
    misshown = await find.misshown(connection, account, livemode)
    return [f"{ledger} {currency}: kept {kept}, transfers say {moved}" for ledger, currency, kept, moved in drifted] + [
        f"{ledger} {currency}: kept {kept}, balance transactions say {shown}"
        for ledger, currency, kept, shown in misshown
    ] + [f"{ledger} {currency}: kept {kept}, payouts say {said}" for ledger, currency, kept, said in misplaced]


async def authorized_once(connection: Connection, account: str, livemode: bool) -> list[str]:
    """I4: one intent has at most one accepted authorisation."""
    rows = await find.twice_authorized(connection, account, livemode)
    return [f"{intent} was authorised {count} times" for intent, count in rows]


async def effective(connection: Connection, account: str, livemode: bool) -> list[str]:
    """I5: whatever an answer or an event spoke of exists."""
    rows = await find.without_effect(connection, account, livemode)
    return [f"{said} about {id_}, which is not there" for said, id_ in rows]


async def within_bounds(connection: Connection, account: str, livemode: bool) -> list[str]:
    """I6: captured, refunded and paid out, with what is in doubt, never exceed what was authorised, captured, there.

    And each automatic payout is the sum of the movements that it paid out, each of which was paid out once.
    """
    found = []
    for row in await find.miscounted(connection, account, livemode):
        id_, amount, *said = row
        found.append(
            f"{id_} of {amount} says captured {said[0]} (+{said[1]} in doubt), refunded {said[2]} (+{said[3]});"
            f" other rows say {said[4]} (+{said[5]}), {said[6]} (+{said[7]})"
        )
    for hold, held, settled in await find.oversettled(connection, account, livemode):
        found.append(f"authorisation {hold} held {held}, but {settled} was settled of it")
    for currency, short in await find_payouts.overpaid(connection, account, livemode):
        found.append(f"{short} {currency} more was paid out than ever was available")
    for payout, off in await find_payouts.unevenly_paid(connection, account, livemode):
        found.append(f"{payout} and the movements that it paid out differ by {off}")
    for movement, payout in await find_payouts.stray_lines(connection, account, livemode):
        found.append(f"{movement} was given to {payout}, which does not stand")
    for id_, status, amount, withdrawn, reinstated in await find_disputes.misbooked(connection, account, livemode):
        found.append(f"{id_} of {amount} is {status}, with {withdrawn} withdrawn and {reinstated} reinstated")
    return found


async def audited(connection: Connection, account: str, livemode: bool) -> list[str]:
    """I7: each state has the audit record of the change that led to it."""
    rows = await find.unaudited(connection, account, livemode)
    return [f"no audit record says how {id_} became {status}" for id_, status in rows]


async def delivered(connection: Connection, account: str, livemode: bool) -> list[str]:
    """I8: each committed event reaches, or is on its way to, each endpoint that asked for it."""
    missed = await find.undelivered(connection, account, livemode)
    forgotten = await find.forgotten(connection, account, livemode)
    return [f"{event} will never reach {endpoint}" for event, endpoint in missed] + [
        f"delivery {id_} of {event} is neither done nor due" for id_, event in forgotten
    ]


def resolved(now: int) -> Callable[[Connection, str, bool], Awaitable[list[str]]]:
    """I10 as of ``now``: no attempt stays unknown longer than recovery needs."""

    async def run(connection: Connection, account: str, livemode: bool) -> list[str]:
        rows = await find.unresolved(connection, account, livemode, before_ms=(now - GRACE_S) * 1000)
        return [f"{id_} ({action}) has been {state} since {created}" for id_, action, state, created in rows]

    return run


async def judged(connection: Connection, account: str, livemode: bool) -> list[str]:
    """I12: whatever may take money or try a card was judged first, and is counted as what it was."""
    unjudged = await find_risk.unjudged(connection, account, livemode)
    sent = await find_risk.sent_though_blocked(connection, account, livemode)
    miscounted = await find_risk.miscounted(connection, account, livemode)
    return [f"{id_} ({action}) has no verdict" for id_, action in unjudged] + [
        f"{id_} was blocked, and is {state} all the same" for id_, state in sent
    ] + [f"{id_} is {state}, and counted as {counted}" for id_, state, counted in miscounted]


def checks(*, now: int) -> list[Check]:
    """The invariants that the database alone can prove. (I9 is a sweep and I11 a test: neither has rows to read.)"""
    return [
        Check("I1", "balances sum to zero in every currency, within their limits", balanced),
        Check("I2", "balances are what transfers and balance transactions add up to", recomputed),
        Check("I4", "an intent has at most one accepted authorisation", authorized_once),
        Check("I5", "what was answered or announced exists", effective),
        Check("I6", "captures, refunds, disputes and payouts, with those in doubt, move what they may", within_bounds),
        Check("I7", "each state has its audit record, and the sealed log is as it was", audited),
        Check("I8", "each event reaches, or is on its way to, its endpoints", delivered),
        Check("I10", "no attempt stays unknown", resolved(now)),
        Check("I12", "what may take money or try a card was judged first, and is counted as what it was", judged),
    ]


async def check(pool: Pool, *, now: int, log: Known = NOTHING_ELSE) -> list[Finding]:
    """All breaches, of all accounts in both modes, each account and mode as of one instant.

    ``log`` is what is known of the audit log from elsewhere than the database.
    """
    findings = []
    for account, livemode in await find.tenants(pool):
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            for invariant, _, run in checks(now=now):
                found = await run(connection, account, livemode)
                findings += [Finding(invariant, account, livemode, what) for what in found]
    sealed = await verify_log(pool, log)
    return findings + [Finding("I7", "", False, fault.line()) for fault in sealed.faults]


Entries = Iterable[Mapping[str, Any]]


async def witness(pool: Pool, *, read: Callable[[], Awaitable[Entries]]) -> list[Finding]:
    """I3: what the processor's journal says was taken, given back and paid out has its transfers, or an open attempt.

    ``read`` gives the whole journal. What it held before the database was read must be in the books or in doubt; the
    books must hold nothing that it lacks afterwards.
    """
    first = list(await read())
    charges: dict[str, Booked] = {}
    states: dict[str, str] = {}
    disputed: dict[str, BookedDispute] = {}
    told: set[str] = set()
    paid: dict[str, BookedPayout] = {}
    for account, livemode in await find.tenants(pool):
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            charges |= {row.reference: row for row in await find.booked(connection, account, livemode)}
            states |= await find.steps(connection, account, livemode)
            disputed |= {row.reference: row for row in await find_disputes.disputed(connection, account, livemode)}
            told |= await find_disputes.worked_through(connection, account, livemode)
            paid |= {row.reference: row for row in await find_payouts.booked_payouts(connection, account, livemode)}
    last = list(await read())
    of_disputes = [
        *disputes.unbooked(disputes.read(first), disputed, told), *disputes.invented(disputes.read(last), disputed),
    ]
    of_payouts = [
        *payouts.unbooked(payouts.read(first), paid, states), *payouts.invented(payouts.read(last), paid),
    ]
    return [
        *_unbooked(journal.read(first), charges, states),
        *_invented(journal.read(last), charges),
        *(Finding("I3", *breach) for breach in (*of_disputes, *of_payouts)),
    ]


def _unbooked(
    journaled: Mapping[str, Witnessed], charges: Mapping[str, Booked], states: Mapping[str, str]
) -> list[Finding]:
    """What really moved and is neither in the books nor in doubt."""
    findings = []
    for reference, real in journaled.items():
        if real.undone or not real.captured:
            continue
        charge = charges.get(reference)
        if charge is None:
            if not any(states.get(step) in INDEFINITE for step in real.steps):
                what = f"{reference} took {real.captured}, and no charge knows of it"
                findings.append(Finding("I3", "", False, what))
        elif not charge.in_doubt:
            if charge.captured < real.captured:
                findings.append(_of(charge, f"{real.captured} taken, {charge.captured} in the books"))
            if charge.refunded < real.refunded:
                findings.append(_of(charge, f"{real.refunded} given back, {charge.refunded} in the books"))
    return findings


def _invented(journaled: Mapping[str, Witnessed], charges: Mapping[str, Booked]) -> list[Finding]:
    """What the books say and never happened, or was undone."""
    findings = []
    for reference, charge in charges.items():
        real = journaled.get(reference, Witnessed())
        taken = 0 if real.undone else real.captured
        if charge.captured > taken:
            findings.append(_of(charge, f"{charge.captured} in the books, {taken} taken"))
        if charge.refunded > real.refunded:
            findings.append(_of(charge, f"{charge.refunded} given back in the books, {real.refunded} really"))
    return findings


def _of(charge: Booked, what: str) -> Finding:
    return Finding("I3", charge.account, charge.livemode, f"{charge.charge}: {what}")
