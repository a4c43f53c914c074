"""``lockgate erase``: destroys one person's keys, so that what they encrypted can never be read again."""

from typing import Annotated

import typer

from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.cli.vault_desk import at_vault
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

    Amounts, times and states of their payments stay: the books must add up. The vault's audit records who was erased.
    """
    place = Home(home.resolve())
    whose = account or str(place.settings()["account"])
    if not yes and not typer.confirm(f"Destroy all keys of {subject} of {whose}? This cannot be undone"):
        raise ConfigError("nothing was erased")
    destroyed = at_vault(place, lambda vault: vault.shred(whose, subject))
    if destroyed["destroyed"]:
        print(f"destroyed {destroyed['data_keys']} keys of personal data and {destroyed['cards']} keys of cards")
    else:
        print("there was no key to destroy: check the id; none will ever be made for it")
    print("A gateway that used such a key in the last five minutes forgets it within five minutes.")
    print("Backups made before this still hold the wrapped keys: they end with their retention, or with the root key.")
