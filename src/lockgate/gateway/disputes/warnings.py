"""Early fraud warnings: learnt from the processor, past acting on once their charge is refunded or disputed."""

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.disputes import asking, find_warnings, render, store
from lockgate.gateway.disputes.core import news
from lockgate.gateway.disputes.core.shapes import EARLY_FRAUD_WARNING
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.processors.contract import InquireWarning
from lockgate.gateway.scoring.labels import label
from lockgate.gateway.storage.commit import CommitUnknown, Moved, Taken
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.records import EarlyFraudWarningRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel import log
from lockgate.kernel.ids import new_id

_logger = log.get("disputes")


async def learn(ports: Ports, account: str, livemode: bool, *, processor: str, reference: str) -> bool:
    """Ask about the warning that ``processor`` calls ``reference``; False when there is nothing to write down yet."""
    cause = await asking.cause(ports, account, livemode)
    if await find_warnings.known(ports.pool, cause.principal, processor, reference=reference):
        return True  # a warning is given once; what becomes of it is ours to say
    request = InquireWarning(**asking.fields(ports, cause, processor), reference=reference)
    found = await asking.answered(ports, cause, ports.processors[processor].inquire_warning(request))
    if found is None:
        return False
    charge = await asking.charge_of(ports, cause, found.step, processor=processor)
    if charge is None:
        return False  # the payment itself is still being concluded
    open_to_action = found.actionable and not news.refunded(charge.row) and not charge.data.get("disputed")
    row = news.warned(
        found, charge.row, id_=new_id("issfr"), processor=processor, actionable=open_to_action, now=cause.now
    )
    commit = Commit(early_fraud_warnings=[row])
    commit.audits.append(cause.audit("early_fraud_warning.create", row.id, charge=row.charge))
    commit.risk_labels.append(
        label(
            account, livemode,
            fraud=True, source="warning", now=cause.now, known_ms=cause.now * 1000, charge=row.charge,
        )
    )
    happening = Happening(
        "radar.early_fraud_warning.created", EARLY_FRAUD_WARNING, render.warning(row), charge.row.subject
    )
    await announce(commit, cause.origin, [happening], ports.box)
    try:
        await ports.committer.commit(commit)
    except Taken:
        return True  # a copy of the same message was faster
    except CommitUnknown:
        return False
    ports.poke()
    return True


async def overtaken(ports: Ports, cause: Cause, charge: str, *, commit: Commit) -> list[Happening]:
    """Put into ``commit`` that the warnings about ``charge`` are past acting on; returns the events to announce."""
    rows = await find_warnings.actionable(ports.pool, cause.principal, charge)
    return [_past(cause, row, commit) for row in rows]


async def sweep(ports: Ports, *, limit: int) -> int:
    """Note which warnings were overtaken by a refund or a dispute; returns how many."""
    done = 0
    for row in await store.overtaken(ports.pool, limit=limit):
        try:
            cause = await asking.cause(ports, row.account, row.livemode)
            commit = Commit()
            await announce(commit, cause.origin, [_past(cause, row, commit)], ports.box)
            await ports.committer.commit(commit)
        except (Moved, CommitUnknown):
            continue  # found again if it is still so
        except Exception:  # one that cannot be noted must not hold up the others
            _logger.exception("a warning could not be noted as overtaken", warning=row.id)
            continue
        done += 1
    if done:
        ports.poke()
    return done


def _past(cause: Cause, row: EarlyFraudWarningRow, commit: Commit) -> Happening:
    after = row._replace(version=row.version + 1, actionable=False)
    commit.early_fraud_warnings.append(after)
    commit.audits.append(cause.audit("early_fraud_warning.update", row.id, charge=row.charge))
    shown = render.warning(after)
    changes = previous(render.warning(row), shown)
    return Happening("radar.early_fraud_warning.updated", EARLY_FRAUD_WARNING, shown, row.id, changes)
