"""What is hashed of an audit record, and how seals hang together: version 1 of both."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.merkle import leaf_hash

FORMAT = "lockgate-audit-record-v1"
COLUMNS = AuditRow._fields
NO_CHAIN = bytes(32)
_written = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


class Seal(NamedTuple):
    """One record's place in the log, for good."""

    seq: int
    account: str
    livemode: bool
    record: str
    tx: int
    leaf: bytes
    chain: bytes


def values(row: AuditRow) -> list[Any]:
    """The columns in their order, as JSON has them: bytes in hexadecimal, ``detail`` as the text that it is."""
    *others, personal, tx = row
    return [*others, None if personal is None else personal.hex(), tx]


def encoded(columns: Sequence[Any]) -> bytes:
    """One writing for each record: the format's name, a line break, and a JSON array in ASCII without spaces."""
    return f"{FORMAT}\n{_written(columns)}".encode()


def leaf(row: AuditRow) -> bytes:
    """The record's leaf of the tree. Personal fields are hashed as they are kept, encrypted: erasing harms nothing."""
    return leaf_hash(encoded(values(row)))


def link(chain: bytes, leaf_: bytes, *, account: str, livemode: bool, record: str, tx: int) -> bytes:
    """The chain's next value: it binds what came before, the leaf, and all that the seal says."""
    return hashlib.sha256(chain + leaf_ + _written([account, livemode, record, tx]).encode()).digest()


def linked(chain: bytes, seal: Seal) -> bytes:
    """What the chain must be after ``seal``."""
    return link(
        chain, seal.leaf, account=seal.account, livemode=seal.livemode, record=seal.record, tx=seal.tx
    )
