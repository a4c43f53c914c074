"""What the identity room needs from outside."""

from dataclasses import dataclass

from lockgate.gateway.storage.database import Pool


@dataclass(frozen=True, slots=True)
class Ports:
    """The pool of the program's own role."""

    pool: Pool
