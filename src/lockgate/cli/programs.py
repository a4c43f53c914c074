"""The four programs as commands of their own, for a supervisor, systemd or an orchestrator to start."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

from lockgate.kernel import insecure, process
from lockgate.kernel.config import Home

serve = typer.Typer(rich_markup_mode=None, add_completion=False)
worker = typer.Typer(rich_markup_mode=None, add_completion=False)
vault = typer.Typer(rich_markup_mode=None, add_completion=False)
simulator = typer.Typer(rich_markup_mode=None, add_completion=False)

# Where each program begins. Imported by name, so that no process holds another program's code.
ENTRY_POINTS = {
    "gateway": "lockgate.gateway.boot:serve",
    "worker": "lockgate.gateway.boot:work",
    "vault": "lockgate.vault.server:run",
    "simulator": "lockgate.simulator.server:run",
}

HomeOption = Annotated[
    Path, typer.Option("--home", help="The installation's directory.", envvar="LOCKGATE_HOME", show_default=True)
]
DEFAULT_HOME = Path("home")


def _run(program: str, directory: Path) -> None:
    home = Home(directory.resolve())
    insecure.check(home, program)  # a wrong --home, too, is named before anything else happens
    process.harden()
    process.open_many_files()
    module, function = ENTRY_POINTS[program].split(":")
    getattr(importlib.import_module(module), function)(home)


@serve.command()
def serve_command(home: HomeOption = DEFAULT_HOME) -> None:
    """Run the gateway: the merchant API. Needs PostgreSQL and the vault; 'lockgate up' starts all of them."""
    _run("gateway", home)


@worker.command()
def worker_command(home: HomeOption = DEFAULT_HOME) -> None:
    """Run the worker: webhooks, recovery and all that the clock starts. Needs PostgreSQL and the vault."""
    _run("worker", home)


@vault.command()
def vault_command(home: HomeOption = DEFAULT_HOME) -> None:
    """Run the vault: card data, keys, and the requests that carry them. Needs PostgreSQL."""
    _run("vault", home)


@simulator.command()
def simulator_command(home: HomeOption = DEFAULT_HOME) -> None:
    """Run the processor simulator: it stands in for acquirers and issuers in the sandbox profile."""
    _run("simulator", home)
