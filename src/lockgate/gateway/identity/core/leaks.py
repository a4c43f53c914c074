"""Reads a report of keys that were found in the open, and says of a place no more than what may be kept."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lockgate.gateway.identity.core import key_format
from lockgate.kernel.errors import invalid
from lockgate.kernel.params import read_fields

MOST_REPORTS = 100
_MOST_TEXT = 200
_NAMES = frozenset({"token", "type", "url", "source"})


class Report(NamedTuple):
    """One key that somebody found: its text, and where it stood, fit to be kept."""

    token: str
    place: str
    source: str

    def __repr__(self) -> str:
        return f"Report({self.place})"


def read(body: bytes, content_type: str) -> list[Report]:
    """The reports of one message: form fields, or JSON of one object or a list of them, as scanners send it."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return [_report(one) for one in _objects(body)]
    if kind == "application/x-www-form-urlencoded":
        return [_report(dict(read_fields(body)))]
    raise invalid("Send a report as application/x-www-form-urlencoded or as application/json.")


def _objects(body: bytes) -> Iterable[Mapping[str, Any]]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("The report is not valid JSON.") from None
    listed = given if isinstance(given, list) else [given]
    if not 1 <= len(listed) <= MOST_REPORTS or not all(isinstance(one, dict) for one in listed):
        raise invalid(f"A report is an object, or a list of 1 to {MOST_REPORTS} of them.")
    return listed


def _report(given: Mapping[str, Any]) -> Report:
    if "token" not in given:
        raise invalid("Missing required param: token.", param="token", code="parameter_missing")
    for name, value in given.items():
        if name in _NAMES and value is not None and not isinstance(value, str):
            raise invalid(f"Invalid {name}: a text is expected here.", param=name)
    source = given.get("source") or given.get("type") or ""
    return Report(str(given["token"]).strip(), _place(given.get("url") or ""), _plain(source))


def _place(url: str) -> str:
    """Host and path: a query may hold more secrets."""
    try:
        parts = urlsplit(url)
        return _plain(f"{parts.hostname or ''}{parts.path}")
    except ValueError:
        return ""


def _plain(text: str) -> str:
    for key in key_format.find_in(text):
        text = text.replace(key, key_format.hint(key))
    return re.sub(r"[^\x20-\x7e]", "?", text)[:_MOST_TEXT]
