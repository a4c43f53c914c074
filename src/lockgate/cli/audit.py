"""``lockgate audit``: checks the sealed audit log, exports it with what proves it, and shows the key that signs it."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any, TypeVar

import typer

from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.audit import export as exports
from lockgate.gateway.audit import find_seals, find_strays, prove, publish
from lockgate.gateway.audit.core import exported, kept
from lockgate.gateway.audit.core.faults import Fault
from lockgate.gateway.audit.ports import Policy, Ports, Vault, policy
from lockgate.gateway.audit.record import record
from lockgate.gateway.audit.seal import Broken
from lockgate.gateway.audit.verify import Checked, Known
from lockgate.gateway.audit.verify import verify as verify_log
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.vaultlink.client import VaultClient, VaultRefused, VaultUnavailable
from lockgate.kernel import notes
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.principal import Principal

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
Result = TypeVar("Result")
KeyOption = Annotated[
    str | None, typer.Option("--key", help="The log's public key as 'audit key' printed it when you trusted it.")
]
KeptOption = Annotated[
    list[Path] | None,
    typer.Option("--checkpoint", help="Checkpoints that you kept elsewhere; may be repeated.", metavar="FILE"),
]


@asynccontextmanager
async def room(home: Home) -> AsyncIterator[tuple[Ports, VaultClient]]:
    """The audit room under the sealer's role, with the operator's own line to the vault."""
    settings = home.settings()
    vault = VaultClient(home.vault_socket(), caller="admin", key=bytes.fromhex(home.secrets("owner")["admin_key"]))
    pools = [
        await connect_pool(
            database=settings["database"], user=f"lockgate_{role}",
            password=home.secrets(role)["database_password"], size=2,
        )
        for role in ("worker", "sealer")
    ]  # fmt: skip
    try:
        yield Ports(pools[0], vault, policy(settings), pools[1]), vault
    finally:
        for pool in pools:
            await pool.close()
        await vault.close()


def in_room(home: Home, work: Callable[[Ports, VaultClient], Awaitable[Result]]) -> Result:
    """Run ``work`` on a running installation; what the operator can mend becomes one clear line."""

    async def run() -> Result:
        async with room(home) as (ports, vault):
            return await work(ports, vault)

    try:
        return asyncio.run(run())
    except Broken as fault:
        raise ConfigError(f"the audit log is not as it was sealed: {fault}. See 'lockgate audit verify'") from fault
    except VaultRefused as refusal:
        raise ConfigError(f"the vault refused: {refusal}") from refusal
    except (VaultUnavailable, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ConfigError(f"Lockgate does not run here: start it with 'lockgate up --home {home.path}'") from error


@app.command("verify")
def verify_command(
    *,
    file: Annotated[
        Path | None, typer.Option("--export", help="Check this exported file instead, offline.", metavar="FILE")
    ] = None,
    key: KeyOption = None,
    checkpoint: KeptOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Check every record, seal and checkpoint; say what was changed, and where. Exit status 1 if anything was.

    Online it reads the database as it stands, safely under load. Checkpoints in audit.checkpoint_dir are held against
    it, and those named here.
    """
    given = [(str(path), note) for path in checkpoint or [] for note in _notes(path)]
    if file is not None and file.suffix == ".csv":
        if given:
            raise ConfigError("a CSV file cannot be held against checkpoints: export JSON lines for that")
        _verify_csv(file, key)
        return
    if file is not None:
        seen = exported.check(file.read_bytes().splitlines(keepends=True), key=key, kept=given)
        _say(seen.faults, f"{seen.records} records under {seen.checkpoints} checkpoints are as they were sealed")
        if key is None:
            print(f"signed by the key in the file itself: compare it with the one you know: {seen.key}")
        return
    place = Home(home.resolve())
    found = in_room(place, lambda ports, vault: check(ports, key=key, given=given))
    _say(found.faults, f"{found.records} records under {found.checkpoints} checkpoints are as they were sealed")
    if found.unsealed:
        print(f"{found.unsealed} younger ones wait to be sealed")


def _verify_csv(file: Path, key: str | None) -> None:
    if key is None:
        raise ConfigError("a CSV file does not hold the key: give the one you know with --key ('lockgate audit key')")
    beside = file.with_name(f"{file.name}.note")
    note = beside.read_text() if beside.exists() else None
    seen = exported.check_csv(file.read_bytes(), note=note, key=key)
    _say(seen.faults, f"{seen.records} records stand as they were exported; for proofs of each, export JSON lines")


async def check(ports: Ports, *, key: str | None, given: list[tuple[str, str]]) -> Checked:
    """The log of a running installation against what is known elsewhere, and against what the operator knows."""
    elsewhere = await known(ports.vault, ports.policy)
    found = await verify_log(
        ports.sealing, elsewhere._replace(key=key or elsewhere.key, kept=[*elsewhere.kept, *given])
    )
    if key not in (None, elsewhere.key):
        found.faults.append(Fault("signature", "the vault", "it signs with another key than the one you know"))
    return found


async def known(vault: Vault, own: Policy) -> Known:
    """The vault's key and memory, and every checkpoint in the operator's place for them."""
    said = await vault.checkpoint_key(own.origin)
    file = None if own.checkpoint_dir is None else own.checkpoint_dir / publish.FILE
    kept_there = [(str(file), note) for note in _notes(file)] if file is not None and file.exists() else []
    return Known(said["key"], said["last"], kept_there)


@app.command("export")
def export_command(
    *,
    out: Annotated[Path, typer.Option(help="The file to write; it must not exist yet.", metavar="FILE")],
    form: Annotated[str, typer.Option("--format", help="jsonl (can be verified), or csv for a spreadsheet.")] = "jsonl",
    since: Annotated[str | None, typer.Option(help="From then on, such as 2026-01-31 or 2026-01-31T12:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    account: Annotated[str | None, typer.Option(help="One account's records only; '-' for the platform's.")] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Write records with seals, hashes, checkpoints and the public key; check the file with 'audit verify --export'.

    A CSV file gets its signature in a file beside it, with '.note' at the end of its name.
    """
    if form not in ("jsonl", "csv"):
        raise ConfigError("--format is jsonl or csv")
    filters = exports.Filters(_moment(since, "--since"), _moment(until, "--until"), account)
    place = Home(home.resolve())

    async def work(ports: Ports, vault: VaultClient) -> exports.Exported:
        await _tell(ports, "audit.export", {"format": form, **filters.shown()})
        await exports.bring_up_to_date(ports)
        done = exports.Exported(0, "")
        with _fresh(out) as stream:
            async for piece in exports.export(ports, vault, filters, form="csv" if form == "csv" else "jsonl"):
                if isinstance(piece, exports.Exported):
                    done = piece
                else:
                    stream.write(piece.encode())
        return done

    done = in_room(place, work)
    if form == "csv":
        with _fresh(out.with_name(f"{out.name}.note")) as stream:
            stream.write(done.note.encode())
    print(f"wrote {done.records} records to {out}")


@app.command("prove")
def prove_command(
    record_id: Annotated[str, typer.Argument(help="A record's id; or with --from, nothing.", metavar="RECORD")] = "",
    *,
    since: Annotated[
        int | None, typer.Option("--from", help="Prove instead that the log continues the checkpoint of this size.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Print a proof, as JSON, that tools/verify_audit.py or anybody else can check without us."""
    if bool(record_id) == (since is not None):
        raise ConfigError("name a record, or an older checkpoint with --from SIZE")

    async def work(ports: Ports, vault: VaultClient) -> dict[str, Any]:
        await _tell(ports, "audit.read", {"operation": "prove", "record": record_id})
        await exports.bring_up_to_date(ports)
        said = await ports.vault.checkpoint_key(ports.policy.origin)
        if since is not None:
            old, new = [await find_seals.checkpoint(ports.sealing, size=size) for size in (since, None)]
            if old is None or new is None:
                raise ConfigError(f"there is no checkpoint of {since} records")
            return {**await prove.consistency(ports.sealing, old, new), "key": said["key"]}
        row = await find_strays.record(ports.sealing, record_id)
        proof = None if row is None else await prove.inclusion(ports.sealing, row)
        if proof is None:
            raise ConfigError(f"there is no sealed record {record_id}")
        return {**proof, "key": said["key"]}

    print(json.dumps(in_room(Home(home.resolve()), work)))


@app.command("key")
def key_command(*, home: HomeOption = DEFAULT_HOME) -> None:
    """Print the public key that checkpoints and exports are signed with. Keep it elsewhere."""

    async def work(ports: Ports, vault: VaultClient) -> str:
        return (await ports.vault.checkpoint_key(ports.policy.origin))["key"]

    print(in_room(Home(home.resolve()), work))


@app.command("checkpoint")
def checkpoint_command(*, home: HomeOption = DEFAULT_HOME) -> None:
    """Seal and sign what there is now, and print the signed checkpoint: to be kept where nobody here can change it."""

    async def work(ports: Ports, vault: VaultClient) -> str:
        await exports.bring_up_to_date(ports)
        newest = await find_seals.checkpoint(ports.sealing)
        if newest is None:
            raise ConfigError("nothing is sealed yet")
        return newest.note

    sys.stdout.write(in_room(Home(home.resolve()), work))


async def _tell(ports: Ports, action: str, detail: dict[str, Any]) -> None:
    """Who reads the log stands in it, before it is read."""
    who = Principal(find_strays.PLATFORM, False, "internal", "cli")
    await insert_audits(ports.pool, [record(who, action, object_=None, request=None, detail=detail)])


def _say(faults: list[Fault], well: str) -> None:
    for fault in faults:
        print(fault.line())
    if faults:
        raise ConfigError(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'} in the audit log")
    print(well)


def _notes(path: Path) -> list[str]:
    try:
        return list(kept.notes_in(path.read_text()))
    except (notes.BadNote, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} holds no checkpoints: {error}") from error


def _moment(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} is a day or a time, such as 2026-01-31 or 2026-01-31T12:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


@contextmanager
def _fresh(target: Path) -> Iterator[IO[bytes]]:
    """A new file, open to its owner only, which has its name when all is on disk."""
    if target.exists():
        raise ConfigError(f"{target} exists already: choose another name")
    if not target.parent.is_dir():
        raise ConfigError(f"{target.parent} is no directory: make it first")
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
