"""What merchants may send about disputes and warnings: parsed strictly into closed messages, or refused by field."""

import re
from dataclasses import dataclass, field
from typing import Any

from lockgate.simulator.parsing import REFERENCE, BadMessage, closed, digest, flag, matching

MAX_TEXT = 20_000
MAX_FIELDS = 40
_FIELD = re.compile(r"[a-z_]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An answer to a dispute: the kinds of evidence by name, and the free text. Unless ``submit``, it is only kept."""

    reference: str
    dispute: str
    fields: tuple[str, ...]
    text: str = field(repr=False)
    submit: bool
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A dispute given up."""

    reference: str
    dispute: str
    digest: str


def evidence(body: dict[str, Any]) -> Evidence:
    """Parse POST /disputes/evidence."""
    closed(body, required=("reference", "dispute", "fields", "text"), optional=("submit",))
    fields, text = body["fields"], body["text"]
    if not isinstance(fields, list) or len(fields) > MAX_FIELDS or not all(
        isinstance(name, str) and _FIELD.fullmatch(name) for name in fields
    ):
        raise BadMessage("fields", "must be a list of names")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise BadMessage("text", f"must be a string of at most {MAX_TEXT} characters")
    return Evidence(
        reference=matching(body, "reference", REFERENCE),
        dispute=matching(body, "dispute", REFERENCE),
        fields=tuple(fields),
        text=text,
        submit=flag(body, "submit", default=True),
        digest=digest("evidence", body),
    )


def acceptance(body: dict[str, Any]) -> Acceptance:
    """Parse POST /disputes/accept."""
    closed(body, required=("reference", "dispute"))
    return Acceptance(
        reference=matching(body, "reference", REFERENCE),
        dispute=matching(body, "dispute", REFERENCE),
        digest=digest("acceptance", body),
    )


def named(body: dict[str, Any], name: str) -> str:
    """Parse an inquiry whose only field is ``name``: the id of a dispute, a warning or a payout."""
    closed(body, required=(name,))
    return matching(body, name, REFERENCE)
