"""``lockgate approvals``: what waits for a confirmation or a second person, and which operations shall."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.approvals import find
from lockgate.gateway.approvals.change_policy import put_alone
from lockgate.gateway.approvals.core.params import POLICY, plain
from lockgate.gateway.approvals.core.records import ApprovalRow
from lockgate.gateway.approvals.core.rules import MONEY, Rules
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.storage.paging import Page
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.errors import Refusal
from lockgate.kernel.params import nest

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
_MOST = 1_000
_NEVER = "never"


@app.callback()
def approvals() -> None:
    """Work with approvals from the command line. Approving is for people who have signed in, never for the machine."""


@app.command()
def policy(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            help="refund.confirm_above=1000, payout.two_people_above=5000 (in whole units of the currency that is"
            " moved; 'never' takes a limit away), roles.two_people=true. Without any, show what holds."
        ),
    ] = None,
    *,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show or change which operations wait for a confirmation or for a second person."""
    changes, place = _read(settings or []), Home(home.resolve())

    async def work(desk: Desk) -> Rules:
        who = await operator(desk, place, account, livemode=False)
        if changes:
            await put_alone(desk.pool, who, changes, request=None)
        return await find.rules(desk.pool, who.account)

    for name, rule in at_desk(place, work).items():
        typer.echo(f"{name}: {_shown(name, rule)}")


@app.command("list")
def list_(
    *,
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """What waits for somebody's agreement."""
    if mode not in ("test", "live"):
        raise ConfigError("--mode is test or live")
    place = Home(home.resolve())

    async def work(desk: Desk) -> list[ApprovalRow]:
        who = await operator(desk, place, account, livemode=mode == "live")
        page = Page(_MOST, None, None)
        return await find.approvals(desk.pool, who, page, status="pending", maker=None, now=clock.now())

    for row in at_desk(place, work)[:_MOST]:
        waits = [word for word, needed in (("proof", row.needs_proof), ("second person", row.needs_second)) if needed]
        typer.echo(f"{row.id}  {row.summary}  asked by {row.maker}  needs {', '.join(waits)}")


def _read(settings: list[str]) -> dict[str, dict[str, Any]]:
    """Settings as the API takes them."""
    fields = []
    for setting in settings:
        name, equals, value = setting.partition("=")
        privilege, dot, word = name.partition(".")
        if not equals or not dot:
            raise ConfigError("a setting is written CLASS.RULE=VALUE, such as refund.two_people_above=5000")
        fields.append((f"{privilege}[{word}]", "" if value == _NEVER else value))
    try:
        return plain(POLICY.parse(nest(fields), ""))
    except Refusal as refusal:
        raise ConfigError(refusal.message) from None


def _shown(name: str, rule: Mapping[str, Any]) -> str:
    if name not in MONEY:
        return f"a fresh proof{', two people' if rule['two_people'] else ''}"
    limits = ", ".join(
        f"{said} above {rule[word]}" if rule[word] is not None else f"{said} never"
        for said, word in (("confirmed", "confirm_above"), ("two people", "two_people_above"))
    )
    return f"a fresh proof, {limits}"
