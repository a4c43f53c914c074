"""A merchant's view of a running Lockgate, for commands that use the API as any client would."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import typer

from lockgate.kernel.config import ConfigError, Home

ApiOption = Annotated[str | None, typer.Option("--api", help="The API's URL; by default the home's own.")]
KeyOption = Annotated[str | None, typer.Option("--key", help="A secret key; by default the sandbox's own test key.",
                                               envvar="LOCKGATE_KEY")]
CaOption = Annotated[Path | None, typer.Option("--ca", help="The CA certificate; by default the home's own.")]
_TIMEOUT_S = 30


class Refused(Exception):
    """The API answered with an error; ``error`` is its envelope."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("message", "no message")))
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Merchant:
    """Calls the API at ``api`` with ``key``."""

    api: str
    key: str = field(repr=False)
    tls: ssl.SSLContext | None

    def get(self, path: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One GET."""
        return self.call("GET", f"{path}?{urlencode(fields)}" if fields else path)

    def post(self, path: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One POST of form fields."""
        return self.call("POST", path, urlencode(fields or {}).encode())

    def call(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """One request; Refused for an error the API gives, ConfigError when it cannot be reached."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-www-form-urlencoded"}
        request = urllib.request.Request(self.api + path, data=body, headers=headers, method=method)  # noqa: S310 - checked
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=self.tls) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, json.load(error).get("error", {})) from None
        except OSError as error:
            raise ConfigError(f"{self.api} cannot be reached ({error}): is 'lockgate up' running?") from None


def open_merchant(home: Path, *, api: str | None, key: str | None, ca: Path | None) -> Merchant:
    """From the options; what is not given comes from the home."""
    place = Home(home.resolve())
    api = (api or str(place.settings()["api"]["url"])).rstrip("/")
    scheme = urlsplit(api).scheme
    if scheme not in ("https", "http"):
        raise ConfigError("--api must begin with https:// (or http:// on a loopback address)")
    if key is None:
        if not place.secrets_file("keys").exists():
            raise ConfigError("there is no kept key: give one with --key or LOCKGATE_KEY")
        key = str(place.secrets("keys")["secret_key"])
    tls = None
    if scheme == "https":
        kept = ca or place.path / "ca" / "ca.pem"
        tls = ssl.create_default_context(cafile=str(kept) if ca or kept.exists() else None)
    return Merchant(api, key, tls)
