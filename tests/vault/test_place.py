"""Slots stand where the manifest says, as whole values, or nowhere."""

import itertools
from typing import Any

import pytest

from lockgate.kernel.orders import BadOrder, Order, Part, Slot, from_wire, to_wire
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
    "reference_fields": ["reference"],
}
NUMBER = Slot("card.number", "json")
JSON = (("Content-Type", (b"application/json; charset=utf-8",)),)
FORM = (("Content-Type", (b"application/x-www-form-urlencoded",)),)


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
        {"ca_file": 1}, {"name": ""},
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
