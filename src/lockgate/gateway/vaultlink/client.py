"""The gateway's line to the vault: one connection, many calls in flight, and an honest answer when the line breaks."""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.vaultlink.link import VAULT_NAME, Link
from lockgate.kernel import clock, log, wire
from lockgate.kernel.orders import Answered, Lost, NotSent, Order, Reply, to_wire

Headers = Mapping[str, str] | Sequence[tuple[str, str]]
CONNECT_S = 3
CALL_S = 10
_FORWARD_GRACE_S = 10
_COUNT_S = 60
_PAUSE_S = 0.05
LINK_S = 3600.0  # how long one line to another host is used; the certificate that it began with lives longer


class VaultUnavailable(Exception):
    """The vault could not be asked, or its answer was lost. ``sent`` says whether the question may have reached it."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class VaultRefused(Exception):
    """The vault's own refusal: a ``code`` (not_found, refused, invalid_card, expired, gone ...) and a ``reason``."""

    def __init__(self, code: str, message: str, *, reason: str | None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


class VaultClient:
    """Speaks for one caller. Made without I/O; connects at the first call and again whenever the line has broken.

    Calls whose repetition changes nothing are made a second time when the line breaks under them. An order never is.
    """

    def __init__(self, place: str | Link, *, caller: str, key: bytes) -> None:
        self._place = place
        self._caller = caller
        self._key = key
        self._line: _Line | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def forward(
        self, account: str, livemode: bool, order: Order, *, intent: str | None = None, keep_cvc: bool = False
    ) -> Reply:
        """Send ``order`` through the vault, once. Never raises for what may happen on the way.

        ``intent`` ties the card's code to one payment: the first that uses it. The code is wiped after an answer,
        unless ``keep_cvc`` says that another attempt may follow; then end with `wipe_cvc`.
        """
        args = {
            "account": account, "livemode": livemode, "order": to_wire(order), "intent": intent, "keep_cvc": keep_cvc,
        }  # fmt: skip
        try:
            answer = await self._once("forward", args, timeout_s=order.timeout_ms / 1000 + _FORWARD_GRACE_S)
        except VaultUnavailable as fault:
            return Lost("vault_line") if fault.sent else NotSent("vault_unavailable")
        except VaultRefused as refusal:
            # The vault refuses before it claims; only "internal" may have struck later.
            return Lost("vault_internal") if refusal.code == "internal" else NotSent(refusal.reason or refusal.code)
        match answer["state"]:
            case "answered":
                headers = tuple((name, value) for name, value in answer["headers"])
                return Answered(answer["status"], headers, answer["body"])
            case "not_sent":
                return NotSent(answer["reason"])
            case _:
                return Lost(answer["reason"])

    async def tombstone(self, account: str, step: str) -> dict[str, Any]:
        """State ``tombstoned``: the step never was sent nor will be; ``claimed``: it may have been."""
        return await self.call("tombstone", {"account": account, "step": step})

    async def claim(self, account: str, step: str, *, send_before_ms: int) -> dict[str, Any]:
        """Own a step without sending; ``won`` says whether it was still free."""
        return await self._once("claim", {"account": account, "step": step, "send_before": send_before_ms})

    async def tokenize_test(self, account: str, card: Mapping[str, Any]) -> dict[str, Any]:
        """A description with a fresh provisional token for a published test number."""
        return await self.call("tokenize_test", {"account": account, "card": dict(card)})

    async def tokenize_sealed(
        self, account: str, livemode: bool, blob: str, *, intent: str | None = None
    ) -> dict[str, Any]:
        """A description with a token for a sealed card; the same blob in the same context gives the same token."""
        context = {"account": account, "intent": intent}
        args = {"account": account, "livemode": livemode, "blob": blob, "context": context}
        return await self.call("tokenize_sealed", args)

    async def describe(self, account: str, token: str) -> dict[str, Any]:
        """What may be known of a card: brand, bin, last4, expiry, fingerprint, funding, country, alias, has_cvc."""
        return await self.call("describe", {"account": account, "token": token})

    async def commit_token(self, account: str, tokens: Sequence[str], *, subject: str | None = None) -> list[str]:
        """Keep provisional tokens beyond their day, as ``subject``'s if named; those that were still there."""
        args = {"account": account, "tokens": list(tokens), "subject": subject}
        return (await self.call("commit_token", args))["committed"]

    async def revoke_token(self, account: str, token: str) -> bool:
        return (await self.call("revoke_token", {"account": account, "token": token}))["revoked"]

    async def wipe_cvc(self, account: str, token: str) -> None:
        """Forget a card's code at once."""
        await self.call("wipe_cvc", {"account": account, "token": token})

    async def data_key(self, account: str, purpose: str, *, subject: str) -> tuple[bytes, str]:
        """A data key and its id, made when absent; VaultRefused with code ``gone`` once its subject was shredded."""
        answer = await self.call("data_key", {"account": account, "purpose": purpose, "subject": subject})
        return answer["key"], answer["kid"]

    async def sign(self, account: str, key: str, digest: bytes) -> bytes:
        return (await self.call("sign", {"account": account, "key": key, "digest": digest}))["signature"]

    async def mac(self, account: str, key: str, data: bytes) -> bytes:
        return (await self.call("mac", {"account": account, "key": key, "data": data}))["mac"]

    async def checkpoint_key(self, origin: str) -> dict[str, Any]:
        """``key``: the public key of the audit log called ``origin``; ``last``: ``size`` and ``root`` signed last."""
        return await self.call("checkpoint_key", {"origin": origin})

    async def sign_checkpoint(
        self, origin: str, *, size: int, root: bytes, chain: bytes, proof: Sequence[bytes]
    ) -> str:
        """The signed note; VaultRefused with reason ``rollback`` if the log does not continue what was signed last."""
        args = {"origin": origin, "size": size, "root": root, "chain": chain, "proof": list(proof)}
        return (await self.call("sign_checkpoint", args))["note"]

    async def sign_export(self, origin: str, *, records: int, digest: bytes) -> str:
        """Admin: the signed note for an exported file."""
        return (await self.call("sign_export", {"origin": origin, "records": records, "digest": digest}))["note"]

    async def seal_keys(self) -> dict[str, Any]:
        """``{"keys": [...], "verify_key": ...}``: what cards and secrets may be sealed to now."""
        return await self.call("seal_keys", {})

    async def status(self) -> dict[str, Any]:
        return await self.call("status", {})

    async def verify_notification(
        self, account: str, livemode: bool, *, processor: str, headers: Headers, body: bytes
    ) -> bool:
        """Whether a message that came for ``account`` was signed by ``processor``, just now. It never says why not.

        Of a header that stands twice give both: such a message is not believed.
        """
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        args = {
            "account": account, "livemode": livemode, "processor": processor, "headers": [list(pair) for pair in pairs],
            "body": body,
        }  # fmt: skip
        return (await self.call("verify_notification", args))["valid"] is True

    async def put_secret(self, account: str, livemode: bool, *, name: str, blob: str) -> None:
        """Admin: keep a processor's secret, sealed for the intent ``secret_<live|test>_<name>``."""
        await self.call("put_secret", {"account": account, "livemode": livemode, "name": name, "blob": blob})

    async def put_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Admin: say what one processor's adapter may send where."""
        await self.call("put_manifest", {"manifest": dict(manifest)})

    async def shred(self, account: str, subject: str) -> dict[str, int]:
        """Admin: destroy one person's keys; ``destroyed`` in all, ``data_keys`` and ``cards`` of them."""
        return await self.call("shred", {"account": account, "subject": subject})

    async def rotate(self, account: str | None) -> int:
        """Admin: the next key version of an account, or with None of the platform; its number."""
        return (await self._once("rotate", {"account": account}))["version"]

    async def rewrap(self, batch: int) -> int:
        """Admin: move up to ``batch`` wrapped keys under their newest version; 0 means that none is left."""
        return (await self.call("rewrap", {"batch": batch}))["rewrapped"]

    async def key_status(self) -> dict[str, Any]:
        """Admin: ``root_version``, ``below_root``, ``stale`` and, for each rotated account, version and ``stale``."""
        return await self._once("key_status", {}, timeout_s=_COUNT_S)

    async def call(self, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """One call that may safely be made twice: VaultUnavailable only after the second try."""
        try:
            return await self._once(verb, args)
        except VaultUnavailable:
            await asyncio.sleep(_PAUSE_S)
            return await self._once(verb, args)

    async def close(self) -> None:
        self._closed = True
        if self._line is not None:
            self._line.hang_up()

    async def _once(self, verb: str, args: Mapping[str, Any], *, timeout_s: float = CALL_S) -> dict[str, Any]:
        line = self._line if self._line is not None and self._line.serves() else await self._connect()
        response = await line.ask(verb, args, timeout_s=timeout_s)
        if response.error is not None:
            code, message = response.error.get("code", "internal"), response.error.get("message", "")
            raise VaultRefused(code, message, reason=response.error.get("reason"))
        assert response.ok is not None
        return response.ok

    async def _connect(self) -> "_Line":
        async with self._connecting:
            if self._closed:
                raise VaultUnavailable("this client is closed", sent=False)
            if self._line is not None and self._line.serves():
                return self._line
            former = self._line
            try:
                async with asyncio.timeout(CONNECT_S):
                    self._line = await self._open()
            except (OSError, TimeoutError) as error:
                raise VaultUnavailable("the vault cannot be reached", sent=False) from error
            if former is not None:
                former.retire()
            return self._line

    async def _open(self) -> "_Line":
        loop, place = asyncio.get_running_loop(), self._place
        if isinstance(place, str):
            return (await loop.create_unix_connection(lambda: _Line(self._caller, self._key), place))[1]
        _, line = await loop.create_connection(
            lambda: _Line(self._caller, self._key, lasts_s=LINK_S), place.host, place.port,
            ssl=place.context(), server_hostname=VAULT_NAME,
        )  # fmt: skip
        return line


class _Line(asyncio.Protocol):
    """One connection: frames out, answers matched by id."""

    def __init__(self, caller: str, key: bytes, *, lasts_s: float | None = None) -> None:
        self.open = False
        self._until = None if lasts_s is None else clock.monotonic() + lasts_s
        self._retired = False
        self._caller = caller
        self._key = key
        self._reader = wire.FrameReader()
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[wire.Response]] = {}
        # A random start, so that an answer from an earlier connection never fits a question of this one.
        self._next_id = secrets.randbits(48)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(VaultUnavailable("the line to the vault broke", sent=True))
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._reader.feed(data):
                payload, mac = wire.open_frame(body)
                if not wire.mac_is_right(self._key, payload, mac):
                    raise wire.WireError("an answer does not carry the vault's MAC")
                response = wire.read_response(payload)
                future = self._waiting.pop(response.id, None)
                if future is not None and not future.done():
                    future.set_result(response)
        except wire.WireError as error:
            log.get("vaultlink").error("the vault's answer cannot be believed", fault=str(error))
            self.hang_up()

    def hang_up(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.close()

    def serves(self) -> bool:
        """Whether new questions go here: a line by TLS is made anew before its certificate has ended."""
        return self.open and not self._retired and (self._until is None or clock.monotonic() < self._until)

    def retire(self) -> None:
        """Answer what was asked, then hang up."""
        self._retired = True
        if not self._waiting:
            self.hang_up()

    async def ask(self, verb: str, args: Mapping[str, Any], *, timeout_s: float) -> wire.Response:
        """Send one request and wait for its answer."""
        assert self._transport is not None
        id_ = self._next_id
        self._next_id += 1
        nonce = secrets.token_bytes(wire.NONCE_BYTES)
        try:
            request = wire.Request(self._caller, id_, clock.now_ms(), nonce, verb, dict(args))
            frame = wire.request_frame(self._key, request)
        except wire.WireError as error:
            raise VaultRefused("refused", str(error), reason="frame") from None
        future: asyncio.Future[wire.Response] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = future
        self._transport.write(frame)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            raise VaultUnavailable("the vault did not answer in time", sent=True) from None
        finally:
            with contextlib.suppress(KeyError):
                del self._waiting[id_]
            if self._retired and not self._waiting:
                self.hang_up()
