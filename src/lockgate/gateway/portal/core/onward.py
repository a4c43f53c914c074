"""Where somebody goes after a form: a page of ours that they asked for, and never another site."""

import re
from urllib.parse import quote

HOME = "/account/security"
_OURS = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]{0,4000}")
"""A path of ours: one slash, not two, and then only what a URL may hold as it stands (RFC 3986)."""


def checked(path: str | None) -> str:
    """``path`` where it stays here, or else the page of one's account."""
    return path if path is not None and _OURS.fullmatch(path) else HOME


def with_next(path: str, onward: str) -> str:
    """``path`` with where to go after it; the usual place goes without saying."""
    return path if onward == HOME else f"{path}?next={quote(onward, safe='')}"
