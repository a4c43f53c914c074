"""Checkpoints as they are kept outside of the database: one JSON object a line, only ever appended to."""

import json
from collections.abc import Iterator

from lockgate.kernel.notes import BadNote


def line(size: int, note: str) -> str:
    return json.dumps({"size": size, "note": note}, ensure_ascii=True, separators=(",", ":")) + "\n"


def notes_in(text: str) -> Iterator[str]:
    """The notes of a kept file, which is one note or has one in each line.

    A line that ends in the middle (the machine stopped while it was written) is not one yet.
    """
    if not text.lstrip().startswith("{"):
        yield text
        return
    for number, row in enumerate(text.split("\n"), 1):
        if not row.strip():
            continue
        try:
            read = json.loads(row)
        except ValueError:
            if row.endswith("}"):
                raise BadNote(f"line {number} of the kept checkpoints is not JSON") from None
            continue
        if not isinstance(read, dict) or not isinstance(read.get("note"), str):
            raise BadNote(f"line {number} of the kept checkpoints holds no note")
        yield read["note"]
