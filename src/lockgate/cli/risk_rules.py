"""``lockgate risk rules``: write, try out and follow the rules of an account, as its analysts do over the API."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import typer

from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.geography.tables import Tables
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.rules import backtest, edit_rule, find
from lockgate.gateway.rules.active import Active
from lockgate.gateway.rules.check_rule import read
from lockgate.gateway.rules.core.faults import RuleFault
from lockgate.gateway.rules.core.nodes import Rule, from_json
from lockgate.gateway.rules.core.parser import Convert
from lockgate.gateway.rules.core.tally import Tally
from lockgate.gateway.rules.core.text import written
from lockgate.gateway.rules.find import RuleRow
from lockgate.gateway.rules.ports import Ports
from lockgate.gateway.rules.replay import Replayed, replay
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.paging import Page
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.principal import Principal

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

ModeOption = Annotated[str, typer.Option("--mode", help="test or live.")]
RuleArgument = Annotated[str, typer.Argument(help="A rule's id, from 'risk rules list'.")]
TextArgument = Annotated[str, typer.Argument(help="The rule, in quotes: 'block if :ip_country: != :card_country:'.")]


class _At(NamedTuple):
    ports: Ports
    who: Principal


@app.command("list")
def list_command(
    *, mode: ModeOption = "test", account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Show an account's rules."""

    async def work(at: _At) -> list[RuleRow]:
        return await find.rule_page(
            at.ports.pool, at.who, Page(edit_rule.MOST_RULES, None, None), state=None, action=None
        )

    for row in _at(work, mode=mode, account=account, home=home):
        print(_line(row))


@app.command("check")
def check_command(
    text: TextArgument,
    *,
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say whether a text is a rule, and what is wrong with it; nothing is changed."""
    print(written(_at(lambda at: _read(at, text), mode=mode, account=account, home=home)))


@app.command("add")
def add_command(
    text: TextArgument,
    *,
    shadow: Annotated[bool, typer.Option("--shadow", help="Ask and record it; it decides nothing.")] = False,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Add a rule. Every gateway process feels it within a second."""

    async def work(at: _At) -> RuleRow:
        state = "shadow" if shadow else "enabled"
        row = edit_rule.made(
            at.who, await _read(at, text), state=state, description=description[:500] or None, now=clock.now()
        )
        async with at.ports.pool.acquire() as connection, connection.transaction():
            await edit_rule.create_within(connection, at.who, row, request=None)
        return row

    print(_line(_at(work, mode=mode, account=account, home=home)))


@app.command("shadow")
def shadow_command(
    rule: RuleArgument, *, mode: ModeOption = "test", account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Go on asking a rule, and let it decide nothing."""
    print(_line(_set(rule, "shadow", mode=mode, account=account, home=home)))


@app.command("enable")
def enable_command(
    rule: RuleArgument, *, mode: ModeOption = "test", account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Let a rule decide."""
    print(_line(_set(rule, "enabled", mode=mode, account=account, home=home)))


@app.command("disable")
def disable_command(
    rule: RuleArgument, *, mode: ModeOption = "test", account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Stop asking a rule."""
    print(_line(_set(rule, "disabled", mode=mode, account=account, home=home)))


@app.command("versions")
def versions_command(
    rule: RuleArgument, *, mode: ModeOption = "test", account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Show every version of a rule, of a deleted one too."""
    for row in _at(
        lambda at: find.versions(at.ports.pool, at.who, rule), mode=mode, account=account, home=home
    ):
        print(f"{row.version}  {_day(row.created)}  {row.state}  by {row.author}  {row.text}")


@app.command("backtest")
def backtest_command(
    rule: Annotated[str, typer.Argument(help="A rule's id, or the text of one.")],
    *,
    days: Annotated[int, typer.Option(help="How many days back from now.", min=1, max=3650)] = 30,
    lists_now: Annotated[bool, typer.Option("--lists-now", help="Ask the value lists as they are now.")] = False,
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Ask a rule of stored decisions: what it would have stopped, caught and missed."""

    async def work(at: _At) -> tuple[Rule, Tally]:
        if rule.startswith("rrul_"):
            asked = from_json(json.loads((await find.rule(at.ports.pool, at.who, rule)).tree))
        else:
            asked = await _read(at, rule)
        last = await business_time.now(at.ports.pool, at.who.account, at.who.livemode) + 1
        first = last - days * 24 * 3600
        return asked, await backtest.measured(at.ports, at.who, asked, first=first, last=last, lists_now=lists_now)

    asked, tally = _at(work, mode=mode, account=account, home=home)
    print(written(asked))
    for name, one in tally.sums().items():
        print(f"  {name.replace('_', ' '):16} {one.count:10,}   {one.amount / 100:16,.2f} USD")
    for verdict, one in tally.by_verdict.items():
        print(f"  was {verdict:12} {one.count:10,}   {one.amount / 100:16,.2f} USD")


@app.command("replay")
def replay_command(
    *, mode: ModeOption = "test", account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Prove of every stored decision that the rules it names say the same today: online, and by the back-test."""

    async def work(at: _At) -> Replayed:
        return await replay(at.ports.pool, at.who.account, at.who.livemode)

    proof = _at(work, mode=mode, account=account, home=home)
    for id_, then, online, tested in proof.different[:20]:
        print(f"{id_}: then {then}, online now {online}, by the back-test {tested}")
    print(f"{proof.decisions} decisions, {proof.rulesets} rulesets, {len(proof.different)} different")
    if proof.different:
        raise typer.Exit(1)


def _at(
    work: Callable[[_At], Awaitable[Any]], *, mode: str, account: str | None, home: Any
) -> Any:
    """Run ``work`` for an account and mode; what people got wrong becomes one clear line."""
    if mode not in ("test", "live"):
        raise ConfigError("--mode is test or live")
    place = Home(home.resolve())

    async def run(desk: Desk) -> Any:
        tables = Tables(desk.pool)

        async def rates() -> Convert:
            return (await tables.now()).rates.to_usd_cents

        who = await operator(desk, place, account, livemode=mode == "live")
        return await work(_At(Ports(desk.pool, Active(desk.pool), rates), who))

    return at_desk(place, run)


def _set(rule: str, state: str, *, mode: str, account: str | None, home: Any) -> RuleRow:
    async def work(at: _At) -> RuleRow:
        before = await find.rule(at.ports.pool, at.who, rule)
        if before.state == state:
            return before
        after = before._replace(state=state, version=before.version + 1, updated=clock.now())
        try:
            async with at.ports.pool.acquire() as connection, connection.transaction():
                await edit_rule.replace_within(connection, at.who, before, after, request=None)
        except Moved:
            raise ConfigError("somebody else changed this rule just now: try again") from None
        return after

    return _at(work, mode=mode, account=account, home=home)


async def _read(at: _At, text: str) -> Rule:
    found = await read(at.ports, at.who, text)
    if isinstance(found, RuleFault):
        raise ConfigError(f"this is no rule: {found}")
    return found


def _line(row: RuleRow) -> str:
    about = f"  ({row.description})" if row.description else ""
    return f"{row.id}  version {row.version}  {row.state}  {row.text}{about}"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
