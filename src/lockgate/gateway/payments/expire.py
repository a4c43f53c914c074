"""Releases authorisations that nobody captured in time: a void at the processor, then a cancel of the intent."""

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find, keep, release, store
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.rows import PaymentIntentRow
from lockgate.kernel import log

PORTION = 20
_logger = log.get("expiry")


async def portion(ports: Ports, *, now: int) -> int:
    """Expire authorisations that are due when the world's clock says ``now``; returns how many."""
    ahead = await business_time.ahead(ports.pool)
    due = await store.expired_intents(ports.pool, now=now, ahead=ahead, limit=PORTION)
    done = 0
    for row in due:
        try:
            ahead = await business_time.offset(ports.pool, row.account, row.livemode)
            done += await expire(ports, row, now=now + ahead)
        except Exception:
            _logger.exception("an authorisation could not be released", intent=row.id)
    return done


async def expire(ports: Ports, row: PaymentIntentRow, *, now: int) -> bool:
    """Release the authorisation of one intent; False if somebody else was faster."""
    version = await find.api_version(ports.pool, row.account)
    cause = causes.of_clock(row.account, row.livemode, name="expiry", api_version=version, now=now)
    before = await keep.open_intent(row, ports.box)
    try:
        intent, charge, attempt = await release.begin(
            ports, cause, before, reason="automatic", expired=True, call=None
        )
    except Moved:
        return False
    result = await release.order(ports, cause, charge, attempt)
    try:
        await release.finish(ports, cause, intent, charge, attempt=attempt, result=result, call=None)
    finally:
        _logger.info("an authorisation expired", intent=row.id, outcome=result.outcome.value)
    return True
