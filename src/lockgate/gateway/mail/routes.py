"""Where mail goes: what every route can do, and the settings that choose one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from lockgate.gateway.mail.core.address import is_address
from lockgate.kernel.config import ConfigError
from lockgate.kernel.source import is_loopback

DEFAULT_SENDER = "lockgate@localhost"


class Outcome(NamedTuple):
    """What came of one try: ``sent``, ``later`` (worth another try) or ``never``; and a short code that says why."""

    result: Literal["sent", "later", "never"]
    why: str


class Route(Protocol):
    """Sends one written mail. Never raises for what the network or the other side does."""

    async def send(self, message: bytes, *, id_: str, sender: str, to: str) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server as settings.json names it. ``tls`` is ``implicit`` (port 465), ``starttls`` or ``none``."""

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    user: str | None = None
    password_file: Path | None = None
    cafile: Path | None = None
    password: str | None = field(default=None, repr=False)


class Chosen(NamedTuple):
    """What settings.json asks for: ``smtp``, or the folder ``outbox``, or neither (mail then waits)."""

    sender: str
    smtp: Smtp | None
    outbox: bool


_KEYS = {"from", "smtp", "outbox"}
_SMTP_KEYS = {"host", "port", "tls", "user", "password_file", "cafile"}


def chosen(settings: Mapping[str, Any], secrets: Mapping[str, Any]) -> Chosen:
    """The route that ``settings`` ask for; a sandbox without any writes files. ConfigError for what is unsafe.

    The password comes from ``secrets`` (``smtp_password``) or from the file that ``password_file`` names.
    """
    mail = settings.get("mail")
    if mail is None:
        return Chosen(DEFAULT_SENDER, None, outbox=settings["profile"] == "sandbox")
    if not isinstance(mail, Mapping) or not set(mail) <= _KEYS:
        raise ConfigError(f"mail in settings.json may have {', '.join(sorted(_KEYS))}")
    sender = mail.get("from", DEFAULT_SENDER)
    if not isinstance(sender, str) or not is_address(sender):
        raise ConfigError("mail.from in settings.json must be one plain e-mail address")
    if mail.get("outbox", False) not in (True, False) or bool(mail.get("smtp")) == bool(mail.get("outbox")):
        raise ConfigError('mail in settings.json has either "smtp": {...} or "outbox": true')
    if mail.get("outbox"):
        return Chosen(sender, None, outbox=True)
    return Chosen(sender, _smtp(mail["smtp"], secrets), outbox=False)


def _smtp(given: Any, secrets: Mapping[str, Any]) -> Smtp:
    if not isinstance(given, Mapping) or not set(given) <= _SMTP_KEYS or not isinstance(given.get("host"), str):
        raise ConfigError(f"mail.smtp in settings.json needs host and may have {', '.join(sorted(_SMTP_KEYS))}")
    tls = given.get("tls", "starttls")
    if tls not in ("implicit", "starttls", "none"):
        raise ConfigError('mail.smtp.tls in settings.json is "starttls", "implicit" or, on loopback, "none"')
    if tls == "none" and not is_loopback(given["host"]):
        raise ConfigError("mail.smtp.tls may be none only for a server on this machine: use starttls or implicit")
    port = given.get("port", {"implicit": 465, "starttls": 587, "none": 25}[tls])
    if not isinstance(port, int) or not 0 < port < 65536:
        raise ConfigError("mail.smtp.port in settings.json must be a port's number")
    user, file, password = given.get("user"), given.get("password_file"), secrets.get("smtp_password")
    if user is not None and file is None and password is None:
        raise ConfigError("mail.smtp has a user: give its password in password_file, or smtp_password in worker.json")
    if user is not None and tls == "none":
        raise ConfigError("mail.smtp sends no password in plain text: remove user, or set tls")
    cafile = given.get("cafile")
    return Smtp(
        given["host"], port, tls, user, Path(file) if file else None, Path(cafile) if cafile else None, password
    )
