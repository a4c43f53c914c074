"""Takes this order's card and secret values, and any other card number, out of what a processor answers. Pure."""

import base64
import html
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from lockgate.kernel import card_ranges

REMOVED = "[removed]"
_RUN = re.compile(r"(?<![0-9])[0-9](?:[ .\-]?[0-9]){11,18}(?![0-9])")
_RUN_BYTES = re.compile(rb"[0-9](?:[ .\-]?[0-9]){11}")
_CODED = re.compile(rb"\\u|%[0-9A-Fa-f]{2}|&#")
_SPREAD = re.compile(r"[0-9][0-9 .\-]{11,}")
_SEPARATORS = str.maketrans("", "", " .-")
_CVC_FIELD = re.compile(r"cv[cvn]|card_?code|security|verification", re.IGNORECASE)
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX_RUN = re.compile(r"(?:[0-9A-Fa-f]{2}){12,}")


@dataclass(frozen=True, slots=True)
class Sent:
    """What an order carried that must not come back: the card's number and code, secrets, and what was derived."""

    number: str | None = field(default=None, repr=False)
    cvc: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    digests: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def long_values(self) -> tuple[str, ...]:
        return (self.number, *self.secrets) if self.number else self.secrets


class Cleaner:
    """Cleans one order's answer.

    ``reference_fields`` are names whose values the processor wants back later: the search for unknown card numbers
    spares them (one in ten random long numbers passes Luhn); what this order sent is removed there too.
    """

    def __init__(self, sent: Sent, reference_fields: Collection[str] = ()) -> None:
        self._sent = sent
        self._references = frozenset(reference_fields)
        needles = {needle for value in sent.long_values for needle in _spellings(value)}
        needles.update(needle for digest in sent.digests for needle in _digest_spellings(digest))
        self._needles = sorted(needles, key=len, reverse=True)
        # A decoder's reading of a text is searched for the digest itself, and for its own two spellings.
        self._hideable = (*sent.long_values, *(form for digest in sent.digests for form in _digest_forms(digest)))
        self._needle_bytes = [needle.encode("utf-8") for needle in self._needles]

    def body(self, body: bytes) -> bytes:
        """``body``, or what is left of it; the same bytes when nothing had to go."""
        if not self._suspect(body):
            return body
        text = body.decode("utf-8", "replace")
        try:
            parsed = json.loads(text, object_pairs_hook=_pairs)
        except (ValueError, RecursionError):
            return self._plain(text).encode("utf-8")
        cleaned = self._value(parsed, "")
        if cleaned == parsed and not _CODED.search(body):
            return body
        rewritten = json.dumps(cleaned, ensure_ascii=False, separators=(",", ":"))
        return rewritten.encode("utf-8", "replace")

    def header(self, name: str, value: str) -> str:
        """A header's value as it may be shown."""
        return self._text(value, exempt=name.lower() in self._references)

    def _suspect(self, body: bytes) -> bool:
        if _RUN_BYTES.search(body) or _CODED.search(body):
            return True
        if self._sent.cvc and self._sent.cvc.encode() in body:
            return True
        return any(needle in body for needle in self._needle_bytes) or self._hidden(body.decode("latin-1"))

    def _value(self, value: Any, name: str) -> Any:
        exempt = name in self._references
        if isinstance(value, str):
            is_cvc = value == self._sent.cvc and not exempt
            return REMOVED if is_cvc else self._text(value, exempt=exempt)
        if isinstance(value, dict):
            return {self._text(key, exempt=False): self._value(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._value(inner, name) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            digits = str(abs(value))
            # An amount may happen to equal the code: a bare number is the code only where its name says so.
            is_cvc = digits == self._sent.cvc and _CVC_FIELD.search(name) is not None
            return REMOVED if is_cvc or self._text(digits, exempt=exempt) != digits else value
        return value

    def _plain(self, text: str) -> str:
        """Text that is no JSON: forms field by field, anything else as one string."""
        text = self._text(text, exempt=True)  # first as a whole: a secret may hold the characters that part fields
        if "=" in text and "\n" not in text.strip() and "<" not in text:
            return "&".join(self._pair(pair) for pair in text.split("&"))
        cleaned = self._text(text, exempt=False)
        if self._sent.cvc:
            cleaned = re.sub(rf"(?<![0-9A-Za-z.]){self._sent.cvc}(?![0-9A-Za-z.])", REMOVED, cleaned)
        return cleaned

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        exempt = unquote_plus(name) in self._references
        if self._sent.cvc and unquote_plus(value) == self._sent.cvc and not exempt:
            value = REMOVED
        return self._text(name, exempt=False) + equals + self._text(value, exempt=exempt)

    def _text(self, text: str, *, exempt: bool) -> str:
        for needle in self._needles:
            if needle in text:
                text = text.replace(needle, REMOVED)
        if not exempt:
            text = _RUN.sub(_remove_card, text)
        if self._hidden(text) or (not exempt and any(_RUN.sub(_remove_card, v) != v for v in _decoded(text))):
            return REMOVED
        return text

    def _hidden(self, text: str) -> bool:
        """Whether a decoding, or the bare digits, of ``text`` show a value that its own spelling does not."""
        number = self._sent.number
        if number and any(number in run.translate(_SEPARATORS) for run in _SPREAD.findall(text)):
            return True
        return any(value in decoded for decoded in _decoded(text) for value in self._hideable)


def _remove_card(match: re.Match[str]) -> str:
    return REMOVED if card_ranges.card_like(match.group().translate(_SEPARATORS)) else match.group()


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a name twice: read as plain text, so that nothing hides behind the other")
    return dict(pairs)


def _spellings(value: str) -> Iterator[str]:
    """``value`` as encoders write it: as it is, percent-encoded, JSON-escaped, HTML-escaped, hexadecimal, base64."""
    raw = value.encode("utf-8")
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield html.escape(value)
    yield raw.hex()
    yield raw.hex().upper()
    for offset in range(3):
        # base64 writes a value in three ways, by where it starts in its text; the characters it shares are cut off.
        coded = base64.b64encode(b"\0" * offset + raw).decode("ascii")
        inner = coded[(0, 2, 3)[offset] : len(coded) - ((0, 3, 2)[(offset + len(raw)) % 3])]
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))


def _digest_forms(digest: bytes) -> tuple[str, str, str]:
    return digest.decode("latin-1"), digest.hex(), base64.b64encode(digest).decode("ascii").rstrip("=")


def _digest_spellings(digest: bytes) -> Iterator[str]:
    """A digest as it is written: hexadecimal, and base64 as it is, for URLs, percent-encoded and with ``/`` escaped."""
    _, plain, coded = _digest_forms(digest)
    yield plain
    yield plain.upper()
    yield coded
    yield coded.translate(str.maketrans("+/", "-_"))
    yield quote(coded, safe="")
    yield coded.replace("/", "\\/")


def _decoded(text: str) -> Iterator[str]:
    """``text`` as its possible decoders would read it, where that differs."""
    if "%" in text:
        yield unquote_plus(text)
    if "&#" in text:
        yield html.unescape(text)
    if "\\u" in text:
        yield re.sub(r"\\u([0-9A-Fa-f]{4})", lambda match: chr(int(match.group(1), 16)), text)
    for run in _HEX_RUN.findall(text):
        yield bytes.fromhex(run).decode("latin-1")
    for run in _BASE64_RUN.findall(text):
        coded = run.rstrip("=").translate(str.maketrans("-_", "+/"))
        if len(coded) % 4 != 1:
            yield base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("latin-1")
