"""Proof Key for Code Exchange (RFC 7636), S256 only: ``plain`` would show the secret to whoever sees the request."""

import hashlib
import hmac
import re

from lockgate.gateway.oauth.core.errors import invalid_grant, invalid_request
from lockgate.kernel.jws import base64url

METHODS = ("S256",)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_challenge(challenge: str | None, method: str | None) -> str:
    """The challenge of an authorization request. No app may do without one, a confidential one neither."""
    if challenge is None:
        raise invalid_request("code_challenge is missing: every app must use PKCE.")
    if method not in METHODS:
        raise invalid_request("code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise invalid_request("code_challenge is not an S256 challenge: 43 characters of base64url.")
    return challenge


def check_verifier(verifier: str | None, challenge: str | None) -> None:
    """Whether ``verifier`` is what ``challenge`` was made of. One that nothing was bound to is a downgrade."""
    if challenge is None:
        raise invalid_grant("No code_challenge was bound to this code.", why="no_challenge")
    if verifier is None:
        raise invalid_grant("code_verifier is missing.", why="no_verifier")
    if not _VERIFIER.fullmatch(verifier):
        raise invalid_grant("code_verifier is not of the expected form.", why="malformed_verifier")
    made = base64url(hashlib.sha256(verifier.encode()).digest())
    if not hmac.compare_digest(made, challenge):
        raise invalid_grant("code_verifier does not match the code_challenge.", why="wrong_verifier")
