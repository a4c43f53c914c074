"""Makes money available when its day has come: the balance transactions' status and the ledger's transfer together."""

from collections.abc import Sequence
from itertools import groupby

from lockgate.gateway.ledger import accounts, transfers
from lockgate.gateway.ledger import find as books
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find as payments_find
from lockgate.gateway.settlement import find, render, store
from lockgate.gateway.settlement.core.shapes import BALANCE
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.rows import BalanceTransactionRow, Commit
from lockgate.kernel import log
from lockgate.kernel.ids import new_id

_logger = log.get("settlement")


async def mature(ports: Ports, *, now: int, limit: int) -> int:
    """Move up to ``limit`` movements whose ``available_on`` has passed on their account's clock; returns how many."""
    ahead = await business_time.ahead(ports.pool)
    due = await store.due(ports.pool, now=now, ahead=ahead, limit=limit)
    due.sort(key=lambda row: (row.account, row.livemode))
    done = 0
    for (account, livemode), group in groupby(due, key=lambda row: (row.account, row.livemode)):
        rows = list(group)
        try:
            await _mature(ports, account, livemode, rows=rows)
        except (Moved, CommitUnknown) as conflict:  # what is still pending is found again at the next round
            _logger.warning("movements did not mature", account=account, cause=type(conflict).__name__)
            continue
        except Exception:  # what is wrong with one account must not hold up the others' money
            _logger.exception("an account's movements cannot mature", account=account)
            continue
        done += len(rows)
    return done


async def _mature(ports: Ports, account: str, livemode: bool, *, rows: Sequence[BalanceTransactionRow]) -> None:
    now = await business_time.now(ports.pool, account, livemode)
    version = await payments_find.api_version(ports.pool, account)
    cause = causes.of_clock(account, livemode, name="settlement", api_version=version, now=now)
    batch = new_id("mat")
    commit = Commit(
        balance_transactions=[row._replace(version=row.version + 1, status="available") for row in rows],
        transfers=transfers.matured(rows, batch=batch, now=now),
        audits=[
            cause.audit("balance.mature", batch, movements=len(rows), first=rows[0].id, last=rows[-1].id)
        ],
    )
    balances = await books.balances(ports.pool, account=account, livemode=livemode)
    for row in rows:
        for ledger, amount in ((accounts.MERCHANT_PENDING, -row.net), (accounts.MERCHANT_AVAILABLE, row.net)):
            balances[ledger, row.currency] = balances.get((ledger, row.currency), 0) + amount
    own = await find.default_currency(ports.pool, cause.principal)
    shown = render.balance(balances, livemode=livemode, default_currency=own)
    await announce(commit, cause.origin, [Happening("balance.available", BALANCE, shown, account)], ports.box)
    await ports.committer.commit(commit)
    ports.poke()
