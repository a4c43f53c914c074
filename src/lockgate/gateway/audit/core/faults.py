"""What a check of the log finds: what is wrong, and where."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is not as it was sealed. ``where`` is a record, a seal, a checkpoint or a line of a file."""

    kind: str
    where: str
    what: str

    def line(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"
