"""Whether a message is whole, fresh and signed by the holder of its key: Content-Digest and X-Signature. Pure."""

import base64
import hashlib
import hmac
import re

MAX_AGE_S = 300
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


class Unsigned(Exception):
    """A message that does not prove where it comes from; the text names the header at fault."""


def check(body: bytes, *, digest: str | None, signature: str | None, key: str, now: int) -> None:
    """Raise Unsigned unless ``digest`` and ``signature`` are those of ``body``, made under ``key`` around ``now``.

    ``digest`` is RFC 9530's ``sha-256=:<base64>:``; ``signature`` is ``t=<epoch seconds>,v1=<hex>``, the HMAC-SHA256
    of the seconds, a full stop and the body.
    """
    expected = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    if digest is None or not hmac.compare_digest(digest.encode("utf-8", "surrogateescape"), expected.encode()):
        raise Unsigned("Content-Digest is not that of the body.")
    match = _SIGNATURE.fullmatch(signature or "")
    if match is None:
        raise Unsigned("X-Signature is t=<seconds>,v1=<hex>.")
    mac = hmac.digest(key.encode(), match[1].encode() + b"." + body, "sha256").hex()
    if not hmac.compare_digest(mac, match[2]):
        raise Unsigned("X-Signature is not that of the body under this key's signing key.")
    if abs(now - int(match[1])) > MAX_AGE_S:
        raise Unsigned(f"X-Signature was made more than {MAX_AGE_S} seconds from now.")
