"""``lockgate erase``: destroys one person's keys, so that what they encrypted can never be read again."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from lockgate.cli.keys import at_desk
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.cli.vault_desk import at_vault
from lockgate.gateway.customers import store
from lockgate.gateway.customers.find_subjects import subjects
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def erase(
    subject: Annotated[str, typer.Argument(help="Whose: a customer's id, or the object's own id where it has none.")],
    account: Annotated[
        str | None, typer.Option(help="The merchant account [default: the installation's own].", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Destroy a person's keys: personal data and cards become unreadable, here and in every later backup. No way back.

    A customer's include those of her cards and of the payments that she made before she was a customer.
    Amounts, times and states of their payments stay: the books must add up. The vault's audit records who was erased.
    """
    place = Home(home.resolve())
    whose = account or str(place.settings()["account"])
    if not yes and not typer.confirm(f"Destroy all keys of {subject} of {whose}? This cannot be undone"):
        raise ConfigError("nothing was erased")
    names = at_desk(place, lambda desk: subjects(desk.pool, whose, subject))
    destroyed = at_vault(place, lambda vault: _shred(vault, whose, names))
    at_desk(place, lambda desk: _forget(desk, whose, subject))
    if any(one["destroyed"] for one in destroyed):
        keys, cards = (sum(one[kind] for one in destroyed) for kind in ("data_keys", "cards"))
        print(f"destroyed {keys} keys of personal data and {cards} keys of cards")
    else:
        print("there was no key to destroy: check the id; none will ever be made for it")
    print("A gateway that used such a key in the last five minutes forgets it within five minutes.")
    print("Backups made before this still hold the wrapped keys: they end with their retention, or with the root key.")


async def _shred(vault: VaultClient, account: str, names: Sequence[str]) -> list[dict[str, Any]]:
    return [await vault.shred(account, name) for name in names]


async def _forget(desk: Desk, account: str, customer: str) -> None:
    async with desk.pool.acquire() as connection, connection.transaction():
        await store.forget_hashes(connection, account, customer)
