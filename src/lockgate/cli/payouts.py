"""``lockgate payouts``: when a merchant's money is paid out by the clock."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.settlement import find_payouts
from lockgate.gateway.settlement.schedule import DEFAULT_DELAY_DAYS, Plan, put
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.records import PayoutScheduleRow
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback()
def payouts() -> None:
    """Work with payouts from the command line."""


@app.command()
def schedule(
    interval: Annotated[
        str | None, typer.Argument(help="manual, daily, weekly or monthly; without it, show what is set.")
    ] = None,
    *,
    weekday: Annotated[str | None, typer.Option(help="For weekly: monday to sunday.")] = None,
    day: Annotated[int | None, typer.Option(help="For monthly: 1 to 31; a shorter month's last day counts.")] = None,
    delay_days: Annotated[
        int, typer.Option(help="How many days a charge waits before it is paid out.")
    ] = DEFAULT_DELAY_DAYS,
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say or show when available money is paid out: at midnight UTC of each day that the interval names."""
    if mode not in ("test", "live"):
        raise ConfigError("--mode is test or live")
    if interval is None and (weekday is not None or day is not None):
        raise ConfigError("say which interval: weekly has a --weekday, monthly a --day")
    place = Home(home.resolve())

    async def work(desk: Desk) -> PayoutScheduleRow | None:
        who = await operator(desk, place, account, livemode=mode == "live")
        if interval is None:
            return await find_payouts.schedule(desk.pool, who)
        committer = Committer(desk.pool)
        try:
            return await put(desk.pool, committer, who, Plan(interval, weekday, day, delay_days), box=desk.box)
        finally:
            await committer.close()

    print(_line(at_desk(place, work)))


def _line(row: PayoutScheduleRow | None) -> str:
    if row is None or row.due_at is None:
        return "manual: money is paid out on request only"
    on = f" ({row.anchor})" if row.anchor else ""
    due = datetime.fromtimestamp(row.due_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{row.interval}{on}: next on {due}; charges wait {row.delay_days} days"
