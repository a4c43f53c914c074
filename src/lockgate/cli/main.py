"""The ``lockgate`` command: one table of what there is, and errors that say what to do."""

import importlib
import sys
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from lockgate.kernel.config import ConfigError


@dataclass(frozen=True, slots=True)
class Entry:
    """A command or group: where its typer app stands (``module:attribute``) and one line of help."""

    place: str
    help: str


# The whole list. Entries are loaded by name when called: a program's process must hold only its own code (the gateway's
# never the vault's), and 'lockgate up' must not wait for the imports of every other command.
COMMANDS: dict[str, Entry] = {
    "up": Entry("lockgate.cli.up:app", "Start everything on this machine and keep it running."),
    "init": Entry("lockgate.cli.init:app", "Make a home: settings, secrets, certificate authority, keys."),
    "verify": Entry("lockgate.cli.verify:app", "Check the books and the other invariants of a running installation."),
    "audit": Entry("lockgate.cli.audit:app", "Check, export and prove the sealed audit log."),
    "serve": Entry("lockgate.cli.programs:serve", "Run the gateway alone."),
    "worker": Entry("lockgate.cli.programs:worker", "Run the worker alone."),
    "vault": Entry("lockgate.cli.programs:vault", "Run the vault alone."),
    "backup": Entry("lockgate.cli.backup:app", "Write an encrypted backup, or export the keys that it leaves out."),
    "restore": Entry("lockgate.cli.restore:app", "Make a home from a backup and the keys."),
    "keyring": Entry("lockgate.cli.keyring:app", "Rotate the vault's keys and move what they wrap."),
    "erase": Entry("lockgate.cli.erase:app", "Destroy one person's keys, so that nobody can read their data again."),
    "keys": Entry("lockgate.cli.keys:app", "Create, list, roll and revoke API keys; find them in files."),
    "people": Entry("lockgate.cli.people:app", "Invite people, let the first owner in, shut somebody out."),
    "apps": Entry("lockgate.cli.apps:app", "Register, list and delete apps of third parties."),
    "certs": Entry("lockgate.cli.certs:app", "List, issue, renew and revoke certificates; take the root away."),
    "access": Entry("lockgate.cli.access:app", "Show who and what may act for an account."),
    "limits": Entry("lockgate.cli.limits:app", "Set how fast each may be, and see what recorded traffic suggests."),
    "addresses": Entry("lockgate.cli.addresses:app", "Say from where keys, people and apps may be used."),
    "accounts": Entry("lockgate.cli.accounts:app", "Create and list merchant accounts."),
    "alerts": Entry("lockgate.cli.alerts:app", "See, route and silence what you are told of."),
    "risk": Entry("lockgate.cli.risk:app", "Train models, write rules, import tables, simulate shoppers."),
    "approvals": Entry("lockgate.cli.approvals:app", "Say what waits for a confirmation or a second person."),
    "payouts": Entry("lockgate.cli.payouts:app", "Say when a merchant's money is paid out by the clock."),
    "webhooks": Entry("lockgate.cli.webhooks:app", "Bring events to your own machine while you develop."),
    "trigger": Entry("lockgate.cli.trigger:app", "Make the API calls that cause an event."),
    "simulator": Entry("lockgate.cli.programs:simulator", "Run the processor simulator alone (sandbox)."),
}


class _Deferred(TyperCommand):
    """Stands for a command in lists and help; the real one is imported when it is called."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name, help=entry.help)
        self._place = entry.place

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        module, attribute = self._place.split(":")
        command = typer.main.get_command(getattr(importlib.import_module(module), attribute))
        command.help = command.help or self.help
        return command.make_context(info_name, args, parent=parent, **extra)


class _Table(TyperGroup):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        return _Deferred(cmd_name, entry) if entry else None


def main() -> None:
    """Run one command. What the operator can mend (a refusal, a closed file) is one line; a fault keeps a traceback."""
    table = _Table(
        name="lockgate",
        help="A secure payment gateway that you run yourself. Start with 'lockgate up'.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    try:
        table.main(prog_name="lockgate")
    except ConfigError as error:
        print(f"lockgate: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        reason = f"cannot use {error.filename}: {error.strerror}. See who owns it and who you are"
        print(f"lockgate: {reason}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
