"""One request as it came: its parts, read strictly, before anybody knows whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lockgate.gateway.web.headers import Header
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.params import read_fields

# Headers that decide something: two of one kind mean two opinions, and one of them is an attacker's.
_SINGLE = frozenset(
    {b"authorization", b"content-type", b"content-length", b"host", b"idempotency-key", b"origin", b"stripe-account",
     b"stripe-context", b"stripe-livemode", b"stripe-version", b"lockgate-approval", b"transfer-encoding"}
)
_FORM = b"application/x-www-form-urlencoded"


@dataclass(slots=True)
class Request:
    """One request as it came, its body whole."""

    method: str
    path: str
    query: bytes = field(repr=False)
    headers: dict[bytes, bytes] = field(repr=False)
    body: bytes = field(repr=False)
    address: str
    request_id: str
    certificate: bytes | None = field(default=None, repr=False)


def single_headers(pairs: Sequence[Header]) -> dict[bytes, bytes]:
    """Headers by their small-letter names; one that decides something may stand only once.

    Proofs of possession are one list: who checks them refuses two in words of its own.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[bytes] = set()
        for name, _ in pairs:
            if name in seen and name in _SINGLE:
                raise invalid(f"The header {name.decode('ascii')} was sent more than once.")
            seen.add(name)
        if b"dpop" in seen:
            found[b"dpop"] = b",".join(value for name, value in pairs if name == b"dpop")
    return found


def read(request: Request) -> list[tuple[str, str]]:
    """The request's parameters: the body's of a POST, the query's of all others. Never both."""
    if request.method != "POST":
        if request.body:
            raise invalid(f"A {request.method} request has no body: send parameters in the query.")
        return read_fields(request.query)
    if request.query:
        raise invalid("A POST request's parameters belong in its body, not in the query.")
    if not request.body:
        return []
    kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == _FORM:
        return read_fields(request.body)
    if kind == b"application/json":
        raise invalid("Send parameters as application/x-www-form-urlencoded: this API does not read JSON bodies.")
    raise Refusal(Kind.MEDIA_TYPE, "Send parameters as application/x-www-form-urlencoded.")
