"""Makes money available when its day has come: the balance transactions' status and the ledger's transfer together."""

from itertools import groupby

from lockgate.gateway.audit.record import record
from lockgate.gateway.ledger import transfers
from lockgate.gateway.settlement import store
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel import log
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

_logger = log.get("settlement")


async def mature(ports: Ports, *, now: int, limit: int) -> int:
    """Move up to ``limit`` movements whose ``available_on`` has passed; returns how many moved."""
    due = sorted(await store.due(ports.pool, now=now, limit=limit), key=lambda row: (row.account, row.livemode))
    done = 0
    for (account, livemode), group in groupby(due, key=lambda row: (row.account, row.livemode)):
        rows = list(group)
        batch = new_id("mat")
        clockwork = Principal(account, livemode, "internal", "settlement")
        commit = Commit(
            balance_transactions=[row._replace(version=row.version + 1, status="available") for row in rows],
            transfers=transfers.matured(rows, batch=batch, now=now),
            audits=[
                record(
                    clockwork,
                    "balance.mature",
                    object_=batch,
                    request=None,
                    detail={"movements": len(rows), "first": rows[0].id, "last": rows[-1].id},
                )
            ],
        )
        try:
            await ports.committer.commit(commit)
        except (Moved, CommitUnknown) as conflict:  # what is still pending is found again at the next round
            _logger.warning("movements did not mature", account=account, cause=type(conflict).__name__)
            continue
        done += len(rows)
    return done
