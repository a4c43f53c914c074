"""Whom a notification's address names: read strictly, because everything after it depends on it."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_ACCOUNT = re.compile(r"acct_[0-9A-Za-z]{1,64}")
_MODES = {"test": False, "live": True}


class Place(NamedTuple):
    """A processor's line to one account in one mode."""

    processor: str
    account: str
    livemode: bool


def read(path: Mapping[str, str]) -> Place | None:
    """The place that the path's parts name; None for anything but an account's own form and one of the two modes."""
    if path["mode"] not in _MODES or not _ACCOUNT.fullmatch(path["account"]):
        return None
    return Place(path["processor"], path["account"], _MODES[path["mode"]])
