"""Cookies as every page of ours sets them: bound to this host, sent over TLS only, and out of reach for scripts."""

from typing import Literal

PREFIX = "__Host-"
_MOST_BYTES = 4000

SetCookie = tuple[str, str]
"""A header, ready to stand in an Answer."""


def set(name: str, value: str, *, max_age_s: int | None, same_site: Literal["Lax", "Strict"] = "Lax") -> SetCookie:
    """Keep ``value`` for ``max_age_s`` seconds, or until the browser is closed where that is None."""
    assert name.startswith(PREFIX), f"the cookie {name} is not bound to its host"
    assert len(name) + len(value) < _MOST_BYTES, f"the cookie {name} is larger than browsers keep"
    assert not any(sign in value for sign in " ;,\r\n"), f"the cookie {name} holds what ends a cookie"
    age = "" if max_age_s is None else f"; Max-Age={max_age_s}"
    return ("Set-Cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}{age}")


def clear(name: str) -> SetCookie:
    """Forget the cookie ``name``."""
    return set(name, "", max_age_s=0)
