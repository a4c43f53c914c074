"""A nudge from the gateway to the worker over a local datagram socket: it saves waiting; polling is the guarantee."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

NAME = "worker.sock"
_CREDENTIALS = struct.Struct("3i")  # of the sender, by the kernel's word: pid, uid, gid
_AT_ONCE = 64


def poker(run_dir: Path) -> Callable[[], None]:
    """A function that nudges the worker if there is one; it never waits and never fails."""
    address = str(run_dir / NAME)
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setblocking(False)

    def poke() -> None:
        with contextlib.suppress(OSError):  # no worker, or one with its hands full: it looks by itself soon
            sender.sendto(b"", address)

    return poke


class Bell:
    """The worker's end. Only our own programs ring it, by the kernel's word, and what they send is not looked at."""

    def __init__(self, receiver: socket.socket, ring: Callable[[], None], *, uids: frozenset[int]) -> None:
        self._receiver = receiver
        self._ring = ring
        self._uids = uids
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(receiver, self._heard)

    def close(self) -> None:
        self._loop.remove_reader(self._receiver)
        self._receiver.close()

    def _heard(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                _, ancillary, _, _ = self._receiver.recvmsg(1, socket.CMSG_SPACE(_CREDENTIALS.size))
            except OSError:  # nothing more
                return
            if any(
                (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
                and _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[1] in self._uids
                for level, kind, data in ancillary
            ):
                self._ring()


async def listen(run_dir: Path, ring: Callable[[], None], *, uids: frozenset[int]) -> Bell:
    """Call ``ring`` at each nudge of a program that runs under one of ``uids``."""
    path = run_dir / NAME
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    receiver.bind(str(path))
    receiver.setblocking(False)
    path.chmod(0o660)
    return Bell(receiver, ring, uids=uids | {os.geteuid()})
