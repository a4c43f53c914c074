"""What a report may hold: a closed set of small numbers, words and flags, and nothing in which a value could hide."""

import re
from dataclasses import dataclass
from typing import Any

from lockgate.gateway.signals.core.pointer import LIMITS, MOST_STROKES, NUMBERS, Stroke
from lockgate.kernel.errors import invalid
from lockgate.kernel.params import Boolean, Choice, Integer, Object, Param, Text, Type, clearable, optional, required

MOST_BYTES = 4096
TIMED = ("address", "email", "name", "phone")
"""The fields whose times may be known, without their order: what stands in them the merchant knows anyway."""

COLLECTOR = ("off", "notice", "ask")
_NUMBER = r"(?:0|[1-9][0-9]{0,4})"
_NUMBERS = re.compile(rf"{_NUMBER}(?:_{_NUMBER})*")
_STROKE = rf"{_NUMBER}(?:_{_NUMBER}){{{NUMBERS - 1}}}"
_STROKES = re.compile(rf"{_STROKE}(?:\.{_STROKE})*")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Whole numbers with ``_`` between, in rising order: sorted, so that nothing can be read from their order."""

    most: int
    maximum: int

    def parse(self, raw: Any, path: str) -> list[int]:
        if not isinstance(raw, str) or len(raw) > 6 * self.most or not _NUMBERS.fullmatch(raw):
            raise invalid(f"Invalid {path}: whole numbers with _ between are expected here.", param=path)
        found = [int(word) for word in raw.split("_")]
        if len(found) > self.most:
            raise invalid(f"Invalid {path}: it must hold at most {self.most} numbers.", param=path)
        if found != sorted(found) or found[-1] > self.maximum:
            raise invalid(f"Invalid {path}: its numbers must rise, up to {self.maximum}.", param=path)
        return found

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{_NUMBERS.pattern})$", "maxLength": 6 * self.most}


@dataclass(frozen=True, slots=True)
class Strokes:
    """Strokes of the pointer with ``.`` between, each of them numbers with ``_`` between."""

    def parse(self, raw: Any, path: str) -> list[Stroke]:
        longest = (6 * NUMBERS + 1) * MOST_STROKES
        if not isinstance(raw, str) or len(raw) > longest or not _STROKES.fullmatch(raw):
            raise invalid(
                f"Invalid {path}: strokes of {NUMBERS} whole numbers each, with _ between, and . between strokes, are"
                " expected here.", param=path,
            )  # fmt: skip
        rows = [[int(word) for word in stroke.split("_")] for stroke in raw.split(".")]
        if len(rows) > MOST_STROKES:
            raise invalid(f"Invalid {path}: it must hold at most {MOST_STROKES} strokes.", param=path)
        if any(number > most for row in rows for number, most in zip(row, LIMITS, strict=True)):
            raise invalid(f"Invalid {path}: a number is larger than any stroke has.", param=path)
        return [Stroke(*row) for row in rows]

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{_STROKES.pattern})$", "maxLength": (6 * NUMBERS + 1) * MOST_STROKES}


class Plain(Text):
    """Text of a form that means ASCII by its letters and digits, as browsers' patterns do."""

    def parse(self, raw: Any, path: str) -> str:
        value = super().parse(raw, path)
        if not value.isascii():
            raise invalid(f"Invalid string for {path}: it is not of the expected form.", param=path)
        return value


class Small(Object):
    """An object of at most ``MOST_BYTES`` bytes in all: measured before anything of it is looked at."""

    __slots__ = ()

    def parse(self, raw: Any, path: str) -> dict[str, Any]:
        if _size(raw) > MOST_BYTES:
            raise invalid(f"{path} is too large: a report has at most {MOST_BYTES} bytes.", param=path)
        return super().parse(raw, path)

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "description": f"At most {MOST_BYTES} bytes of names and values."}


def _size(raw: Any) -> int:
    """The bytes of a tree of fields. Trees are at most six deep, so that this ends."""
    if isinstance(raw, str):
        return len(raw.encode())
    if isinstance(raw, dict):
        return sum(len(name.encode()) + _size(value) for name, value in raw.items())
    return sum(_size(value) for value in raw)


def _words(most: int) -> Param:
    return optional(Plain(most, pattern=r"[\w .,:()/+-]+"))


def _count(most: int = 9999) -> Param:
    return optional(Integer(0, most))


def _object(params: dict[str, Type | Param]) -> Object:
    return Object({name: one if isinstance(one, Param) else optional(one) for name, one in params.items()})


_FLAG = Boolean()
_MS = 90_000_000
_STEPS = 400  # of 5 ms: longer pauses are no typing

DEVICE = _object(
    {
        "timezone": Text(64, pattern=r"[A-Za-z0-9_+/-]+"), "offset": Integer(-840, 840), "languages": _words(80),
        "platform": _words(40), "vendor": _words(40), "agent": required(Text(8, pattern=r"[0-9a-f]{8}")),
        "hint_platform": _words(40), "hint_mobile": _FLAG, "hint_brands": _words(120), "cores": Integer(0, 1024),
        "memory": Integer(0, 4096), "screen": Plain(20, pattern=r"\d{1,5}x\d{1,5}x\d{1,5}"),
        "window": Plain(24, pattern=r"\d{1,5}(x\d{1,5}){3}"), "ratio": Integer(0, 9999), "touch": Integer(0, 255),
        "pointer": Choice("fine", "coarse", "none"), "hover": _FLAG,
        "gamut": Choice("srgb", "p3", "rec2020", "none"), "plugins": Integer(0, 255), "pdf": _FLAG, "cookies": _FLAG,
        "storage": _FLAG, "math": Text(8, pattern=r"[0-9a-f]{8}"), "webdriver": required(_FLAG), "automation": _FLAG,
    }
)  # fmt: skip

_VISIT = _object(
    {
        "form_ms": required(Integer(0, _MS)), "visible_ms": _count(_MS), "focus_ms": _count(_MS),
        **{
            name: _count()
            for name in (
                "fields", "blurs", "keys", "untrusted", "injected", "overlaps", "corrections", "pastes", "autofills",
            )
        },
    }
)  # fmt: skip

_SUMS: dict[str, Type | Param] = {
    "count": _count(), "corrections": _count(), "hold_mean": _count(_STEPS), "hold_deviation": _count(_STEPS),
    "gap_mean": _count(_STEPS), "gap_deviation": _count(_STEPS),
}  # fmt: skip

_TIMES = _object({"holds": Numbers(32, _STEPS), "gaps": Numbers(32, _STEPS)})

_POINTER = _object(
    {
        "moves": _count(99_999), "path": _count(9_000_000), "straightness": _count(1000), "clicks": _count(),
        "still": _count(), "touches": _count(), "scrolls": _count(), "strokes": Strokes(),
    }
)  # fmt: skip

REPORT = Small(
    {
        "version": required(Choice("1")),
        "device": required(DEVICE),
        "visit": required(_VISIT),
        "card": optional(_object({**_SUMS, "pasted": _FLAG, "autofilled": _FLAG})),
        "other": optional(_object(_SUMS)),
        "typing": optional(_object(dict.fromkeys(TIMED, _TIMES))),
        "pointer": optional(_POINTER),
    }
)
"""What the collector sends. Times of keys are in steps of 5 ms, ``straightness`` in thousandths, ``agent`` is the
FNV-1a hash of what the browser calls itself, ``memory`` in quarters of a gigabyte, ``ratio`` in hundredths.
"""

DEVICE_TOKEN = Text(100, pattern=r"[A-Za-z0-9_.-]+")

CREATE = Object({"signals": required(REPORT), "device": optional(DEVICE_TOKEN, "What an earlier answer gave.")})
NOTHING = Object({})
SETTING = Object(
    {
        "collector": optional(
            Choice(*COLLECTOR), "off; notice: on, and the page says so; ask: on once the shopper agrees."
        ),
        "profiles": optional(Boolean(), "Whether customers' typing is compared with their own."),
        "notice": clearable(Text(500), "What the hosted page says about it, in place of our own words."),
    }
)
