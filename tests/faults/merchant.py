"""A merchant's server that asks once and shows exactly what it was told."""

import asyncio
import json
import random
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from lockgate.kernel.ids import new_id
from tests.support.running import Running

BUSY = frozenset({"lock_timeout", "idempotency_key_in_use"})

_BROWSER = {"Authorization": ""}


@dataclass(frozen=True)
class Said:
    """One answer, byte for byte; its headers under small-letter names."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        return self.json.get("error", {}).get("code")

    @property
    def outcome(self) -> tuple[int, str | None]:
        """The HTTP status with the object's status, or with the error's code."""
        return self.status, self.json.get("status") if self.status == 200 else self.code


@dataclass
class Merchant:
    """A secret key and a connection."""

    api: str
    session: aiohttp.ClientSession

    async def post(self, path: str, *, key: str | None = None, **params: Any) -> Said:
        headers = {"Idempotency-Key": key or new_id("k"), "Content-Type": "application/x-www-form-urlencoded"}
        while (said := await self._asked(path, params, headers)).code == "rate_limit":
            await asyncio.sleep(random.uniform(0.1, 0.5))
        return said

    async def _asked(self, path: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> Said:
        async with self.session.post(f"{self.api}/v1/{path}", data=urlencode(params), headers=headers) as answer:
            seen = {name.lower(): value for name, value in answer.headers.items()}
            return Said(answer.status, await answer.read(), seen)

    async def until_free(self, path: str, *, key: str | None = None, **params: Any) -> Said:
        """Ask again, under the same key, for as long as the answer is that somebody else is at work."""
        key = key or new_id("k")
        for tries in range(200):
            said = await self.post(path, key=key, **params)
            if said.code not in BUSY:
                return said
            await asyncio.sleep(random.uniform(0.02, min(0.8, 0.05 * 2**tries)))
        raise AssertionError(f"{path} stayed busy")

    async def passes(self, action: dict[str, Any]) -> str:
        """The cardholder passes the challenge at her bank's page; returns where that sends her."""
        where = action[action["type"]]
        url = where.get("url") or where["stripe_js"]
        async with self.session.post(url, data={"result": "pass"}, headers=_BROWSER, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
            return answer.headers["Location"]

    async def opened(self, url: str) -> tuple[int, str | None]:
        """A shopper's browser opens a page of ours: the status, and the ``redirect_status`` of where it sends her."""
        while True:
            async with self.session.get(url, headers=_BROWSER, allow_redirects=False) as answer:
                if answer.status != 429:
                    query = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
                    return answer.status, next(iter(query.get("redirect_status", [])), None)
            await asyncio.sleep(0.5)

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        while True:
            async with self.session.get(f"{self.api}/v1/{path}", params=params) as answer:
                body = await answer.json()
            if answer.status != 429:
                assert answer.status == 200, body
                return body
            await asyncio.sleep(random.uniform(0.1, 0.5))

    async def all(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Every page of a list, newest first."""
        found: list[dict[str, Any]] = []
        while True:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = await self.get(path, limit=100, **params, **after)
            found += page["data"]
            if not page["has_more"]:
                return found

    async def intent(self, amount: int, **params: Any) -> str:
        """A new intent, not confirmed."""
        said = await self.post(
            "payment_intents", amount=amount, currency="usd", payment_method="pm_card_visa", **params
        )
        assert said.status == 200, said.body
        return said.json["id"]

    async def authorized(self, amount: int) -> str:
        """An intent whose money is held and not yet taken."""
        return await self._paid(amount, "requires_capture", capture_method="manual")

    async def captured(self, amount: int) -> str:
        """An intent whose money was taken."""
        return await self._paid(amount, "succeeded")

    async def _paid(self, amount: int, status: str, **params: Any) -> str:
        said = await self.post(
            "payment_intents", amount=amount, currency="usd", payment_method="pm_card_visa", confirm="true", **params
        )
        assert said.outcome == (200, status), said.body
        return said.json["id"]


@asynccontextmanager
async def merchant_of(running: Running, *, secret_key: str | None = None) -> AsyncIterator[Merchant]:
    """The installation's own merchant, or the one with ``secret_key``."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=running["ca_file"]), limit=100)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=60),
        headers={"Authorization": f"Bearer {secret_key or running['secret_key']}"},
    ) as session:
        yield Merchant(running["api"], session)
