"""Checks an exported file without the database, the vault or the network: all that it needs stands in the file."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lockgate.gateway.audit.core import leaf as leaves
from lockgate.gateway.audit.core.faults import Fault
from lockgate.gateway.audit.core.leaf import COLUMNS, Seal
from lockgate.gateway.audit.core.lines import FORMAT
from lockgate.gateway.audit.core.walk import Mark, Walk
from lockgate.kernel import merkle, notes


class Examined(NamedTuple):
    """What a file holds, and what is wrong with it."""

    faults: list[Fault]
    records: int
    checkpoints: int
    key: str


class Malformed(Exception):
    """A line that cannot be a line of an export."""


def check(lines: Sequence[bytes], *, key: str | None = None, kept: Iterable[tuple[str, str]] = ()) -> Examined:
    """``key`` is the log's key as it was learnt before; without it the file's own is taken, which proves less.

    ``kept``: (name, note) of checkpoints that were kept elsewhere.
    """
    faults: list[Fault] = []
    try:
        head, own = _head(lines)
    except Malformed as error:
        return Examined([Fault("malformed", "line 1", str(error))], 0, 0, "")
    trusted = key or own
    if trusted != own:
        faults.append(Fault("signature", "line 1", "the file names another key than the one you know"))
    first, last, size = head["first"], head["last"], head["size"]
    marks, checkpoints = _marks(lines, trusted, faults)
    for name, note in kept:
        try:
            read = notes.checkpoint(note, trusted)
        except notes.BadNote as error:
            faults.append(Fault("signature", name, str(error)))
            continue
        if read.size < first:
            what = f"the file begins at seal {first}, behind this checkpoint of {read.size}: export the whole log"
            faults.append(Fault("unproven", name, what))
        marks.append(Mark(read.size, read.root, None, f"{name}, checkpoint {read.size}"))
    try:
        left = [_hash(text) for text in head["left"]]
        walk = Walk([m for m in marks if m.size >= first], start=first, chain=_hash(head["chain"]), peaks=left)
    except (ValueError, Malformed) as error:
        return Examined([*faults, Fault("malformed", "line 1", str(error))], 0, checkpoints, own)
    if not any(mark.size == size for mark in marks):
        faults.append(Fault("truncated", f"checkpoint {size}", "the file lacks the checkpoint that it ends with"))
    records = _follow(lines, walk, faults)
    if walk.next < last:
        faults.append(Fault("truncated", f"seal {walk.next}", f"the file promises seals up to {last - 1}"))
    elif not _rest(lines, walk, faults, size):
        faults.append(Fault("truncated", f"seal {walk.next}", "the hashes behind the last seal are missing"))
    _end(lines, trusted, faults, records)
    return Examined([*walk.end(), *faults], records, checkpoints, own)


def _head(lines: Sequence[bytes]) -> tuple[dict[str, Any], str]:
    head = _read(lines[0] if lines else b"", 1)
    numbers = [head.get(name) for name in ("first", "last", "size")]
    if head.get("format") != FORMAT or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise Malformed(f"this is no {FORMAT} file")
    if not isinstance(head.get("key"), str) or not isinstance(head.get("left"), list):
        raise Malformed("the head lacks the key or the hashes before the first seal")
    return head, head["key"]


def _marks(lines: Sequence[bytes], key: str, faults: list[Fault]) -> tuple[list[Mark], int]:
    marks = []
    for number, raw in enumerate(lines, 1):
        if not raw.startswith(b'{"type":"checkpoint"'):
            continue
        try:
            read = notes.checkpoint(str(_read(raw, number).get("note")), key)
        except (Malformed, notes.BadNote) as error:
            faults.append(Fault("signature", f"line {number}", str(error)))
        else:
            marks.append(Mark(read.size, read.root, read.chain, f"checkpoint {read.size}"))
    return marks, len(marks)


def _follow(lines: Sequence[bytes], walk: Walk, faults: list[Fault]) -> int:
    records = 0
    for number, raw in enumerate(lines[1:], 2):
        try:
            content = _read(raw, number)
            match content.get("type"):
                case "seal":
                    records += _seal(content, walk)
                case "leaf":
                    walk.skip(content["seq"], _hash(content["leaf"]))
                case "checkpoint" | "rest" | "end":
                    pass
                case _:
                    raise Malformed("no line of an export is of this type")
        except (Malformed, KeyError, TypeError, ValueError) as error:
            what = str(error) if isinstance(error, Malformed) else "the line is not one of an export"
            faults.append(Fault("malformed", f"line {number}", what))
    return records


def _seal(content: dict[str, Any], walk: Walk) -> int:
    """Hold one line against the walk; 1 if it has a record."""
    seal = Seal(
        content["seq"], content["account"], content["livemode"], content["record"], content["tx"],
        _hash(content["leaf"]), _hash(content["chain"]),
    )  # fmt: skip
    columns = content["columns"]
    walk.step(seal)
    if columns is None:
        walk.record(seal, None, excused=content["retired"] is True)
        return 0
    if tuple(columns) != COLUMNS:
        raise Malformed("the record has other columns")
    walk.record(seal, merkle.leaf_hash(leaves.encoded(list(columns.values()))))
    said = (columns["account"], columns["livemode"], columns["id"], columns["tx"])
    if said != (seal.account, seal.livemode, seal.record, seal.tx):
        raise Malformed("the seal is of another record")
    return 1


def _rest(lines: Sequence[bytes], walk: Walk, faults: list[Fault], size: int) -> bool:
    for number, raw in enumerate(lines, 1):
        if raw.startswith(b'{"type":"rest"'):
            try:
                hashes = [_hash(text) for text in _read(raw, number)["cover"]]
                walk.complete(size, hashes)
            except (Malformed, KeyError, TypeError, ValueError):
                faults.append(Fault("malformed", f"line {number}", "these are not the hashes behind the last seal"))
            return True
    return False


def check_csv(data: bytes, *, note: str | None, key: str) -> Examined:
    """Whether a CSV export is the file that ``note``, which stood beside it, was signed for. It holds no hashes: that
    it was taken from the log as it stood is the vault's word.
    """
    faults: list[Fault] = []
    records = max(0, data.count(b"\r\n") - 1)
    if note is None:
        faults.append(Fault("truncated", "the note", "the signed note beside the file (its name and .note) is missing"))
    else:
        try:
            text = notes.opened(note, key)
        except notes.BadNote as error:
            faults.append(Fault("signature", "the note", str(error)))
        else:
            if text != notes.Export(key.partition("+")[0], records, hashlib.sha256(data).digest()).text():
                faults.append(Fault("signature", "the file", "it is not the one that was signed: some byte is another"))
    return Examined(faults, records, 0, key)


def _end(lines: Sequence[bytes], key: str, faults: list[Fault], records: int) -> None:
    """The last line signs all bytes before it."""
    where = f"line {len(lines)}"
    try:
        last = _read(lines[-1], len(lines))
        if last.get("type") != "end" or not lines[-1].endswith(b"\n"):
            faults.append(Fault("truncated", where, "the last line, which signs all the others, is missing"))
            return
        text = notes.opened(str(last.get("note")), key)
    except (Malformed, notes.BadNote) as error:
        faults.append(Fault("signature", where, str(error)))
        return
    digest = hashlib.sha256()
    for raw in lines[:-1]:
        digest.update(raw)
    if text != notes.Export(key.partition("+")[0], records, digest.digest()).text():
        faults.append(Fault("signature", where, "the file is not the one that was signed: some byte is another"))


def _read(raw: bytes, number: int) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except ValueError:
        raise Malformed("the line is not JSON") from None
    if not isinstance(content, dict):
        raise Malformed(f"line {number} is no object")
    return content


def _hash(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) != 2 * merkle.HASH_BYTES:
        raise Malformed("a hash has 64 hexadecimal digits")
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Malformed("a hash has 64 hexadecimal digits") from None
