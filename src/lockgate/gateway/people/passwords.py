"""Hashes passwords: argon2id over a keyed digest, in a few threads beside the loop, behind a bounded queue."""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lockgate.kernel.errors import Kind, Refusal

MEMORY_KIB = 64 * 1024
PASSES = 3
LANES = 1
THREADS = 2
MOST_WAITING = 32
Result = TypeVar("Result")


def hasher() -> PasswordHasher:
    """The parameters of today. A hash names its own, so older ones stay good until they are made anew."""
    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, hash_len=32, salt_len=16)


class Passwords:
    """Makes and checks hashes. ``pepper`` is not in the database: a stolen table alone cannot be guessed at."""

    def __init__(self, pepper: bytes, *, with_: PasswordHasher | None = None, most_waiting: int = MOST_WAITING) -> None:
        self._pepper = pepper
        self._hasher = with_ or hasher()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._most_waiting = most_waiting
        self._waiting = 0
        self.checked = 0
        """How many passwords were compared with a hash; those of nobody too."""
        self._nobodys = self._hasher.hash(self._prepared("nobody's password"))

    def __repr__(self) -> str:
        return "Passwords()"

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place in the queue, taken before anything is counted against anybody; a Refusal when it is full."""
        if self._waiting >= self._most_waiting:
            raise Refusal(
                Kind.UNAVAILABLE,
                "Too many people are signing in just now. Try again in a moment.",
                retry_after_s=2,
                should_retry=True,
            )
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> str:
        """A fresh hash of ``password``, as it is stored."""
        return await self._apart(self._hasher.hash, self._prepared(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether ``stored`` is a hash of ``password``. Where there is none the same work is done, for nothing."""
        self.checked += 1
        right = await self._apart(self._verify, stored or self._nobodys, self._prepared(password))
        return right and stored is not None

    def is_old(self, stored: str) -> bool:
        """Whether ``stored`` was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, prepared: bytes) -> bool:
        try:
            return self._hasher.verify(stored, prepared)
        except (VerificationError, InvalidHashError):
            return False

    def _prepared(self, password: str) -> bytes:
        return b64encode(hmac.digest(self._pepper, password.encode(), "sha256"))

    async def _apart(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
