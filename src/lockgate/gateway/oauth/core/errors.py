"""Refusals in OAuth's own words (RFC 6749 5.2): an error code, a sentence that echoes no value, and a status."""

import json
from collections.abc import Mapping

from lockgate.kernel.errors import Kind, Refusal

STATUS: Mapping[str, int] = {"invalid_client": 401, "invalid_token": 401, "invalid_dpop_proof": 400}
_DEFAULT_STATUS = 400


class OAuthError(Exception):
    """``error`` is the registered code, ``description`` says what to do, ``why`` is for the audit record alone."""

    def __init__(self, error: str, description: str, *, why: str | None = None) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.why = why or error

    @property
    def status(self) -> int:
        return STATUS.get(self.error, _DEFAULT_STATUS)


def invalid_request(description: str) -> OAuthError:
    """The request lacks something, repeats something, or is not of the expected form."""
    return OAuthError("invalid_request", description)


def invalid_client(description: str, *, why: str) -> OAuthError:
    """The app is unknown, or did not prove who it is."""
    return OAuthError("invalid_client", description, why=why)


def invalid_grant(description: str, *, why: str) -> OAuthError:
    """The code or token is no good, or not for this app."""
    return OAuthError("invalid_grant", description, why=why)


def invalid_scope(description: str) -> OAuthError:
    """More was asked for than there is, or than the app may have."""
    return OAuthError("invalid_scope", description)


_WORDS: Mapping[Kind, str] = {
    Kind.FORBIDDEN: "access_denied",
    Kind.UNAUTHENTICATED: "invalid_client",
    Kind.RATE_LIMITED: "temporarily_unavailable",
    Kind.UNAVAILABLE: "temporarily_unavailable",
    Kind.INTERNAL: "server_error",
}


def body_of(refusal: Refusal) -> bytes:
    """A refusal that is not OAuth's own (of a limit, an address, a malformed request) as its clients can read it."""
    return body(_WORDS.get(refusal.kind, "invalid_request"), refusal.message)


def body(error: str, description: str) -> bytes:
    """The JSON of an error."""
    return json.dumps({"error": error, "error_description": description}, separators=(",", ":")).encode()
