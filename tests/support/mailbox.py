"""Reads the mail that waits in a test's database, as the person it is for would."""

from typing import Any

from lockgate.gateway.mail.core.message import Letter
from lockgate.gateway.mail.sealed import unseal


async def letters(pool: Any, box: Any, *, to: str | None = None, kind: str | None = None) -> list[Letter]:
    """What waits to be sent, the oldest first."""
    rows = await pool.fetch("select id, kind, sealed from gateway.mail where state = 'waiting' order by id")
    opened = [(row["kind"], await unseal(box, row["id"], row["sealed"])) for row in rows]
    return [letter for named, letter in opened if to in (None, letter.to) and kind in (None, named)]
