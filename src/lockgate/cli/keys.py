"""``lockgate keys``: API keys from the operator's own hands; each change is audited in its own transaction."""

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar, cast

import typer

from lockgate.cli.leaks import Scan
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.identity import bootstrap, find
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.identity.core.key_format import KeyKind
from lockgate.gateway.identity.core.permissions import read_words
from lockgate.gateway.identity.create import Made, create
from lockgate.gateway.identity.revoke import revoke
from lockgate.gateway.identity.roll import roll
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.gateway.vaultlink.client import VaultUnavailable
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.errors import Refusal
from lockgate.kernel.principal import Principal

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
Result = TypeVar("Result")

AccountOption = Annotated[str | None, typer.Option("--account", help="The account; by default the installation's own.")]


def seconds(text: str) -> int:
    """A duration such as ``30m``, ``24h`` or ``7d``."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise ConfigError("a duration is a number and s, m, h or d: for example 24h")
    return int(match[1]) * _UNITS[match[2]]


def at_desk(home: Home, work: Callable[[Desk], Awaitable[Result]]) -> Result:
    """Run ``work`` with the database and the vault of a running installation; refusals become one clear line."""

    async def run() -> Result:
        async with bootstrap.desk(home) as desk:
            return await work(desk)

    try:
        return asyncio.run(run())
    except Refusal as refusal:
        raise ConfigError(refusal.message) from refusal
    except (VaultUnavailable, OSError) as error:
        raise ConfigError(f"Lockgate does not run here: start it with 'lockgate up --home {home.path}'") from error


@app.command("create")
def create_command(
    *,
    kind: Annotated[str, typer.Option(help="secret, publishable or restricted.")] = "secret",
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    permission: Annotated[
        list[str] | None, typer.Option(help="For restricted keys, repeatable: resource=none|read|write.")
    ] = None,
    expires_in: Annotated[str | None, typer.Option(help="For example 90d; by default never.")] = None,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Make a key and print it: this once."""
    if kind not in ("secret", "publishable", "restricted") or mode not in ("test", "live"):
        raise ConfigError("--kind is secret, publishable or restricted; --mode is test or live")
    place = Home(home.resolve())
    ends = None if expires_in is None else clock.now() + seconds(expires_in)

    async def work(desk: Desk) -> Made:
        who = await operator(desk, place, account, livemode=mode == "live")
        granted = read_words(permission or [])
        return await create(
            desk.pool,
            who,
            pepper=desk.pepper,
            kind=cast(KeyKind, kind),
            name=name,
            permissions=granted,
            expires_at=ends,
        )

    made = at_desk(place, work)
    print(made.text)
    print(f"id {made.row.id}. This key is not shown again.")


@app.command("list")
def list_command(*, account: AccountOption = None, home: HomeOption = DEFAULT_HOME) -> None:
    """Show the account's keys: never their text."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> list[ApiKeyRow]:
        who = await operator(desk, place, account, livemode=False)
        return await find.keys(desk.pool, account=who.account)

    now = clock.now()
    for row in at_desk(place, work):
        print(_line(row, now))


@app.command("roll")
def roll_command(
    key: Annotated[str, typer.Argument(help="The key's id, from 'keys list'.")],
    *,
    overlap: Annotated[str, typer.Option(help="How long the old key stays good: 0s to 7d.")] = "24h",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Replace a key by a new one like it and print that one: this once."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> Made:
        who = await operator(desk, place, account, livemode=False)
        return await roll(desk.pool, who, key, pepper=desk.pepper, overlap_s=seconds(overlap))

    made = at_desk(place, work)
    print(made.text)
    print(f"id {made.row.id}. This key is not shown again; the old one ends in {overlap}.")


@app.command("revoke")
def revoke_command(
    key: Annotated[str, typer.Argument(help="The key's id, from 'keys list'.")],
    *,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """End a key at once: every process refuses it within a second."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> ApiKeyRow:
        return await revoke(desk.pool, await operator(desk, place, account, livemode=False), key)

    print(f"revoked {at_desk(place, work).id}")


@app.command("scan")
def scan_command(
    paths: Annotated[list[str], typer.Argument(help="Files and folders; - reads what is piped in.", metavar="PATH...")],
    *,
    publishable: Annotated[bool, typer.Option("--publishable", help="Report publishable keys as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Look for Lockgate's keys by their checksum; exit code 1 if there are any, 2 if something could not be read.

    A repository's past: git log -p --all | lockgate keys scan -
    """
    looking = Scan(publishable=publishable, tell=lambda line: print(line, file=sys.stderr, flush=True))
    found = 0
    for path in paths:
        if path != "-" and not Path(path).exists():
            raise ConfigError("there is no such file or folder to look through")
        leaks = looking.stream(sys.stdin.buffer, "-") if path == "-" else looking.path(Path(path))
        for leak in leaks:
            found += 1
            print(json.dumps(leak._asdict()) if as_json else leak, flush=True)
    for line in looking.unread:
        print(f"not read: {line}", file=sys.stderr)
    print(f"{found} found in {looking.files} files, {looking.bytes} bytes", file=sys.stderr)
    if found or looking.unread:
        raise typer.Exit(1 if found else 2)


async def operator(desk: Desk, home: Home, account: str | None, *, livemode: bool) -> Principal:
    """Whoever sits at the machine, for ``account`` or the installation's own."""
    chosen = account or home.settings()["account"]
    if await find.account(desk.pool, chosen) is None:
        raise ConfigError(f"there is no account {chosen}: see 'lockgate accounts list'")
    return Principal(chosen, livemode, "internal", "cli")


def _line(row: ApiKeyRow, now: int) -> str:
    state = "active"
    if row.revoked_at is not None:
        state = f"revoked {_day(row.revoked_at)}"
    elif row.expires_at is not None:
        state = f"{'expired' if row.expires_at <= now else 'expires'} {_day(row.expires_at)}"
    elif (row.last_used_at or row.created) < now - 90 * 86400:
        state = "active, unused for 90 days"
    used = "never used" if row.last_used_at is None else f"last used {_day(row.last_used_at)}"
    granted = "" if row.kind != "restricted" else f"  {row.permissions}"
    return f"{row.id}  {row.hint}  {row.kind}  {state}  {used}  {row.name}{granted}"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
