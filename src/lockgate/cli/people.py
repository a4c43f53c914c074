"""``lockgate people``: invites people and lets the first owner in, from the operator's own hands."""

from typing import Annotated

import typer

from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.people import desk as people_desk
from lockgate.gateway.people.desk import Listed
from lockgate.gateway.people.invite import Invited
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.command("owner-link")
def owner_link_command(
    *,
    recover: Annotated[
        bool, typer.Option("--recover", help="Even if there is an owner: all have lost their way in. This is audited.")
    ] = False,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Print a link with which the first owner signs up. It works once, for 24 hours; older ones end."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> Invited | None:
        who = await operator(desk, place, account, livemode=False)
        return await people_desk.owner_link(desk, who, url=_url(place), recover=recover)

    made = at_desk(place, work)
    if made is None:
        raise ConfigError("this account has an owner, who can invite others: add --recover if no owner can sign in")
    print(made.link)
    print("This link is not shown again.")


@app.command("invite")
def invite_command(
    email: Annotated[str, typer.Argument(help="Whom to invite.")],
    *,
    role: Annotated[
        list[str], typer.Option(help="A role, repeatable: owner, admin, developer, ... or an own one's id.")
    ],
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Invite somebody by mail, and print the link too. It works once, for 72 hours."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> Invited:
        who = await operator(desk, place, account, livemode=False)
        return await people_desk.invite_member(desk, who, email, role, url=_url(place))

    made = at_desk(place, work)
    print(made.link)
    print(f"id {made.row.id}. This link is not shown again.")


@app.command("list")
def list_command(*, account: AccountOption = None, home: HomeOption = DEFAULT_HOME) -> None:
    """Show the account's people and their roles."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> list[Listed]:
        return await people_desk.people(desk, await operator(desk, place, account, livemode=False))

    for person in at_desk(place, work):
        print(f"{person.id}  {person.status}  {', '.join(person.roles)}  {person.email}")


@app.command("enable")
def enable_command(
    person: Annotated[str, typer.Argument(help="The person's id, from 'people list'.")],
    *,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Let somebody in again who was disabled, also by not signing in for 90 days."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> None:
        await people_desk.enable(desk, await operator(desk, place, account, livemode=False), person, url=_url(place))

    at_desk(place, work)
    print(f"enabled {person}")


@app.command("disable")
def disable_command(
    person: Annotated[str, typer.Argument(help="The person's id, from 'people list'.")],
    *,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Shut somebody out of the account at once: every session of theirs ends within a second."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> None:
        await people_desk.disable(desk, await operator(desk, place, account, livemode=False), person, url=_url(place))

    at_desk(place, work)
    print(f"disabled {person}")


@app.command("reset-factors")
def reset_factors_command(
    person: Annotated[str, typer.Argument(help="The person's id, from 'people list'.")],
    *,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Take away the second factors of somebody who has lost them all; the next sign-in enrols a new one. Audited."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> None:
        who = await operator(desk, place, account, livemode=False)
        await people_desk.reset_factors(desk, who, person, url=_url(place))

    at_desk(place, work)
    print(f"{person} signs in with the password and enrols a new factor next")


def _url(home: Home) -> str:
    return home.settings()["api"]["url"]
