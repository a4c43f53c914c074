"""Sends one signed message to one URL: the only outgoing socket of the webhooks room, with its guard against SSRF.

The name is resolved at each try, every address that comes back is checked, and the connection goes to those very
addresses: a name that changes between check and connect changes nothing. Redirects are not followed. What the receiver
says beyond its status is thrown away, unless whoever sends asks for a bounded part of it.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from lockgate.gateway.webhooks.core import url as urls
from lockgate.gateway.webhooks.core.addresses import is_public
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal

TIMEOUT_S = 15
MAX_ANSWER_BYTES = 64 * 1024

Resolve = Callable[[str, int], Any]  # like loop.getaddrinfo(host, port, type=SOCK_STREAM)


class Sent(NamedTuple):
    """What came of one try. ``outcome`` is ``delivered`` for a 2xx, or a short code of what went wrong."""

    outcome: str
    status: int | None = None
    retry_after: str | None = None
    duration_ms: int = 0
    body: bytes = b""


class _NotPublic(OSError):
    """A name that leads, by one of its addresses at least, to where webhooks must not go."""


class _CheckedResolver(AbstractResolver):
    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolve(host, port)
        checked: list[ResolveResult] = []
        for kind, _type, proto, _name, address in found:
            if family not in (socket.AF_UNSPEC, kind):
                continue
            if not self._allow_private and not is_public(address[0]):
                raise _NotPublic
            checked.append(
                ResolveResult(
                    hostname=host, host=address[0], port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST
                )
            )
        if not checked:
            raise OSError("the name has no address")
        return checked

    async def close(self) -> None:
        """Nothing is kept."""


async def _getaddrinfo(host: str, port: int) -> Any:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Sender:
    """Sends to any number of URLs at once. ``tls`` may name further authorities, ``resolve`` another way to resolve."""

    def __init__(
        self, *, allow_private: bool, tls: ssl.SSLContext | None = None, resolve: Resolve = _getaddrinfo,
        timeout_s: float = TIMEOUT_S,
    ) -> None:  # fmt: skip
        self._allow_private = allow_private
        self._tls = tls
        self._resolve = resolve
        self._timeout_s = timeout_s

    async def send(
        self, url: str, *, headers: Mapping[str, str], body: bytes, keep: int = 0, timeout_s: float | None = None
    ) -> Sent:
        """POST ``body`` to ``url``, once. Never raises for what the network or the receiver does.

        ``keep``: an answer of up to so many bytes is given back whole; a longer one is ``answer_too_long``.
        """
        began = clock.monotonic()
        try:
            urls.check(url, allow_private=self._allow_private)
            async with asyncio.timeout(self._timeout_s if timeout_s is None else timeout_s):
                sent = await self._post(url, headers=headers, body=body, keep=keep)
        except Refusal:
            sent = Sent("url_refused")
        except _NotPublic:
            sent = Sent("address_refused")
        except TimeoutError:
            sent = Sent("timeout")
        except aiohttp.ClientConnectorCertificateError:
            sent = Sent("certificate_refused")
        except aiohttp.ClientConnectorDNSError as error:
            sent = Sent("address_refused" if isinstance(error.os_error, _NotPublic) else "name_not_found")
        except (aiohttp.ClientConnectorError, aiohttp.ClientSSLError):
            sent = Sent("connection_failed")
        except (aiohttp.ClientError, OSError, ValueError):
            sent = Sent("no_answer")
        return sent._replace(duration_ms=round((clock.monotonic() - began) * 1000))

    async def _post(self, url: str, *, headers: Mapping[str, str], body: bytes, keep: int) -> Sent:
        async with (
            self._session() as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            outcome = "delivered" if 200 <= response.status < 300 else _name(response.status)
            sent = Sent(outcome, response.status, response.headers.get("Retry-After"))
            if keep and outcome == "delivered":
                return await _with_body(sent, response, keep)
            with contextlib.suppress(aiohttp.ClientError):  # the status is the answer, however the rest ends
                await response.content.read(MAX_ANSWER_BYTES)
            return sent

    def _session(self) -> aiohttp.ClientSession:
        # One for each try: a connection that is kept would skip the next try's resolution and check.
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(self._resolve, allow_private=self._allow_private),
            use_dns_cache=False,
            force_close=True,
            ssl=self._tls or True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("Accept-Encoding", "Accept"),
        )


async def _with_body(sent: Sent, response: aiohttp.ClientResponse, keep: int) -> Sent:
    """``sent`` with the whole answer, read no further than one byte beyond what may be kept."""
    body = bytearray()
    while len(body) <= keep:
        part = await response.content.read(keep + 1 - len(body))
        if not part:
            return sent._replace(body=bytes(body))
        body += part
    return sent._replace(outcome="answer_too_long")


def _name(status: int) -> str:
    return "redirected" if 300 <= status < 400 else "refused"
