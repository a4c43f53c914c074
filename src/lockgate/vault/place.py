"""Proves that every slot of an order stands where its processor's manifest says, before any value is filled in."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from lockgate.kernel.orders import (
    CARD_SLOTS,
    DERIVED_KINDS,
    HMAC,
    METHODS,
    Derived,
    HeaderPart,
    Order,
    SentAt,
    Slot,
    is_secret,
)

_URL = re.compile(r"(?P<origin>https://(?:\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?")
_URL_TEXT = re.compile(r"[!-~]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SECRET = re.compile(r"[a-z0-9_]{1,48}")
_HEADER_VALUE = re.compile(rb"[ -~]*")
_DOTS = re.compile(r"(?:/|\\|%2f|%5c)(?:\.|%2e){1,2}(?:/|\\|%2f|%5c|$)", re.IGNORECASE)
_OURS = frozenset(
    {
        "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect",
        "accept-encoding", "content-encoding", "proxy-authorization", "proxy-connection",
    }
)
SCHEMES = frozenset({"hmac-sha256-t-v1"})
"""How a notification may be signed: ``t=<seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">``."""

_ENCODING_AT = {"body": "json", "form": "form", "header": "ascii"}


class BadManifest(ValueError):
    """A manifest without the right shape; the message says what is wrong."""


class Misplaced(Exception):
    """An order that its manifest does not allow. ``reason`` is a short code; no value is shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rule:
    """One slot may stand at one place of requests of one method to paths that match."""

    slot: str
    method: str
    path: re.Pattern[str]
    place: str


@dataclass(frozen=True, slots=True)
class Grant:
    """One kind of directive, with its key, may stand in one header of requests of one method to paths that match."""

    kind: str
    key: str | None
    method: str
    path: re.Pattern[str]
    header: str


@dataclass(frozen=True, slots=True)
class Calls:
    """How a processor signs what it sends us: in one header, by a scheme, under the secret of that name."""

    header: str
    scheme: str
    secret: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one processor's adapter may do: the origins it may reach, and where its slots and directives may stand."""

    name: str
    origins: frozenset[str]
    ca_file: str | None
    rules: tuple[Rule, ...]
    grants: tuple[Grant, ...]
    reference_fields: frozenset[str]
    notifications: Calls | None = None


def read_manifest(message: Mapping[str, Any]) -> Manifest:
    """A manifest as JSON or msgpack gave it, checked strictly."""
    if not isinstance(message, Mapping) or set(message) - {"ca_file", "derived", "notifications"} != {
        "name", "origins", "slots", "reference_fields",
    }:
        raise BadManifest(
            "a manifest has name, origins, slots, reference_fields and perhaps ca_file, derived, notifications"
        )
    name, ca_file = message["name"], message.get("ca_file")
    if not isinstance(name, str) or not name or not (ca_file is None or isinstance(ca_file, str)):
        raise BadManifest("a manifest needs a name, and ca_file is a path or null")
    origins = [_origin(origin) for origin in _strings(message, "origins")]
    if not origins:
        raise BadManifest("a manifest needs an origin")
    slots, derived = message["slots"], message.get("derived", [])
    if not isinstance(slots, list | tuple) or not isinstance(derived, list | tuple):
        raise BadManifest("slots and derived must be lists")
    rules, grants = tuple(_rule(rule) for rule in slots), tuple(_grant(grant) for grant in derived)
    fields, calls = frozenset(_strings(message, "reference_fields")), message.get("notifications")
    notifications = None if calls is None else _calls(calls)
    return Manifest(name, frozenset(origins), ca_file, rules, grants, fields, notifications)


def check_places(order: Order, manifest: Manifest, *, marker: Callable[[], str]) -> None:
    """Raise Misplaced unless the URL is allowed and every directive and slot stands where the manifest grants it.

    A slot must be the whole value of its place. Each is filled with a fresh ``marker`` (letters and digits that the
    gateway cannot guess), then the message is read as its receiver would read it. A slot beside other characters, in a
    key, in a second field of the same name or in a message that cannot be read is nowhere, and so refused.
    """
    path = _check_url(order.url, manifest)
    granted = [rule for rule in manifest.rules if rule.method in ("*", order.method) and rule.path.fullmatch(path)]
    _check_derived(order, path, manifest)
    content_type = _check_headers(order, granted, marker)
    placed: dict[str, Slot] = {}
    body = b"".join(_mark(part, placed, marker) for part in order.body)
    if not placed:
        return
    found = _read_body(body, content_type)
    for place, value in found:
        slot = placed.pop(value, None)
        if slot is not None:
            _check_granted(slot, place, granted)
    if placed:
        raise Misplaced("slot_not_whole_value")


def _check_url(url: str, manifest: Manifest) -> str:
    match = _URL.fullmatch(url) if _URL_TEXT.fullmatch(url) else None
    if match is None or _DOTS.search(match["path"] or ""):
        raise Misplaced("url")
    if _origin(match["origin"]) not in manifest.origins:
        raise Misplaced("origin")
    return match["path"] or "/"


def _check_derived(order: Order, path: str, manifest: Manifest) -> None:
    for name, parts in order.headers:
        for part in parts:
            if isinstance(part, Derived) and not any(
                (grant.kind, grant.key, grant.header) == (part.kind, part.key, name.lower())
                and grant.method in ("*", order.method)
                and grant.path.fullmatch(path)
                for grant in manifest.grants
            ):
                raise Misplaced("derived_place")


def _check_headers(order: Order, granted: Sequence[Rule], marker: Callable[[], str]) -> str:
    content_type, seen = "", set()
    for name, parts in order.headers:
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name) or lower in _OURS or lower in seen:
            raise Misplaced("header")
        seen.add(lower)
        placed: dict[str, Slot] = {}
        value = b"".join(_mark(part, placed, marker) for part in parts)
        if not _HEADER_VALUE.fullmatch(value):
            raise Misplaced("header")
        if lower == "content-type":
            if not all(isinstance(part, bytes) for part in parts):
                raise Misplaced("header")
            content_type = value.decode("ascii").split(";")[0].strip().lower()
        if not placed:
            continue
        token = value.decode("ascii").removeprefix("Bearer ")
        if len(placed) != 1 or token not in placed:
            raise Misplaced("slot_not_whole_value")
        _check_granted(placed[token], f"header:{lower}", granted)
    return content_type


def _mark(part: HeaderPart, placed: dict[str, Slot], marker: Callable[[], str]) -> bytes:
    if isinstance(part, bytes):
        return part
    text = marker()
    if isinstance(part, SentAt | Derived):
        return text.encode("ascii")  # stands for characters that no slot may have beside it
    placed[text] = part
    return text.encode("ascii")


def _check_granted(slot: Slot, place: str, granted: Sequence[Rule]) -> None:
    if slot.encoding != _ENCODING_AT[place.partition(":")[0]]:
        raise Misplaced("slot_encoding")
    if not any(rule.slot == slot.name and rule.place == place for rule in granted):
        raise Misplaced("slot_place")


def _read_body(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """Every string value of the body with its place; whatever two readers might see differently is refused."""
    try:
        text = body.decode("utf-8")
        if content_type == "application/json":
            found: list[tuple[str, str]] = []
            _walk(json.loads(text, object_pairs_hook=_no_duplicates), "", found)
            return [(f"body:{path}", value) for path, value in found]
        if content_type == "application/x-www-form-urlencoded":
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, encoding="utf-8", errors="strict")
            if len({name for name, _ in pairs}) != len(pairs):
                raise Misplaced("body_ambiguous")
            return [(f"form:{name}", value) for name, value in pairs]
    except (ValueError, RecursionError) as error:
        raise Misplaced("body_unreadable") from error
    raise Misplaced("body_type")


def _walk(value: Any, path: str, found: list[tuple[str, str]]) -> None:
    if isinstance(value, str):
        found.append((path, value))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if "." in key:
                continue  # a dotted key could pose as another path: nothing below it is a place
            _walk(inner, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _walk(inner, f"{path}.{index}" if path else str(index), found)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Case-folded, because some readers match names without regard to case and would see a second value.
    if len({key.casefold() for key, _ in pairs}) != len(pairs):
        raise Misplaced("body_ambiguous")
    return dict(pairs)


def _origin(origin: str) -> str:
    match = _URL.fullmatch(origin)
    if match is None or match["path"] or match["query"]:
        raise BadManifest("an origin is https://host or https://host:port, in lower case")
    return match["origin"].removesuffix(":443")


def _strings(message: Mapping[str, Any], name: str) -> list[str]:
    values = message[name]
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) and value for value in values):
        raise BadManifest(f"{name} must be a list of strings")
    return list(values)


def _rule(rule: Any) -> Rule:
    if not isinstance(rule, Mapping) or set(rule) != {"slot", "method", "path", "place"}:
        raise BadManifest("a slot's rule has slot, method, path and place")
    slot, method, path, place = rule["slot"], rule["method"], rule["path"], rule["place"]
    if not all(isinstance(value, str) for value in (slot, method, path, place)):
        raise BadManifest("a slot's rule holds strings")
    if not (slot in CARD_SLOTS or is_secret(slot)):
        raise BadManifest("no such slot")
    kind, _, field = place.partition(":")
    if kind not in _ENCODING_AT or not field or (kind == "header" and field != field.lower()):
        raise BadManifest("a place is body:<path>, form:<field> or header:<name in lower case>")
    return Rule(slot, _method(method), _pattern(path), place)


def _grant(grant: Any) -> Grant:
    if not isinstance(grant, Mapping) or set(grant) != {"kind", "key", "method", "path", "header"}:
        raise BadManifest("a derived value's grant has kind, key, method, path and header")
    kind, key, method, path, header = (grant[name] for name in ("kind", "key", "method", "path", "header"))
    if not all(isinstance(value, str) for value in (kind, method, path, header)):
        raise BadManifest("a derived value's grant holds strings, and key may be null")
    if kind not in DERIVED_KINDS or not (is_secret(key) if kind == HMAC else key is None):
        raise BadManifest("a derived value is a hash without a key or an hmac with a secret.<name>")
    if not _HEADER_NAME.fullmatch(header) or header != header.lower() or header in _OURS | {"content-type"}:
        raise BadManifest("a derived value's header is a name in lower case that an order may set")
    return Grant(kind, key, _method(method), _pattern(path), header)


def _calls(calls: Any) -> Calls:
    if not isinstance(calls, Mapping) or set(calls) != {"header", "scheme", "secret"}:
        raise BadManifest("notifications have header, scheme and secret")
    header, scheme, secret = calls["header"], calls["scheme"], calls["secret"]
    if not all(isinstance(value, str) for value in (header, scheme, secret)):
        raise BadManifest("notifications hold strings")
    if not _HEADER_NAME.fullmatch(header) or header != header.lower():
        raise BadManifest("a notification's header is a name in lower case")
    if scheme not in SCHEMES or not _SECRET.fullmatch(secret):
        raise BadManifest("a notification has a known scheme and the name of a secret")
    return Calls(header, scheme, secret)


def _method(method: str) -> str:
    if method != "*" and method not in METHODS:
        raise BadManifest("no such method")
    return method


def _pattern(path: str) -> re.Pattern[str]:
    try:
        return re.compile(path)
    except re.error as error:
        raise BadManifest("path must be a regular expression") from error
