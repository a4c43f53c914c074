"""Where ``lockgate risk`` takes payments from: a table file, or stored decisions; and times as people say them."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import typer

from lockgate.cli.keys import at_desk, operator
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.scoring import past, tablefile
from lockgate.gateway.scoring.core.model import Unreadable
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.promote import NotThere
from lockgate.gateway.storage import business_time
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.principal import Principal

DAY_MS = 86_400_000
Result = TypeVar("Result")
ModeOption = Annotated[str, typer.Option("--mode", help="Whose decisions: test or live.")]
TableOption = Annotated[
    Path | None, typer.Option("--table", help="A table from 'risk import-history', instead of stored decisions.")
]
DaysOption = Annotated[int, typer.Option("--days", min=1, max=3650, help="How many days back decisions are read.")]
WholeOption = Annotated[
    bool, typer.Option("--installation", help="The operator's own, for all accounts that have none of their own.")
]


class At(NamedTuple):
    """One account and mode at the operator's desk; ``now`` is its business time in seconds."""

    desk: Desk
    who: Principal
    now: int


def at(work: Callable[[At], Awaitable[Result]], *, mode: str, account: str | None, home: Path) -> Result:
    """Run ``work``; what cannot be used becomes one clear line."""
    if mode not in ("test", "live"):
        raise ConfigError("--mode is test or live")
    place = Home(home.resolve())

    async def run(desk: Desk) -> Result:
        who = await operator(desk, place, account, livemode=mode == "live")
        return await work(At(desk, who, await business_time.now(desk.pool, who.account, who.livemode)))

    try:
        return at_desk(place, run)
    except Unreadable as error:
        raise ConfigError(f"the model cannot be used: {error}") from error
    except NotThere as error:
        raise ConfigError("there is no such model: see 'lockgate risk models'") from error
    except past.TooMuch as error:
        raise ConfigError(str(error)) from error


async def payments(found: At, days: int) -> Table:
    """The decisions of the last so many days."""
    now_ms = found.now * 1000
    return await past.table(
        found.desk.pool, found.who.account, found.who.livemode, from_ms=now_ms - days * DAY_MS, until_ms=now_ms + 1000
    )


def filed(path: Path) -> Table:
    """The table of a file."""
    try:
        return tablefile.read(path)
    except Unreadable as error:
        raise ConfigError(str(error)) from error


def tell(line: str) -> None:
    """Progress, beside the answer."""
    print(line, file=sys.stderr, flush=True)


def moment(at_ms: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")
