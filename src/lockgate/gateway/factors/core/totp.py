"""Codes of authenticator apps (RFC 6238) as all of them make them: SHA-1, six digits, a new one every 30 seconds."""

import hmac

from pyotp import TOTP

STEP_S = 30
SEED_BYTES = 20
WINDOW = 1
"""How many steps a phone's clock may be off, either way."""
ISSUER = "Lockgate"


def matching_step(seed: str, code: str, *, now: int, after: int) -> int | None:
    """The step near ``now`` and later than ``after`` whose code this is. ``seed`` is in base 32."""
    current, found = now // STEP_S, None
    maker = TOTP(seed)
    for step in range(current - WINDOW, current + WINDOW + 1):
        same = hmac.compare_digest(maker.generate_otp(step).encode(), code.encode())
        if same and step > after:
            found = step
    return found


def tidy(code: str) -> str:
    """The six digits as people type them, with or without spaces; empty where it is something else."""
    digits = "".join(code.split())
    return digits if len(digits) == 6 and digits.isascii() and digits.isdigit() else ""


def uri(seed: str, *, label: str) -> str:
    """What the QR code says to an app; ``label`` is the e-mail address that it lists the code under."""
    return TOTP(seed).provisioning_uri(name=label, issuer_name=ISSUER)


def clean_seed(text: str) -> str:
    """``text`` with nothing but the letters of base 32 in it."""
    return "".join(sign for sign in text if sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")[:64]
