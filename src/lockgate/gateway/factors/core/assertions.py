"""What a browser hands over from an authenticator, read strictly before anything is believed of it."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from webauthn.helpers.structs import AuthenticatorTransport

from lockgate.gateway.factors.core.proof import NotProven

MOST_CHARACTERS = 20_000
_MESSAGE = "The passkey could not be read. Load the page again and retry."


@dataclass(frozen=True, slots=True)
class Sent:
    """A public key credential as JSON (WebAuthn 5.1.8), and what of it is looked at before its signature is."""

    text: str = field(repr=False)
    credential: bytes = field(repr=False)
    challenge: bytes = field(repr=False)
    user_handle: bytes | None
    transports: list[str]


def read(text: str) -> Sent:
    """The parts of a credential; NotProven where it is malformed, or made in a frame of another site."""
    if len(text) > MOST_CHARACTERS:
        raise NotProven(_MESSAGE, why="malformed")
    try:
        whole = json.loads(text)
        response = whole["response"]
        client = json.loads(_decoded(response["clientDataJSON"]))
        handle = response.get("userHandle")
        sent = Sent(
            text=text,
            credential=_decoded(whole["rawId"]),
            challenge=_decoded(client["challenge"]),
            user_handle=None if handle is None else _decoded(handle),
            transports=[word for word in response.get("transports") or [] if word in _TRANSPORTS],
        )
        framed = client.get("crossOrigin", False) is not False or "topOrigin" in client
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise NotProven(_MESSAGE, why="malformed") from None
    if framed:
        raise NotProven(_MESSAGE, why="cross_origin")
    return sent


def transports(words: Sequence[str]) -> list[AuthenticatorTransport]:
    """How a browser may reach the authenticator, as it told when the passkey was made."""
    return [AuthenticatorTransport(word) for word in words]


_TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)


def _decoded(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError("base64url is text")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error
