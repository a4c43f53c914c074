"""``lockgate risk train`` and ``backtest``: the commands that need the train extra."""

from typing import Annotated

import typer

from lockgate.cli.keys import AccountOption
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.cli.risk_source import (
    DAY_MS,
    At,
    DaysOption,
    ModeOption,
    TableOption,
    WholeOption,
    at,
    filed,
    moment,
    payments,
    tell,
)
from lockgate.gateway.scoring import backtest
from lockgate.gateway.scoring.core.model import Model
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.find import OPERATOR
from lockgate.gateway.scoring.promote import add_within
from lockgate.gateway.scoring.seal import sealing_key
from lockgate.gateway.scoring.train import Plan, TooLittle, train
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.command("train")
def train_command(
    *,
    table: TableOption = None,
    days: DaysOption = 400,
    seed: Annotated[int, typer.Option(min=0, help="The same data and seed give the same model.")] = 1,
    rounds: Annotated[int, typer.Option(min=10, max=2000, help="How many trees.")] = 200,
    installation: WholeOption = False,
    mode: ModeOption = "live",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Train a model on what is known by now; it scores nothing until it is promoted or put in shadow."""
    plan = Plan(seed=seed, rounds=rounds)
    given = filed(table) if table is not None else None

    async def work(found: At) -> tuple[Model, bool]:
        data = given if given is not None else await payments(found, days)
        known_until = found.now * 1000 if given is None else _end(given)
        origin = "Trained on the account's own decisions." if given is None else "Trained on an imported history."
        model = _trained(data, plan, known_until=known_until, origin=origin)
        key = await sealing_key(found.desk.box)
        owner = OPERATOR if installation else found.who.account
        async with found.desk.pool.acquire() as connection, connection.transaction():
            return model, await add_within(connection, found.who, owner, model, key=key, now=clock.now())

    model, new = at(work, mode=mode, account=account, home=home)
    metrics = model.header["metrics"]
    tell(
        f"by the latest {metrics['payments']} payments, {metrics['frauds']} of them frauds: AUC {metrics['auc']:.4f},"
        f" average precision {metrics['average_precision']:.4f}"
    )
    if not new:
        tell("this very model is there already")
    print(model.id)


@app.command("backtest")
def backtest_command(
    *,
    table: TableOption = None,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="How many of the latest weeks.")] = 4,
    days: DaysOption = 400,
    rounds: Annotated[int, typer.Option(min=10, max=2000, help="How many trees.")] = 200,
    mode: ModeOption = "live",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Train before each of the latest weeks on what was known then, and judge the week by it."""

    async def work(found: At) -> Table:
        return await payments(found, days)

    data = filed(table) if table is not None else at(work, mode=mode, account=account, home=home)
    if not len(data):
        raise ConfigError("there are no payments in that time")
    first = (int(data.at_ms[-1]) // DAY_MS + 1) * DAY_MS - weeks * backtest.WEEK_MS
    try:
        for week in backtest.weeks(data, first_ms=first, count=weeks, plan=Plan(rounds=rounds), tell=tell):
            print(
                f"{moment(week.start_ms)}  {len(week.table):8} payments  {int(week.table.fraud.sum()):6} frauds"
                f"  AUC {week.auc:.4f}  average precision {week.average_precision:.4f}"
                f"  of 100 cards a day {week.precision_at():.3f}"
            )
    except TooLittle as error:
        raise ConfigError(str(error)) from error


def _trained(data: Table, plan: Plan, *, known_until: int, origin: str) -> Model:
    try:
        return train(data, now_ms=known_until, origin=origin, plan=plan, tell=tell)
    except TooLittle as error:
        raise ConfigError(str(error)) from error


def _end(data: Table) -> int:
    """When the last thing of a history happened: everything in it is known by then."""
    return max(int(data.at_ms.max(initial=0)), int(data.known_ms.max(initial=0)))
