"""Says when an account's money is paid out by the clock: only on request, unless somebody says otherwise."""

from typing import NamedTuple

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import find as accounts
from lockgate.gateway.identity import render
from lockgate.gateway.identity.core.shapes import ACCOUNT
from lockgate.gateway.identity.find import PayoutRhythm
from lockgate.gateway.settlement import find_payouts
from lockgate.gateway.settlement.core.calendar import INTERVALS, WEEKDAYS, Rhythm, next_due
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import Committer, Moved, Taken
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.events import Box, Happening, Origin, announce
from lockgate.gateway.storage.records import PayoutScheduleRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import Kind, Refusal, invalid, missing
from lockgate.kernel.principal import Principal

TRIES = 5
MOST_DELAY_DAYS = 31
DEFAULT_DELAY_DAYS = 2


class Plan(NamedTuple):
    """What an operator asks for. Weekly ones name a weekday, monthly ones a day of the month."""

    interval: str
    weekday: str | None = None
    day: int | None = None
    delay_days: int = DEFAULT_DELAY_DAYS

    def rhythm(self) -> Rhythm:
        """The rhythm, if the plan makes sense."""
        if self.interval not in INTERVALS:
            raise invalid(f"The interval is one of {', '.join(INTERVALS)}.", param="interval")
        if (self.weekday is not None) != (self.interval == "weekly"):
            raise invalid("A weekly schedule names its weekday, and no other does.", param="weekday")
        if self.weekday is not None and self.weekday not in WEEKDAYS:
            raise invalid(f"The weekday is one of {', '.join(WEEKDAYS)}.", param="weekday")
        if (self.day is not None) != (self.interval == "monthly"):
            raise invalid("A monthly schedule names its day, and no other does.", param="day")
        if self.day is not None and not 1 <= self.day <= 31:
            raise invalid("The day of the month is between 1 and 31.", param="day")
        if not 0 <= self.delay_days <= MOST_DELAY_DAYS:
            raise invalid(f"Charges wait between 0 and {MOST_DELAY_DAYS} days.", param="delay_days")
        return Rhythm(self.interval, self.weekday or (str(self.day) if self.day else None))


async def put(
    pool: Pool, committer: Committer, principal: Principal, plan: Plan, *, box: Box
) -> PayoutScheduleRow:
    """Pay out by ``plan`` from the next day of it on; returns the schedule as it now stands."""
    rhythm = plan.rhythm()
    account = await accounts.account(pool, principal.account)
    if account is None:
        raise missing("account", principal.account)
    for _ in range(TRIES):
        before = await find_payouts.schedule(pool, principal)
        now = await business_time.now(pool, principal.account, principal.livemode)
        row = PayoutScheduleRow(
            account=principal.account,
            livemode=principal.livemode,
            id=principal.account,
            version=before.version + 1 if before else 1,
            created=before.created if before else now,
            interval=rhythm.interval,
            anchor=rhythm.anchor,
            delay_days=plan.delay_days,
            due_at=next_due(rhythm, after=now),
            done=[],
        )
        detail = {"interval": row.interval, "anchor": row.anchor, "delay_days": row.delay_days}
        audit = record(principal, "payout_schedule.update", object_=row.id, request=None, detail=detail)
        commit = Commit(payout_schedules=[row], audits=[audit])
        was = render.account(account, await accounts.payout_rhythm(pool, principal))
        shown = render.account(account, PayoutRhythm(row.interval, row.anchor, row.delay_days))
        if was != shown:
            told = Happening("account.updated", ACCOUNT, shown, account.id, {"settings": was["settings"]})
            origin = Origin(principal.account, principal.livemode, account.api_version, now, None, None)
            await announce(commit, origin, [told], box)
        try:
            await committer.commit(commit)
        except (Moved, Taken):
            continue
        return row
    raise Refusal(Kind.CONFLICT, "The schedule is being changed by somebody else. Try again.", code="lock_timeout")
