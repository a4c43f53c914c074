"""Slots stand where the manifest says, as whole values, or nowhere."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.kernel.orders import (
    MAX_DERIVED,
    BadOrder,
    Body,
    Derived,
    Order,
    Part,
    SentAt,
    Slot,
    derived_of,
    from_wire,
    names_of,
    to_wire,
)
from lockgate.vault.place import BadManifest, Misplaced, check_places, read_manifest

MANIFEST: dict[str, Any] = {
    "name": "acme",
    "origins": ["https://acme.example", "https://[::1]:8443"],
    "ca_file": None,
    "slots": [
        {"slot": "card.number", "method": "POST", "path": "/pay/[a-z]+", "place": "body:card.number"},
        {"slot": "card.number", "method": "POST", "path": "/form", "place": "form:card[number]"},
        {"slot": "secret.key", "method": "*", "path": ".*", "place": "header:authorization"},
    ],
    "derived": [
        {"kind": "hash", "key": None, "method": "POST", "path": "/pay/[a-z]+", "header": "content-digest"},
        {"kind": "hmac", "key": "secret.signer", "method": "*", "path": "/pay/.*", "header": "x-signature"},
    ],
    "reference_fields": ["reference"],
}
HASH = Derived("hash", "sha256", (Body(),), "base64")
HMAC = Derived("hmac", "sha512", (b"v1.", SentAt(), b".", Body()), "hex", key="secret.signer")
GRANT: dict[str, Any] = MANIFEST["derived"][0]
NUMBER = Slot("card.number", "json")
JSON = (("Content-Type", (b"application/json; charset=utf-8",)),)
FORM = (("Content-Type", (b"application/x-www-form-urlencoded",)),)
SIGNED = (
    *JSON,
    ("Content-Digest", (b"sha-256=:", HASH, b":")),
    ("X-Signature", (b"t=", SentAt(), b",v1=", HMAC)),
)


def _order(*body: Part, url: str = "https://acme.example/pay/now", headers: Any = JSON, method: str = "POST") -> Order:
    return Order("pa_1", "acme", method, url, headers, body, 1, 1, "tok_v1")


def _check(order: Order) -> None:
    numbers = itertools.count()
    check_places(order, read_manifest(MANIFEST), marker=lambda: f"marker{next(numbers)}x")


@pytest.mark.parametrize(
    "order",
    [
        _order(b'{"card":{"number":"', NUMBER, b'"}}'),
        _order(b'{"card":{"number":"', NUMBER, b'"}}', url="https://acme.example:443/pay/now?trace=1"),
        _order(b"a=1&card%5Bnumber%5D=", Slot("card.number", "form"), url="https://acme.example/form", headers=FORM),
        _order(b"anything", headers=(("Authorization", (b"Bearer ", Slot("secret.key", "ascii"))),), method="PUT"),
        _order(headers=(("authorization", (Slot("secret.key", "ascii"),)),), url="https://[::1]:8443/x", method="GET"),
        _order(b"no slots at all", headers=()),
        _order(b'{"card":{"number":"', NUMBER, b'"}}', headers=SIGNED),
        _order(b"text", headers=(("x-SIGNATURE", (HMAC,)),), method="PUT"),
        _order(b"text", headers=(("Date", (SentAt(),)),)),
    ],
)
def test_what_the_manifest_grants_passes(order: Order) -> None:
    _check(order)


REFUSED = {
    "beside a digit": (_order(b'{"card":{"number":"1', NUMBER, b'"}}'), "slot_not_whole_value"),
    "beside a letter": (_order(b'{"card":{"number":"', NUMBER, b'a"}}'), "slot_not_whole_value"),
    "twice in one value": (_order(b'{"card":{"number":"', NUMBER, NUMBER, b'"}}'), "slot_not_whole_value"),
    "as a key": (_order(b'{"card":{"', NUMBER, b'":"number"}}'), "slot_not_whole_value"),
    "under a dotted key": (_order(b'{"card.number":"', NUMBER, b'"}'), "slot_not_whole_value"),
    "another field": (_order(b'{"description":"', NUMBER, b'"}'), "slot_place"),
    "in a list": (_order(b'{"card":[{"number":"', NUMBER, b'"}]}'), "slot_place"),
    "another method": (_order(b'{"card":{"number":"', NUMBER, b'"}}', method="PUT"), "slot_place"),
    "another path": (_order(b'{"card":{"number":"', NUMBER, b'"}}', url="https://acme.example/refunds"), "slot_place"),
    "path only begins alike": (
        _order(b'{"card":{"number":"', NUMBER, b'"}}', url="https://acme.example/pay/now/x"), "slot_place",
    ),
    "another slot": (_order(b'{"card":{"number":"', Slot("card.cvc", "json"), b'"}}'), "slot_place"),
    "another encoding": (_order(b'{"card":{"number":"', Slot("card.number", "ascii"), b'"}}'), "slot_encoding"),
    "unquoted": (_order(b'{"card":{"number":', NUMBER, b"}}"), "body_unreadable"),
    "a name twice": (_order(b'{"card":{"number":"', NUMBER, b'","Number":"1"}}'), "body_ambiguous"),
    "not json": (_order(b"<card>", NUMBER, b"</card>"), "body_unreadable"),
    "unknown type": (_order(b'{"card":{"number":"', NUMBER, b'"}}', headers=()), "body_type"),
    "a form field twice": (
        _order(b"card[number]=1&card[number]=", Slot("card.number", "form"), url="https://acme.example/form",
               headers=FORM), "body_ambiguous",
    ),
    "secret in the body": (_order(b'{"note":"', Slot("secret.key", "json"), b'"}'), "slot_place"),
    "secret in another header": (_order(headers=(("X-Note", (Slot("secret.key", "ascii"),)),)), "slot_place"),
    "secret beside text": (
        _order(headers=(("Authorization", (b"Basic ", Slot("secret.key", "ascii"))),)), "slot_not_whole_value",
    ),
    "header twice": (_order(headers=(("A", (b"1",)), ("a", (b"2",)))), "header"),
    "header splitting": (_order(headers=(("A", (b"1\r\nHost: x",)),)), "header"),
    "a hash in another header": (_order(headers=(("X-Note", (HASH,)),)), "derived_place"),
    "a hash by another method": (_order(headers=(("Content-Digest", (HASH,)),), method="PUT"), "derived_place"),
    "a hash to another path": (
        _order(headers=(("Content-Digest", (HASH,)),), url="https://acme.example/form"), "derived_place",
    ),
    "an hmac where a hash may be": (_order(headers=(("Content-Digest", (HMAC,)),)), "derived_place"),
    "a hash where an hmac may be": (_order(headers=(("X-Signature", (HASH,)),)), "derived_place"),
    "an hmac under another key": (
        _order(headers=(("X-Signature", (Derived("hmac", "sha256", (Body(),), "hex", key="secret.key"),)),)),
        "derived_place",
    ),
    "a secret beside a derived value": (
        _order(headers=(("X-Signature", (HMAC, Slot("secret.key", "ascii"))),)), "slot_not_whole_value",
    ),
    "a secret beside the time": (
        _order(headers=(("Authorization", (b"Bearer ", Slot("secret.key", "ascii"), SentAt())),)),
        "slot_not_whole_value",
    ),
    "a content type not written out": (_order(headers=(("Content-Type", (b"a/", SentAt())),)), "header"),
    "our header": (_order(headers=(("Transfer-Encoding", (b"chunked",)),)), "header"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused(name: str) -> None:
    order, reason = REFUSED[name]
    with pytest.raises(Misplaced) as refused:
        _check(order)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.example/pay/now", "https://acme.example.evil.example/", "https://acme.example:444/",
        "https://user@acme.example/", "https://acme.example@evil.example/", "https://ACME.example/",
        "https://acme.example\\@evil.example/", "https://acme.example/a/../b", "https://acme.example/%2e%2E/b",
        "https://acme.example/a#b", "https://acme.example/a b", "https://acme.example/\u00e9", "https://acme.example/\n",
        "//acme.example/", "https://", "",
    ],
)  # fmt: skip
def test_urls_that_two_readers_might_read_differently_are_refused(url: str) -> None:
    with pytest.raises(Misplaced):
        _check(_order(url=url))


@pytest.mark.parametrize(
    "change",
    [
        {"origins": []}, {"origins": ["http://acme.example"]}, {"origins": ["https://acme.example/path"]},
        {"origins": ["https://*.example"]}, {"extra": 1}, {"slots": [{"slot": "card.number"}]},
        {"slots": [{"slot": "card.pin", "method": "POST", "path": ".*", "place": "body:pin"}]},
        {"slots": [{"slot": "card.number", "method": "POST", "path": "(", "place": "body:pin"}]},
        {"slots": [{"slot": "card.number", "method": "POST", "path": ".*", "place": "anywhere"}]},
        {"ca_file": 1}, {"name": ""}, {"derived": {}}, {"derived": [{"kind": "hash"}]},
        *({"derived": [GRANT | bend]} for bend in (
            {"kind": "sign"}, {"key": "secret.a"}, {"kind": "hmac"}, {"kind": "hmac", "key": "card.number"},
            {"kind": "hmac", "key": "secret."}, {"key": []}, {"method": "CONNECT"}, {"path": "("},
            {"header": "X-Upper"}, {"header": "host"}, {"header": "content-type"}, {"header": "a b"}, {"header": None},
            {"extra": 1},
        )),
    ],
)  # fmt: skip
def test_manifests_are_read_strictly(change: dict[str, Any]) -> None:
    with pytest.raises(BadManifest):
        read_manifest(MANIFEST | change)


def test_an_order_survives_the_wire_and_a_bent_one_does_not() -> None:
    order = _order(b'{"card":{"number":"', NUMBER, b'"}}')
    assert from_wire(to_wire(order)) == order
    good = to_wire(order)
    for bend in (
        {"step": ""}, {"step": 1}, {"method": "CONNECT"}, {"timeout_ms": 0}, {"timeout_ms": True}, {"extra": 1},
        {"body": [{"slot": "card.pin", "encoding": "json"}]}, {"body": ["text"]}, {"body": [b"x"] * 300},
        {"body": [{"slot": "card.number", "encoding": "rot13"}]}, {"headers": [["a"]]}, {"card": 1},
    ):  # fmt: skip
        with pytest.raises(BadOrder):
            from_wire(good | bend)


def test_directives_survive_the_wire_and_say_what_they_need() -> None:
    order = _order(b'{"card":{"number":"', NUMBER, b'"}}', headers=SIGNED)
    assert from_wire(to_wire(order)) == order
    assert derived_of(order) == [HASH, HMAC]
    assert names_of(order) == {"card.number", "secret.signer"}


BODY, SENT_AT = {"part": "body"}, {"part": "sent_at"}
DERIVED: dict[str, Any] = {
    "derived": "hmac", "algorithm": "sha256", "over": [BODY], "encoding": "hex", "key": "secret.k",
}  # fmt: skip


@pytest.mark.parametrize(
    "part",
    [
        {**DERIVED, "derived": "sign"}, {**DERIVED, "derived": ["hmac"]}, {**DERIVED, "algorithm": "md5"},
        {**DERIVED, "encoding": "raw"}, {**DERIVED, "key": None}, {**DERIVED, "key": "card.number"},
        {**DERIVED, "key": "secret."}, {**DERIVED, "derived": "hash"}, {**DERIVED, "extra": 1},
        {**DERIVED, "over": []}, {**DERIVED, "over": [b"literal", SENT_AT]}, {**DERIVED, "over": [BODY, BODY]},
        {**DERIVED, "over": [{"slot": "card.number", "encoding": "ascii"}]}, {**DERIVED, "over": BODY},
        {**DERIVED, "over": [BODY, {"slot": "card.number", "encoding": "ascii"}]}, {**DERIVED, "over": [BODY, DERIVED]},
        {**DERIVED, "over": [BODY] + [b"x"] * 300}, {**DERIVED, "over": [BODY, b"x" * 600_000]},
        BODY, {"part": "card"}, {"part": "sent_at", "at": 1}, {"derived": "hash"},
    ],
)  # fmt: skip
def test_a_bent_directive_does_not_survive_the_wire(part: Any) -> None:
    """Among them every directive that covers less than the body, or a slot by itself: an oracle for card numbers."""
    good = to_wire(_order(b"body"))
    assert from_wire(good | {"headers": [["X-Signature", [DERIVED, SENT_AT]]]})
    with pytest.raises(BadOrder):
        from_wire(good | {"headers": [["X-Signature", [part]]]})


def test_directives_stand_in_headers_only_and_are_few() -> None:
    good = to_wire(_order(b"body"))
    for wire in (
        {"body": [DERIVED]}, {"body": [SENT_AT]}, {"body": [BODY]},
        {"headers": [["X-Signature", [DERIVED] * (MAX_DERIVED + 1)]]},
    ):  # fmt: skip
        with pytest.raises(BadOrder):
            from_wire(good | wire)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(max_size=8)
    | st.sampled_from(["hash", "hmac", "sha256", "hex", "secret.k", "card.number", "ascii", "body", "sent_at", "GET"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["slot", "encoding", "part", "derived", "algorithm", "over", "key"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(st.data())
def test_whatever_the_wire_says_is_an_order_or_a_bad_one(data: st.DataObject) -> None:
    part = data.draw(_ANYTHING | st.fixed_dictionaries({name: st.just(DERIVED[name]) | _ANYTHING for name in DERIVED}))
    wire = to_wire(_order(b"body")) | {"headers": [["X-Signature", [part]]]}
    try:
        order = from_wire(wire)
    except BadOrder:
        return
    assert to_wire(order) == wire
    for derived in derived_of(order):
        assert derived.over.count(Body()) == 1 and not any(isinstance(part, Slot) for part in derived.over)
