"""Whether a processor's message to us is whole, fresh and signed under the secret that only it and the vault know."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Sequence

from lockgate.kernel import clock
from lockgate.vault.audit import Audit
from lockgate.vault.place import Calls, Manifest
from lockgate.vault.secret import Secrets

MAX_AGE_S = 300
MAX_AHEAD_S = 60
MAX_BODY_BYTES = 256 * 1024
MAX_HEADERS = 100
VERB = "verify_notification"
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)

Headers = Sequence[tuple[str, str]]


class Notifications:
    """``manifest`` finds what a processor's adapter may do, and how that processor signs."""

    def __init__(
        self, manifest: Callable[[str], Awaitable[Manifest | None]], *, secrets: Secrets, audit: Audit
    ) -> None:
        self._manifest = manifest
        self._secrets = secrets
        self._audit = audit

    async def is_sound(
        self, account: str, livemode: bool, *, processor: str, headers: Headers, body: bytes
    ) -> bool:
        """Whether to take the message up. Why not stands in the audit, and is told to nobody."""
        manifest = await self._manifest(processor)
        calls = manifest.notifications if manifest is not None else None
        if calls is None:
            return self._refused(None, "no_scheme")
        secret = await self._secrets.get(account, livemode, name=calls.secret)
        if secret is None:  # the account comes from whoever called: one that is not known here is no name to record
            return self._refused(None, "no_secret")
        fault = fault_of(calls, headers, body, secret=secret, now=clock.now())
        return self._refused(account, fault) if fault is not None else True

    def _refused(self, account: str | None, reason: str) -> bool:
        self._audit.refused("gateway", VERB, account=account, reason=reason, uid=None)
        return False


def fault_of(calls: Calls, headers: Headers, body: bytes, *, secret: str, now: int) -> str | None:
    """What is wrong with a message: ``header``, ``signature``, ``stale`` or ``early``; None when it is sound.

    The signature is compared in constant time, and before the time: a forger learns nothing from either.
    """
    values = [value for name, value in headers if name.lower() == calls.header]
    match = _SIGNATURE.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        return "header"
    expected = hmac.new(secret.encode(), match[1].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, match[2]):
        return "signature"
    at = int(match[1])
    if at < now - MAX_AGE_S:
        return "stale"
    return "early" if at > now + MAX_AHEAD_S else None
