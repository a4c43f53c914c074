"""Writes docs/attributes.md from the catalogue of attributes: ``python -m tools.attributes``."""

import sys
from collections.abc import Iterator
from pathlib import Path

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, Attribute, Source
from lockgate.gateway.rules.core.words import CLOSED

PAGE = Path(__file__).resolve().parents[1] / "docs" / "attributes.md"
_TITLES: dict[Source, str] = {
    "payment": "The payment", "card": "The card", "person": "The person", "place": "The place",
    "device": "The device", "behaviour": "Behaviour on the payment page", "velocity": "Velocity and habits",
    "history": "Known frauds", "engine": "Outside engines", "score": "The score",
}  # fmt: skip
_INTRODUCTION = """# Attributes

Everything that a rule may name (`:name:`) and a model may learn from. This page is written from the catalogue
(`rules/core/catalogue.py`) by `python -m tools.attributes`, and a test keeps it up to date. How rules use them:
[rules.md](rules.md).

Money is in US cents, converted at the day's rate; times are in hours, distances in kilometres. What is not known of a
payment is missing. *In lists* names the type of value list that can hold an attribute's values, beside `string` and
`case_sensitive_string`; *lists only* ones can be looked for in lists (`:email: in @vip`) and nothing else, since their
values are never stored with a decision.

A window takes the payment itself in. `1m` and `1h` slide to the millisecond; `24h` goes by whole hours, `7d` and `30d`
by whole days, in UTC.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for source, title in _TITLES.items():
        those = [one for one in ATTRIBUTES.values() if one.source == source]
        if not those:
            continue
        yield f"## {title}\n\n| attribute | type | in lists | meaning |\n|---|---|---|---|"
        yield "\n".join(_row(one) for one in those) + "\n"


def _row(one: Attribute) -> str:
    held = "" if one.item_type is None else f"`{one.item_type}`" + (", lists only" if one.listed_only else "")
    words = CLOSED.get(one.name, ())
    said = "" if not words or len(words) > 6 else f" One of {', '.join(f'`{word}`' for word in words)}."
    return f"| `{one.name}` | {one.type} | {held} | {one.meaning}{said} |"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
