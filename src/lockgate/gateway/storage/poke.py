"""A nudge from the gateway to the worker over a local datagram socket: it saves waiting; polling is the guarantee."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

NAME = "worker.sock"



def poker(run_dir: Path) -> Callable[[], None]:
    """A function that nudges the worker if there is one; it never waits and never fails."""
    address = str(run_dir / NAME)
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setblocking(False)

    def poke() -> None:
        with contextlib.suppress(OSError):  # no worker, or one with its hands full: it looks by itself soon
            sender.sendto(b"", address)

    return poke


class _Bell(asyncio.DatagramProtocol):
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._ring()


async def listen(run_dir: Path, ring: Callable[[], None]) -> asyncio.DatagramTransport:
    """Call ``ring`` at each nudge. What a nudge carries is ignored: it can cause a look, nothing else."""
    path = run_dir / NAME
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(str(path))
    receiver.setblocking(False)
    path.chmod(0o660)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Bell(ring), sock=receiver)
    return transport
