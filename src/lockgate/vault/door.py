"""The vault's door: frames come in over a Unix socket, are believed or refused, and are answered in any order."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Mapping
from typing import Any

from lockgate.kernel import clock, log, wire
from lockgate.vault import policy
from lockgate.vault.audit import Audit
from lockgate.vault.link import Link, Peer, peer_of
from lockgate.vault.refusal import Refused
from lockgate.vault.verbs import Verbs

MAX_IN_FLIGHT = 1024
_DRAIN_S = 30


class Door:
    """Listens, authenticates, and lets each caller do what its list allows.

    ``keys`` are the callers' service keys; ``uids`` the Unix users expected at the other end, where they are known.
    """

    def __init__(self, verbs: Verbs, audit: Audit, *, keys: Mapping[str, bytes], uids: Mapping[str, int]) -> None:
        self.verbs = verbs
        self.audit = audit
        self._keys = dict(keys)
        self._uids = dict(uids)
        self._nonces = _Nonces()
        self._started_ms = clock.now_ms()
        self._server: asyncio.AbstractServer | None = None
        self._far: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, path: str) -> None:
        """Listen on a Unix socket at ``path``; who may reach it is the business of its directory's mode."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(self), path)
        os.chmod(path, 0o660)  # its directory's group is the programs'; and every frame must prove its caller

    async def open_link(self, link: Link) -> int:
        """Listen for other hosts too; returns the port in use, also when 0 was asked for."""
        self._far = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), link.host, link.port, ssl=link.context, ssl_handshake_timeout=10
        )
        return self._far.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, finish what was begun, hang up."""
        for server in (self._server, self._far):
            if server is not None:
                server.close()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=_DRAIN_S)
        for connection in tuple(self._connections):
            connection.hang_up()
        await self.audit.flush()

    def key_of(self, caller: str) -> bytes | None:
        return self._keys.get(caller)

    def admit(self, request: wire.Request, *, uid: int | None, peer: Peer | None = None) -> str | None:
        """Why an authentic ``request`` is refused, or None. ``peer`` is who came from another host."""
        now_ms = clock.now_ms()
        expected = self._uids.get(request.caller)
        if peer is not None and (peer.program != request.caller or request.caller not in policy.FROM_AFAR):
            return "certificate"
        if peer is not None and peer.ends * 1000 <= now_ms:
            return "certificate_expired"
        if peer is None and expected is not None and uid not in (expected, 0):
            return "uid"
        # Frames from before this process began could have been used up before: their nonces are not remembered.
        if abs(now_ms - request.time_ms) > wire.MAX_SKEW_MS or request.time_ms < self._started_ms:
            return "stale"
        if not self._nonces.fresh(request.caller.encode() + request.nonce, now_ms=now_ms):
            return "replayed"
        return None if policy.may(request.caller, request.verb) else "verb"

    def start(self, connection: "_Connection", request: wire.Request, *, key: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(connection, request, key=key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def enter(self, connection: "_Connection") -> None:
        self._connections.add(connection)

    def leave(self, connection: "_Connection") -> None:
        self._connections.discard(connection)

    async def _serve(self, connection: "_Connection", request: wire.Request, *, key: bytes) -> None:
        account = request.args.get("account")
        account = account if isinstance(account, str) else None
        try:
            if request.verb in policy.AUDITED:
                await self.audit.ordered(
                    request.caller, request.verb, account=account, subject=_subject(request.args), uid=connection.uid
                )
            frame = wire.ok_frame(key, request.id, await self.verbs.call(request.verb, request.args))
        except Refused as refusal:
            if refusal.code == "refused":
                reason = refusal.reason or refusal.code
                self.audit.refused(request.caller, request.verb, account=account, reason=reason, uid=connection.uid)
            frame = wire.error_frame(key, request.id, refusal.wire())
        except Exception:
            log.get("vault").exception("a verb failed", verb=request.verb, caller=request.caller)
            frame = wire.error_frame(key, request.id, {"code": "internal", "message": "the vault failed"})
        connection.answer(frame)


class _Connection(asyncio.Protocol):
    """One caller's stream of frames."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._reader = wire.FrameReader()
        self._transport: asyncio.Transport | None = None
        self._in_flight = 0
        self.uid: int | None = None
        self.peer: Peer | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.peer = peer_of(transport.get_extra_info("ssl_object"))
        self.uid = None if self.peer is not None else _peer_uid(transport.get_extra_info("socket"))
        self._door.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        # What was begun goes on: an order whose caller went away is still sent once and its claim stands.
        self._transport = None
        self._door.leave(self)

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._reader.feed(data):
                self._receive(body)
                if self._transport is None:
                    return
        except wire.WireError:
            self._refuse("", "", "frame")
            self.hang_up()

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def answer(self, frame: bytes) -> None:
        self._in_flight -= 1
        if self._transport is None:
            return
        self._transport.write(frame)
        if self._in_flight == MAX_IN_FLIGHT - 1:
            self._transport.resume_reading()

    def _receive(self, body: bytes) -> None:
        payload, mac = wire.open_frame(body)
        request = wire.read_request(payload)
        key = self._door.key_of(request.caller)
        if key is None or not wire.mac_is_right(key, payload, mac):
            # A stranger gets no answer: there is no key to prove one with.
            self._refuse(request.caller, request.verb, "caller" if key is None else "mac")
            self.hang_up()
            return
        reason = self._door.admit(request, uid=self.uid, peer=self.peer)
        assert self._transport is not None
        if reason is not None:
            self._refuse(request.caller, request.verb, reason)
            error = {"code": "denied", "message": "the frame was refused", "reason": reason}
            self._transport.write(wire.error_frame(key, request.id, error))
            return
        self._in_flight += 1
        if self._in_flight == MAX_IN_FLIGHT:
            self._transport.pause_reading()
        self._door.start(self, request, key=key)

    def _refuse(self, caller: str, verb: str, reason: str) -> None:
        self._door.audit.refused(caller, verb, account=None, reason=reason, uid=self.uid)


class _Nonces:
    """Remembers nonces for one to two windows: two sets, the older one dropped when a window has passed."""

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._turned_ms = 0

    def fresh(self, nonce: bytes, *, now_ms: int) -> bool:
        if now_ms - self._turned_ms >= wire.NONCE_WINDOW_MS:
            self._older, self._recent, self._turned_ms = self._recent, set(), now_ms
        if nonce in self._recent or nonce in self._older:
            return False
        self._recent.add(nonce)
        return True


def _subject(args: Mapping[str, Any]) -> str:
    """Whose keys an order is about, or nothing: an id, never a name."""
    subject = args.get("subject")
    return subject if isinstance(subject, str) else ""


def _peer_uid(peer: Any) -> int | None:
    if peer is None:
        return None
    _pid, uid, _gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return uid
