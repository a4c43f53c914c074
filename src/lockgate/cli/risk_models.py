"""``lockgate risk``: what is done with models that there are, and what they learn from."""

import csv
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from lockgate.cli.keys import AccountOption
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.cli.risk_source import (
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
from lockgate.gateway.audit.record import record
from lockgate.gateway.scoring import find, history, past, store, tablefile
from lockgate.gateway.scoring.core import explain, features, measures, replay
from lockgate.gateway.scoring.core.model import Model
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.labels import label
from lockgate.gateway.scoring.promote import NotThere, give_role_within
from lockgate.gateway.scoring.score import Served
from lockgate.gateway.scoring.scorer import Scorer
from lockgate.gateway.scoring.seal import opened, sealing_key
from lockgate.gateway.scoring.shipped import shipped
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel.config import ConfigError

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
ModelArgument = Annotated[
    str | None, typer.Argument(help="A model's id, from 'risk models'; by default the one that scores.")
]
RoleArgument = Annotated[str | None, typer.Argument(help="A model's id, from 'risk models'.")]
NoneOption = Annotated[bool, typer.Option("--none", help="Take the role from whichever model has it.")]


@app.command("models")
def models_command(
    *, installation: WholeOption = False, account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Show the models of an account, and what scores now."""

    async def work(found: At) -> tuple[list[find.ModelRow], Model | None]:
        owner = find.OPERATOR if installation else found.who.account
        pair = await _scorer(found).serving(found.who.account)
        return await find.models(found.desk.pool, owner), pair.serving.model if pair.serving else None

    rows, serving = at(work, mode="live", account=account, home=home)
    for row in rows:
        figures = row.metrics
        print(
            f"{row.id}  {row.role:8}  {moment(row.created * 1000)}  AUC {figures['auc']:.4f}"
            f"  average precision {figures['average_precision']:.4f}  {figures['origin']}"
        )
    tell(f"payments are scored by {serving.id}: {serving.header['origin']}" if serving else "payments are not scored")


@app.command("promote")
def promote_command(
    model: RoleArgument = None,
    *,
    none: NoneOption = False,
    installation: WholeOption = False,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Have a model score payments, felt within a second; --none goes back to the installation's or shipped one."""
    _give("serving", model, none=none, installation=installation, account=account, home=home)


@app.command("shadow")
def shadow_command(
    model: RoleArgument = None,
    *,
    none: NoneOption = False,
    installation: WholeOption = False,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Have a model score beside the one that counts: its scores stand in each decision, and decide nothing."""
    _give("shadow", model, none=none, installation=installation, account=account, home=home)


@app.command("evaluate")
def evaluate_command(
    model: ModelArgument = None,
    *,
    table: TableOption = None,
    days: DaysOption = 30,
    mode: ModeOption = "live",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Judge a model by what is known of payments by now; best of payments that it was not trained on."""

    async def work(found: At) -> tuple[Model, Table]:
        data = filed(table) if table is not None else await payments(found, days)
        return await _model(found, model), data

    judged, data = at(work, mode=mode, account=account, home=home)
    frauds = int(data.fraud.sum())
    if not frauds or frauds == len(data):
        raise ConfigError(f"of {len(data)} payments {frauds} are known as fraud: there is nothing to tell apart")
    scores = np.array(Served(judged).scores(data.rows))
    until = judged.header["trained"]["until_ms"]
    if int(data.at_ms[0]) <= until:
        tell(f"careful: the model was trained on payments up to {moment(until)}, and some of these are older")
    print(f"{judged.id}  {len(data)} payments  {frauds} frauds")
    print(f"AUC                {measures.auc(data.fraud, scores):.4f}")
    print(f"average precision  {measures.average_precision(data.fraud, scores):.4f}")
    for low, high in ((0, 10), (10, 30), (30, 75), (75, 100.001)):
        there = (scores >= low) & (scores < high)
        share = 100 * data.fraud[there].mean() if there.any() else 0.0
        print(f"score {low:3} to {min(high, 100):3.0f}   {int(there.sum()):9} payments, {share:5.1f} % of them fraud")


@app.command("drift")
def drift_command(
    model: ModelArgument = None,
    *,
    table: TableOption = None,
    days: DaysOption = 1,
    most: Annotated[int, typer.Option(min=1, max=200, help="How many features to show.")] = 15,
    mode: ModeOption = "live",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show the population stability index of what moved most: above 0.25 a model should be trained again."""

    async def work(found: At) -> tuple[Model, Table]:
        data = filed(table) if table is not None else await payments(found, days)
        return await _model(found, model), data

    judged, data = at(work, mode=mode, account=account, home=home)
    if not len(data):
        raise ConfigError("there are no payments in that time")
    moved = past.drift(judged, Served(judged), data)
    print(f"{judged.id}  {len(data)} payments")
    for name, psi in measures.worst(moved, most=most):
        print(f"{psi:8.4f}  {name}{'  moved' if psi > measures.DRIFTED else ''}")


@app.command("explain")
def explain_command(
    decision: Annotated[str, typer.Argument(help="A decision's id (rdec_...).")],
    model: ModelArgument = None,
    *,
    most: Annotated[int, typer.Option(min=1, max=200, help="How many features to show.")] = 12,
    mode: ModeOption = "live",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show what moved the score of a stored decision, and how far."""

    async def work(found: At) -> tuple[Model, find.Decided]:
        decided = await find.decision(found.desk.pool, found.who.account, found.who.livemode, decision)
        if decided is None:
            raise ConfigError("there is no such decision of this account and mode")
        return await _model(found, model), decided

    judged, decided = at(work, mode=mode, account=account, home=home)
    values = features.vector(decided.attributes)
    score, added = Served(judged).score(values)
    recorded = "not scored" if decided.score is None else f"{decided.score:.4f}"
    print(f"{decided.id}  {moment(decided.at_ms)}  {judged.id} says {score:.4f}; recorded {recorded}")
    for line in explain.lines(features.NAMES, values, added)[:most]:
        print(f"{line.added:+8.3f}  {line.feature} = {line.value:g}  {line.meaning}")


@app.command("import-history")
def import_command(
    file: Annotated[Path, typer.Argument(help="A CSV file; 'docs/scoring.md' names its columns.")],
    out: Annotated[Path, typer.Argument(help="Where to write the table, such as history.npz.")],
) -> None:
    """Replay past payments and write what a model learns from: no card, no name, no address."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            paid = history.read(lines)
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8") from error
    except (history.BadHistory, csv.Error) as error:
        raise ConfigError(str(error)) from error
    tell(f"replaying {len(paid)} payments")
    data = replay.table(paid)
    tablefile.write(out, data)
    print(f"{len(data)} payments, {int(data.fraud.sum())} of them known frauds")


@app.command("label")
def label_command(
    charge: Annotated[str, typer.Argument(help="A charge (ch_...).")],
    *,
    fraud: Annotated[bool, typer.Option("--fraud/--honest", help="What is known of it now.")],
    mode: ModeOption = "live",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say that a payment was fraud, or was honest: models learn it, and its card, device and so on are marked by it."""

    async def work(found: At) -> bool:
        who, pool = found.who, found.desk.pool
        if await find.charge_judged_ms(pool, who.account, who.livemode, charge) is None:
            return False
        row = label(
            who.account, who.livemode, fraud=fraud, source="import", now=found.now, known_ms=found.now * 1000,
            charge=charge,
        )  # fmt: skip
        async with pool.acquire() as connection, connection.transaction():
            await store.insert_label(connection, row)
            told = {"charge": charge, "fraud": fraud}
            await insert_audits(
                connection, [record(who, "risk_label.create", object_=row.id, request=None, detail=told)]
            )
        return True

    if not at(work, mode=mode, account=account, home=home):
        raise ConfigError("no payment with this charge was judged here")


def _give(role: str, model: str | None, *, none: bool, installation: bool, account: str | None, home: Path) -> None:
    if (model is None) != none:
        raise ConfigError("name a model, or --none")

    async def work(found: At) -> str | None:
        key = await sealing_key(found.desk.box)
        owner = find.OPERATOR if installation else found.who.account
        async with found.desk.pool.acquire() as connection, connection.transaction():
            return await give_role_within(connection, found.who, owner, model, role=role, key=key)

    before = at(work, mode="live", account=account, home=home)
    tell(f"before it was {before}" if before else "there was none before")


def _scorer(found: At) -> Scorer:
    return Scorer(found.desk.pool, lambda: sealing_key(found.desk.box))


async def _model(found: At, model: str | None) -> Model:
    """A model by its id, of the account or the operator; the one that scores where none is named."""
    if model is None:
        pair = await _scorer(found).serving(found.who.account)
        if pair.serving is None:
            raise ConfigError("no model scores payments now: name one")
        return pair.serving.model
    key = await sealing_key(found.desk.box)
    for owner in (found.who.account, find.OPERATOR):
        file = await find.file(found.desk.pool, owner, model)
        if file is not None:
            return opened(file, key)
    default = shipped()
    if default.id != model:
        raise NotThere(model)
    return default
