"""What settlement needs from outside."""

from dataclasses import dataclass

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool


@dataclass(frozen=True, slots=True)
class Ports:
    """The database to read from, and the one way to write."""

    pool: Pool
    committer: Committer
