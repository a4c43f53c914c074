"""``lockgate init``: makes a home directory."""

from pathlib import Path
from typing import Annotated

import typer

from lockgate.cli import certificates
from lockgate.cli import home as homes
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.kernel.config import Home

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def init(
    home: HomeOption = DEFAULT_HOME,
    profile: Annotated[str, typer.Option(help="sandbox (simulator, keys in files) or production.")] = "sandbox",
    passphrase_fd: Annotated[
        int | None, typer.Option(help="Open descriptor to read the vault's passphrase from.", metavar="FD")
    ] = None,
) -> None:
    """Make a home: settings, a secret for each program, a certificate authority and the vault's root key.

    'lockgate up' calls this by itself when the home is absent and the profile is sandbox.
    """
    passphrase = homes.read_passphrase(passphrase_fd) if passphrase_fd is not None else None
    make(Home(home.resolve()), profile=profile, passphrase=passphrase)
    print(f"Start it with: lockgate up --home {Path(home)}")


def make(home: Home, *, profile: str, passphrase: str | None) -> None:
    """Make the home and its certificates, saying what was made."""
    homes.create(home, profile=profile, passphrase=passphrase)
    print(f"made the {profile} home {home.path}", flush=True)
    for line in certificates.ensure(home, passphrase=passphrase):
        print(line, flush=True)
