"""``lockgate keyring``: new versions of the keys that wrap all others, and moving what the old ones wrap."""

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.cli.vault_desk import at_vault
from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.kernel.config import ConfigError, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
_BATCH = 5_000


@app.command("status")
def status_command(*, home: HomeOption = DEFAULT_HOME) -> None:
    """Show which accounts were rotated, and how many keys still stand under an older version."""
    said = at_vault(Home(home.resolve()), lambda vault: vault.key_status())
    print(f"root key: version {said['root_version']}, {said['below_root']} merchant keys under an older one")
    for row in said["accounts"]:
        print(f"{row['account']}: version {row['version']}, {row['stale']} keys under older ones")
    if not said["accounts"]:
        print("no merchant key was rotated yet: all are at version 1")
    if said["stale"]:
        print("Move them with: lockgate keyring rewrap")


@app.command("rotate")
def rotate_command(
    *,
    account: Annotated[str | None, typer.Option(help="The merchant account whose key gets its next version.")] = None,
    platform: Annotated[bool, typer.Option("--platform", help="Rotate the installation's own key instead.")] = False,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Make the next key version, which alone encrypts from now on. Then run 'lockgate keyring rewrap'."""
    if platform == (account is not None):
        raise ConfigError("say whose key to rotate: --account ACCT, or --platform")
    version = at_vault(Home(home.resolve()), lambda vault: vault.rotate(account))
    print(f"{account or 'platform'} now encrypts with key version {version}; older ones only decrypt")
    print("Move what they wrap with: lockgate keyring rewrap")


@app.command("rewrap")
def rewrap_command(*, home: HomeOption = DEFAULT_HOME) -> None:
    """Move every wrapped key under its newest version while traffic runs. Safe to stop and to start again."""
    moved, left = at_vault(Home(home.resolve()), _rewrap)
    print(f"moved {moved:,} keys")
    if left["stale"]:
        raise ConfigError(
            f"{left['stale']} keys could not be moved: their wrap fails its check. The vault's log names them"
        )


async def _rewrap(vault: VaultClient) -> tuple[int, dict[str, Any]]:
    moved = 0
    with _progress() as bar:
        task = bar.add_task("re-wrapping", total=(await vault.key_status())["stale"])
        while done := await vault.rewrap(_BATCH):
            moved += done
            bar.update(task, completed=moved, total=max(bar.tasks[0].total or 0, moved))
    return moved, await vault.key_status()


def _progress() -> Progress:
    """On standard error, and only for eyes: a log file gets no bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
