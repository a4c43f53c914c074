"""How exported records are written: one line each, whatever they hold, and nothing that a spreadsheet would run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.audit.core.leaf import COLUMNS, Seal, values
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.merkle import Range

FORMAT = "lockgate-audit-export-v1"
CSV_HEAD = ("seq", *COLUMNS, "leaf", "chain")
_RUNS = ("=", "+", "-", "@", "'", "|", "%", "\\")


def line(content: Mapping[str, Any]) -> str:
    """One JSON object in ASCII: a line break, an escape sequence or a quote inside it is spelt out."""
    return json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n"


def head(
    span: Range, *, origin: str, key: str, size: int, chain: bytes, left: Sequence[bytes], filters: Mapping[str, Any]
) -> str:
    """Which part of the log follows, and what came before it: the chain's end and the hashes of the tree so far."""
    return line(
        {
            "type": "head", "format": FORMAT, "origin": origin, "key": key, "first": span[0], "last": span[1],
            "size": size, "filters": dict(filters), "chain": chain.hex(), "left": [hash_.hex() for hash_ in left],
        }
    )  # fmt: skip


def checkpoint(note: str) -> str:
    return line({"type": "checkpoint", "note": note})


def sealed(seal: Seal, row: AuditRow | None, *, retired: bool) -> str:
    """One seal with its record; without, where the record was retired (or is missing, which is a fault)."""
    return line(
        {
            "type": "seal", "seq": seal.seq, "account": seal.account, "livemode": seal.livemode,
            "record": seal.record, "tx": seal.tx, "leaf": seal.leaf.hex(), "chain": seal.chain.hex(),
            "columns": None if row is None else dict(zip(COLUMNS, values(row), strict=True)),
            "retired": row is None and retired,
        }
    )  # fmt: skip


def other(seal: Seal) -> str:
    """A place in the tree that is not this export's business: it tells nothing but its hash."""
    return line({"type": "leaf", "seq": seal.seq, "leaf": seal.leaf.hex()})


def rest(cover: Sequence[bytes]) -> str:
    """The hashes of the tree behind the last seal of the export."""
    return line({"type": "rest", "cover": [hash_.hex() for hash_ in cover]})


def end(note: str) -> str:
    return line({"type": "end", "note": note})


def csv_row(seal: Seal, row: AuditRow) -> str:
    """One record for a spreadsheet, always one line: control characters are spelt out, as is what would be run."""
    cells = [seal.seq, *values(row), seal.leaf.hex(), seal.chain.hex()]
    return ",".join(map(_cell, cells)) + "\r\n"


def csv_head() -> str:
    return ",".join(CSV_HEAD) + "\r\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = "".join(_spelt(character) for character in value)
    if text.lstrip(" ").startswith(_RUNS):  # what a spreadsheet takes for a formula
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"'


def _spelt(character: str) -> str:
    """A control character, or another that ends a line somewhere, as its escape sequence."""
    code = ord(character)
    return f"\\u{code:04x}" if code < 32 or 127 <= code < 160 or code in (0x2028, 0x2029) else character
