"""``lockgate addresses``: from where credentials may be used, from the operator's own hands."""

from typing import Annotated

import typer

from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.identity import edit_address_rules, find_addresses
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.identity.core.address_rules import CLASSES, MODES, SCOPES
from lockgate.gateway.identity.find_addresses import AddressRuleRow
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

ModeOption = Annotated[str, typer.Option("--mode", help="test or live.")]


@app.command("list")
def list_command(
    *, mode: ModeOption = "test", account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Show an account's address rules."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> list[AddressRuleRow]:
        who = await operator(desk, place, account, livemode=_live(mode))
        return await find_addresses.address_rules(desk.pool, who.account, who.livemode)

    for row in at_desk(place, work):
        print(_line(row))


@app.command("add")
def add_command(
    scope: Annotated[str, typer.Argument(help=f"{', '.join(SCOPES)}: whose requests.")],
    networks: Annotated[list[str], typer.Argument(help="Addresses, or networks in CIDR form.")],
    *,
    subject: Annotated[str, typer.Option(help=f"A key, role or app; or the class: {', '.join(CLASSES)}.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only record what it would refuse.")] = False,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say from where requests must come. Every gateway process feels it within a second."""
    if scope not in SCOPES:
        raise ConfigError(f"a rule is of {', '.join(SCOPES)}")
    place = Home(home.resolve())

    async def work(desk: Desk) -> AddressRuleRow:
        who = await operator(desk, place, account, livemode=_live(mode))
        given = {
            "scope": scope, "subject": subject, "networks": networks, "mode": MODES[dry_run],
            "description": description,
        }  # fmt: skip
        row = await edit_address_rules.drawn(desk.pool, who, given, now=clock.now())
        async with desk.pool.acquire() as connection, connection.transaction():
            await edit_address_rules.insert(connection, who, row)
        return row

    print(_line(at_desk(place, work)))


@app.command("remove")
def remove_command(
    rule: Annotated[str, typer.Argument(help="The rule's id, from 'addresses list'.")],
    *,
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Remove a rule; this also lets somebody in again who has locked herself out."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> AddressRuleRow:
        who = await operator(desk, place, account, livemode=_live(mode))
        row = await edit_address_rules.found(desk.pool, who, rule)
        async with desk.pool.acquire() as connection, connection.transaction():
            await edit_address_rules.delete(connection, who, row)
        return row

    print(f"removed {at_desk(place, work).id}")


def _live(mode: str) -> bool:
    if mode not in ("test", "live"):
        raise ConfigError("--mode is test or live")
    return mode == "live"


def _line(row: AddressRuleRow) -> str:
    about = f"{row.scope} {row.subject}".strip()
    told = "" if row.description is None else f"  {row.description}"
    return f"{row.id}  {about}  {row.mode}  {' '.join(row.networks)}{told}"
