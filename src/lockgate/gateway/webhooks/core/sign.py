"""Signs a delivery twice, for receivers of either kind: the Stripe-Signature header and Standard Webhooks 1.0. Pure.

Both use HMAC-SHA256 and the same ``whsec_`` secret, but key it differently: the first with the secret's text as it
stands, the second with the bytes that its base64 part decodes to.
"""

import base64
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def secret_from(random_bytes: bytes) -> str:
    """A secret's text from 32 random bytes."""
    assert len(random_bytes) == SECRET_BYTES, "Standard Webhooks asks for 24 to 64 bytes"
    return PREFIX + base64.b64encode(random_bytes).decode()


def headers(event_id: str, body: bytes, *, timestamp: int, secrets: Sequence[str]) -> dict[str, str]:
    """The signing headers for ``body`` sent at ``timestamp`` (seconds): one signature of each kind for each secret."""
    stamp = str(timestamp).encode()
    stripe = [
        hmac.digest(secret.encode(), stamp + b"." + body, "sha256").hex() for secret in secrets
    ]
    standard = [
        base64.b64encode(
            hmac.digest(_key(secret), event_id.encode() + b"." + stamp + b"." + body, "sha256")
        ).decode()
        for secret in secrets
    ]
    return {
        "Stripe-Signature": ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in stripe)]),
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in standard),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
