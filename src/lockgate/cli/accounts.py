"""``lockgate accounts``: the merchants of this installation."""

from typing import Annotated

import typer

from lockgate.cli.keys import at_desk
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway import provision
from lockgate.gateway.identity import find, store
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.identity.find import AccountRow
from lockgate.kernel.config import Home

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.command("create")
def create_command(
    *,
    name: Annotated[str, typer.Option(help="The merchant's name.")],
    country: Annotated[str, typer.Option(help="Two capital letters.")] = "US",
    currency: Annotated[str, typer.Option(help="Three small letters.")] = "usd",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Make a merchant account. Give it keys with 'lockgate keys create --account'."""

    async def work(desk: Desk) -> AccountRow:
        async with desk.pool.acquire() as connection, connection.transaction():
            await store.lock_accounts(connection)
            made = await create_account(connection, by="cli", name=name, country=country, currency=currency)
        await provision.provision_account(place, made.id)
        return made

    place = Home(home.resolve())
    print(at_desk(place, work).id)


@app.command("list")
def list_command(*, home: HomeOption = DEFAULT_HOME) -> None:
    """Show all merchant accounts."""

    async def work(desk: Desk) -> list[AccountRow]:
        return await find.accounts(desk.pool)

    for row in at_desk(Home(home.resolve()), work):
        print(f"{row.id}  {row.name}  {row.country}  {row.default_currency}")
