"""An app as the endpoints see it, and the rules about how it proves who it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from lockgate.gateway.oauth.core import scopes
from lockgate.kernel import jws
from lockgate.kernel.errors import invalid
from lockgate.kernel.principal import Access

Method = Literal["none", "secret_key", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]
METHODS = get_args(Method)
MUTUAL_TLS = ("tls_client_auth", "self_signed_tls_client_auth")
STRONG = (*MUTUAL_TLS, "private_key_jwt")  # good enough to act without a person
MAX_KEYS = 10
_ALGORITHMS = {"EC": ("ES256",), "OKP": ("EdDSA", "Ed25519"), "RSA": ("PS256",)}
_NEEDS = {
    "private_key_jwt": "jwks",
    "self_signed_tls_client_auth": "certificates",
    "tls_client_auth": "tls_client_auth",
}


class AppRow(NamedTuple):
    """An app as its table has it."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    name: str
    method: str
    redirect_uris: list[str]
    scope: str
    strict: bool
    data: str
    created_by: str
    deleted_at: int | None


@dataclass(frozen=True, slots=True)
class Client:
    """A registered app that is not deleted. ``keys`` verify its assertions, ``subject`` is its certificate's."""

    account: str
    livemode: bool
    id: str
    name: str
    method: str
    redirect_uris: Sequence[str]
    scope: Mapping[str, Access]
    strict: bool
    keys: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    subject: Mapping[str, str] = field(default_factory=dict)
    created_by: str = ""

    @property
    def confidential(self) -> bool:
        return self.method != "none"


def client(row: AppRow) -> Client:
    """The app in ``row``."""
    data = json.loads(row.data)
    return Client(
        row.account,
        row.livemode,
        row.id,
        row.name,
        row.method,
        row.redirect_uris,
        scopes.read(row.scope),
        row.strict,
        data.get("jwks", {}).get("keys", ()),
        data.get("subject", {}),
        row.created_by,
    )


def check_key_set(text: str) -> dict[str, Any]:
    """An app's public keys: each for signatures by one algorithm accepted here, several while they are rotated."""
    try:
        parsed = jws.parse_object(text.encode())
        keys = parsed.get("keys")
        if set(parsed) != {"keys"} or not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
            raise jws.Malformed(f"a JWK Set holds 1 to {MAX_KEYS} keys")
        for key in keys:
            if not isinstance(key, dict):
                raise jws.Malformed("a key is an object")
            jws.check_public(with_own_algorithm(key))
        if len({jws.thumbprint(key) for key in keys}) != len(keys):
            raise jws.Malformed("a key stands twice")
    except jws.Malformed as fault:
        raise invalid(f"Invalid jwks: {fault}.", param="jwks") from None
    return {"keys": keys}


def with_own_algorithm(key: Mapping[str, Any]) -> dict[str, Any]:
    """``key`` with the algorithm that its type has here where it names none: never RS256, never one of its caller's."""
    return jws.with_algorithm(key, _ALGORITHMS.get(str(key.get("kty")), ("",))[0])


def key_for(head: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The registered key that an assertion's header means: by its ``kid``, else the only one of its algorithm.

    EdDSA and Ed25519 are two names of one algorithm (RFC 9864).
    """
    named = [key for key in keys if "kid" not in head or key.get("kid") == head["kid"]]
    usable = [key for key in named if head.get("alg") in _names_of(with_own_algorithm(key)["alg"])]
    return {**usable[0], "alg": head["alg"]} if len(usable) == 1 else None


def _names_of(algorithm: str) -> tuple[str, ...]:
    return next((names for names in _ALGORITHMS.values() if algorithm in names), ())


def check_proof(method: str, *, jwks: bool, certificates: bool, subject: bool) -> None:
    """Whether what is registered fits the way in which the app proves who it is: no more and no less."""
    check_given(method, jwks=jwks, certificates=certificates, subject=subject)
    param, given = _NEEDS.get(method, ""), jwks or certificates or subject
    if param and not given:
        raise invalid(f"Missing required param: {param} (for {method}).", param=param, code="parameter_missing")


def check_given(method: str, *, jwks: bool, certificates: bool, subject: bool) -> None:
    """Whether what is given is of any use: what proves nothing would only be believed to."""
    given = {"jwks": jwks, "certificates": certificates, "tls_client_auth": subject}
    for param in (name for name, is_there in given.items() if is_there):
        if _NEEDS.get(method) != param:
            raise invalid(f"{param} is of no use with {method}.", param=param)
