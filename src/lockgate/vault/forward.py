"""Sends an order to its processor: fills the slots, once per step, over verified TLS, and cleans the answer."""

import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from lockgate.kernel import clock, log
from lockgate.kernel.orders import (
    CARD_SLOTS,
    SECRET_PREFIX,
    Answered,
    BadOrder,
    Lost,
    NotSent,
    Order,
    Reply,
    from_wire,
    names_of,
)
from lockgate.vault.cards import Cards, check_usable
from lockgate.vault.claims import Claims
from lockgate.vault.clean import Cleaner, Sent
from lockgate.vault.cvc import CvcMemory
from lockgate.vault.fill import fill
from lockgate.vault.place import BadManifest, Manifest, Misplaced, check_places, read_manifest
from lockgate.vault.refusal import Refused
from lockgate.vault.secret import Secrets
from lockgate.vault.store import Store

CONNECT_S = 3
TOTAL_S = 25
MAX_ANSWER_BYTES = 512 * 1024
_MANIFEST_KEPT_S = 10
_KEEP_ALIVE_S = 30
_DROPPED = frozenset({"set-cookie", "connection", "keep-alive", "transfer-encoding", "content-length", "server"})


@dataclass(slots=True)
class _Progress:
    """How far a request came; told by the client's trace, so that "not sent" is a fact and not a guess."""

    connected: bool = False


@dataclass(frozen=True, slots=True)
class _Route:
    manifest: Manifest
    tls: ssl.SSLContext
    until: float


@dataclass(slots=True)
class _Values:
    """What fills the slots and keys the directives of one order. Dropped with the call."""

    by_slot: dict[str, str] = field(default_factory=dict, repr=False)

    def sent(self, digests: tuple[bytes, ...]) -> Sent:
        return Sent(
            number=self.by_slot.get("card.number"),
            cvc=self.by_slot.get("card.cvc"),
            secrets=tuple(value for name, value in self.by_slot.items() if name.startswith(SECRET_PREFIX)),
            digests=digests,
        )


class Forwarder:
    """The only outgoing socket of the vault."""

    def __init__(self, store: Store, *, cards: Cards, secrets: Secrets, claims: Claims, cvcs: CvcMemory) -> None:
        self._store = store
        self._cards = cards
        self._secrets = secrets
        self._claims = claims
        self._cvcs = cvcs
        self._routes: dict[str, _Route] = {}
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; call it on the loop that will use it."""
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(_note_connected)
        trace.on_connection_reuseconn.append(_note_connected)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1024, keepalive_timeout=_KEEP_ALIVE_S, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[trace],
            skip_auto_headers=("Content-Type", "Accept", "User-Agent"),
            headers={"Accept-Encoding": "identity", "User-Agent": "lockgate"},
        )
        # The client would by itself repeat a GET or PUT on a dropped kept-alive connection: one id is never sent twice.
        self._session._retry_connection = False

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def put_manifest(self, document: Any) -> None:
        """Keep what one processor's adapter may do, once it reads well and its certificate file can be used."""
        try:
            manifest = read_manifest(document)
            _tls(manifest)
        except BadManifest as fault:
            raise Refused("refused", str(fault)) from None
        except OSError:
            raise Refused("refused", "the manifest's ca_file cannot be read") from None
        await self._store.put_manifest(manifest.name, json.dumps(document), now_ms=clock.now_ms())
        self._routes.pop(manifest.name, None)

    async def manifest(self, processor: str) -> Manifest | None:
        """What ``processor``'s adapter may do, as the operator last said it; None for a stranger."""
        try:
            return (await self._route(processor)).manifest
        except Refused:
            return None

    async def forward(
        self, account: str, livemode: bool, *, order: Any, intent: str | None, keep_cvc: bool
    ) -> Reply:
        """Send ``order`` at most once and say what came of it.

        Raises Refused, with nothing claimed and nothing sent, for an order that the manifest does not allow: the caller
        audits it. A code is wiped once an answer or doubt came back, unless ``keep_cvc`` says that another attempt of
        the same intent may follow a definite answer.
        """
        try:
            wanted = from_wire(order)
        except BadOrder as fault:
            raise Refused("refused", str(fault), reason="order") from None
        route = await self._route(wanted.processor)
        try:
            check_places(wanted, route.manifest, marker=lambda: f"lg{secrets.token_hex(12)}")
        except Misplaced as misplaced:
            raise Refused("refused", "the manifest does not allow this order", reason=misplaced.reason) from None
        if clock.now_ms() >= wanted.send_before_ms:
            return NotSent("too_late")
        values = _Values()
        missing = await self._gather(account, livemode, order=wanted, intent=intent, values=values)
        if missing is not None:
            return missing
        reply = await self._claim_and_send(account, livemode, order=wanted, route=route, values=values)
        uses_cvc = "card.cvc" in values.by_slot
        if uses_cvc and wanted.card and (isinstance(reply, Lost) or (isinstance(reply, Answered) and not keep_cvc)):
            self._cvcs.wipe(account, wanted.card)
        return reply

    async def _gather(
        self, account: str, livemode: bool, *, order: Order, intent: str | None, values: _Values
    ) -> NotSent | None:
        """Find the secrets and the code before anything is claimed; the first one that is missing."""
        for name in names_of(order):
            if name in CARD_SLOTS:
                if order.card is None:
                    return NotSent("no_card")
                if name == "card.cvc":
                    cvc = self._cvcs.use(account, order.card, intent=intent, now=clock.monotonic())
                    if cvc is None:
                        return NotSent("cvc_gone")
                    values.by_slot[name] = cvc
                continue
            secret = await self._secrets.get(account, livemode, name=name.removeprefix(SECRET_PREFIX))
            if secret is None:
                return NotSent("no_secret")
            values.by_slot[name] = secret
        return None

    async def _claim_and_send(
        self, account: str, livemode: bool, *, order: Order, route: _Route, values: _Values
    ) -> Reply:
        try:
            claimed = await self._claims.claim(
                account, order.step, send_before_ms=order.send_before_ms, card=order.card
            )
        except Exception as error:
            # Whether the claim was written is in doubt; that we do not go on to send is not.
            log.get("vault").warning("a claim failed", kind=type(error).__name__)
            return NotSent("claim_failed")
        if not claimed.won:
            return NotSent("tombstoned") if claimed.tombstone else Lost("already_claimed")
        progress = _Progress()
        try:
            if order.card is not None:
                missing = await self._open_card(account, livemode, row=claimed.card, values=values)
                if missing is not None:
                    return missing
            if clock.now_ms() >= order.send_before_ms:
                return NotSent("too_late")
            return await self._send(order, route, values=values, progress=progress)
        except Exception as error:
            log.get("vault").warning(
                "an order was not answered",
                processor=order.processor,
                step=order.step,
                kind=type(error).__name__,
                connected=progress.connected,
            )
            return Lost(_reason(error)) if progress.connected else NotSent(_reason(error))

    async def _open_card(
        self, account: str, livemode: bool, *, row: Mapping[str, Any] | None, values: _Values
    ) -> NotSent | None:
        if row is None or row["livemode"] != livemode:
            return NotSent("no_card")
        try:
            check_usable(row, now_ms=clock.now_ms())
        except Refused as refusal:
            return NotSent(f"card_{refusal.code}")
        card = await self._cards.open(account, row)
        values.by_slot |= {
            "card.number": card.number,
            "card.exp_month": f"{card.exp_month:02d}",
            "card.exp_year": f"{card.exp_year:04d}",
        }
        return None

    async def _send(self, order: Order, route: _Route, *, values: _Values, progress: _Progress) -> Reply:
        assert self._session is not None, "open() comes first"
        timeout = aiohttp.ClientTimeout(
            total=min(order.timeout_ms / 1000, TOTAL_S), connect=CONNECT_S, sock_connect=CONNECT_S
        )
        filled = fill(order, values.by_slot, now=clock.now())
        cleaner = Cleaner(values.sent(filled.digests), route.manifest.reference_fields)
        async with self._session.request(
            order.method,
            URL(order.url, encoded=True),
            data=filled.body or None,
            headers=filled.headers,
            ssl=route.tls,
            timeout=timeout,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                return Lost("answer_encoded")  # it could not be cleaned
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    return Lost("answer_too_long")
            headers = tuple(
                (name.lower(), cleaner.header(name, value))
                for name, value in response.headers.items()
                if name.lower() not in _DROPPED
            )
            return Answered(response.status, headers, cleaner.body(bytes(body)))

    async def _route(self, processor: str) -> _Route:
        route = self._routes.get(processor)
        if route is not None and clock.monotonic() < route.until:
            return route
        document = await self._store.manifest(processor)
        if document is None:
            raise Refused("refused", "no manifest for this processor", reason="no_manifest")
        manifest = read_manifest(json.loads(document))
        # A new context would be a new key in the connection pool: keep the old one while the manifest is the same.
        tls = route.tls if route is not None and route.manifest == manifest else _tls(manifest)
        route = self._routes[processor] = _Route(manifest, tls, clock.monotonic() + _MANIFEST_KEPT_S)
        return route


async def _note_connected(_session: Any, context: Any, _params: Any) -> None:
    context.trace_request_ctx.connected = True


def _tls(manifest: Manifest) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=manifest.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "tls"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientError | OSError):
        return "connection"
    return "internal"
