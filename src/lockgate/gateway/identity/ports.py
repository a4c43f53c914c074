"""What the identity room needs from outside."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool


@dataclass(frozen=True, slots=True)
class Ports:
    """The pool of the program's own role, and what a step of a test clock sets off.

    ``forget`` drops what is remembered of an account's keys and clock. ``due`` are the portions of work that the clock
    calls in rooms above, each of which returns how much it did.
    """

    pool: Pool
    committer: Committer
    poke: Callable[[], None] = field(repr=False)
    forget: Callable[[str], None] = field(repr=False)
    due: Sequence[Callable[[], Awaitable[int]]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CredentialPorts:
    """What work on roles and API keys needs: the pool, and the key under which API keys are hashed."""

    pool: Pool
    pepper: bytes = field(repr=False)
