"""The sandbox's stand-in for a contract with an acquirer: gives each account its keys at the simulator."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from lockgate.kernel.config import ConfigError

_TIMEOUT_S = 10


class SimulatorAdmin:
    """The simulator's admin interface; use it as an async context manager."""

    def __init__(self, url: str, *, token: str, ca_file: Path) -> None:
        tls = ssl.create_default_context(cafile=str(ca_file))
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self._session = aiohttp.ClientSession(
            url,
            connector=aiohttp.TCPConnector(ssl=tls),
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def __aenter__(self) -> "SimulatorAdmin":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def labels(self) -> set[str]:
        """The accounts and modes that have all their keys, such as ``acct_x:test``."""
        return set((await self._ask("GET", None))["labels"])

    async def add_key(self, key: str, label: str, *, signing_key: str, notification_key: str) -> None:
        keys = {"key": key, "signing_key": signing_key, "notification_key": notification_key}
        await self._ask("POST", {**keys, "label": label})

    async def _ask(self, method: str, body: Mapping[str, str] | None) -> dict[str, Any]:
        try:
            async with self._session.request(method, "/admin/keys", json=body, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise ConfigError(f"the simulator refused ({answer.status}): check secrets/owner.json")
                return await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConfigError("the simulator does not answer: start it first ('lockgate simulator')") from error
