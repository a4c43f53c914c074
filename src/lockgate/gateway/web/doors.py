"""The gateway's doors: opened, kept up with certificates and trust as they change, closed when a certificate ends."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from lockgate.gateway.web.app import App
from lockgate.gateway.web.certified import CertifiedOnly
from lockgate.gateway.web.server import Listener
from lockgate.gateway.web.tls import Handshakes
from lockgate.kernel import log
from lockgate.kernel.config import ConfigError

LOOK_EVERY_S = 0.4
_logger = log.get("web")

Changed = Callable[[], Awaitable[list[bytes] | None]]
"""Every certificate to believe from now on; None while that stays what it was."""


@dataclass(slots=True)
class Door:
    """One address, and what is served there. ``handshakes`` is None for plain HTTP, as a sandbox may have it."""

    name: str
    host: str
    port: int
    handshakes: Handshakes | None
    app: App | CertifiedOnly
    listener: Listener | None = field(init=False, default=None)

    def expired(self) -> bool:
        return self.handshakes is not None and self.handshakes.expired()


class Doors:
    """All doors of one program."""

    def __init__(self, doors: Sequence[Door], *, changed: Changed) -> None:
        self._doors = doors
        self._changed = changed
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen. A door whose certificate has ended stays shut, and opens when there is a good one."""
        await self._follow()
        for door in self._doors:
            if door.expired():
                _say_shut(door)
            else:
                await self._listen(door)
        self._watching = asyncio.create_task(self._watch())

    def renew(self) -> None:
        """Read all certificates again; what cannot be used leaves the old one in place."""
        for door in self._doors:
            if door.handshakes is None:
                continue
            try:
                door.handshakes.renew()
            except ConfigError as error:
                _logger.error("the new certificate is not used, the old one stays", door=door.name, reason=str(error))
            else:
                _logger.info("the certificate was read again", door=door.name)

    async def close(self) -> None:
        """Take no new connection, and let requests under way finish."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.gather(*(door.listener.stop() for door in self._doors if door.listener is not None))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._follow()
                for door in self._doors:
                    await self._keep(door)
            except Exception:  # nobody is let in who was not before: each request still asks for itself
                _logger.exception("certificates could not be looked at, and will be again")
                await asyncio.sleep(1)

    async def _follow(self) -> None:
        trusted = await self._changed()
        if trusted is None:
            return
        for door in self._doors:
            if door.handshakes is not None:
                door.handshakes.trust(trusted)

    async def _keep(self, door: Door) -> None:
        """Shut a door whose certificate ended: no client should get used to an expired one."""
        if door.handshakes is not None and door.handshakes.changed():
            with contextlib.suppress(ConfigError):  # half of it is written: the rest comes before the next look
                door.handshakes.renew()
                _logger.info("the certificate was read again", door=door.name)
        if not door.expired():
            if door.listener is None:
                await self._listen(door)
            return
        if door.listener is not None and door.expired():
            listener, door.listener = door.listener, None
            _say_shut(door)
            await listener.stop()

    async def _listen(self, door: Door) -> None:
        tls = None if door.handshakes is None else door.handshakes.context
        listener = Listener(door.app, host=door.host, port=door.port, tls=tls)
        await listener.start()
        door.listener, door.port = listener, listener.port


def _say_shut(door: Door) -> None:
    assert door.handshakes is not None, "plain HTTP has no certificate to end"
    _logger.error(
        "the server certificate has expired: the listener is stopped until there is a good one",
        door=door.name, port=door.port, file=str(door.handshakes.leaf.certificate),
    )  # fmt: skip
