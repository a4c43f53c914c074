"""Reads bodies within their bounds: each one's own, and one of all large bodies that wait in memory together."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from lockgate.kernel.errors import Kind, Refusal

MAX_BODY_BYTES = 1024 * 1024
SMALL_BYTES = 64 * 1024             # nearly every body: these never wait for room
MAX_LARGE_BYTES = 64 * 1024 * 1024  # what goes beyond, of all requests together, before anybody is known

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Bodies:
    """Knows how much of large bodies is held. Slow senders of large ones fill it and are refused; others are not."""

    def __init__(self, *, most: int = MAX_LARGE_BYTES) -> None:
        self._most = most
        self._held = 0

    async def read(self, receive: Receive) -> tuple[bytes | None, int]:
        """The whole body (None once the client is gone), and what `release` must be told when it is done with."""
        parts: list[bytes] = []
        size = held = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.release(held)
                    return None, 0
                part = message.get("body", b"")
                size += len(part)
                if size > MAX_BODY_BYTES:
                    raise Refusal(Kind.TOO_LARGE, f"A request's body can have at most {MAX_BODY_BYTES} bytes.")
                if size > SMALL_BYTES:
                    self._held += size - SMALL_BYTES - held
                    held = size - SMALL_BYTES
                    if self._held > self._most:
                        raise _full()
                if not message.get("more_body", False):
                    return (part if not parts else b"".join([*parts, part])), held
                parts.append(part)
        except BaseException:
            self.release(held)
            raise

    def release(self, held: int) -> None:
        """A body is done with."""
        self._held -= held


def _full() -> Refusal:
    return Refusal(
        Kind.UNAVAILABLE, "Too many large requests are under way. Try again shortly.",
        retry_after_s=1, should_retry=True,
    )  # fmt: skip
