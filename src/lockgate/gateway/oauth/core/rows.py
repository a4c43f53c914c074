"""The rows of codes, requests, grants, sessions and refresh tokens, column for column."""

from typing import NamedTuple


class GrantRow(NamedTuple):
    """What one person let one app do with one account; ``asked`` is what the app asked for when it was given last."""

    account: str
    livemode: bool
    id: str
    created: int
    updated: int
    person: str
    app_account: str
    app: str
    asked: str
    scope: str
    last_used_at: int | None
    revoked_at: int | None
    revoked_by: str | None


class SessionRow(NamedTuple):
    """One redeemed code. ``key_thumbprint`` binds its refresh tokens to the key of a public app (RFC 9449 5)."""

    account: str
    livemode: bool
    id: str
    grant_id: str
    app_account: str
    app: str
    scope: str
    created: int
    expires_at: int
    key_thumbprint: str | None
    ended_at: int | None
    ended_why: str | None


class CodeRow(NamedTuple):
    """An authorization code by its hash. ``session`` is what its first use began."""

    account: str
    livemode: bool
    hash: bytes
    created: int
    expires_at: int
    grant_id: str
    app: str
    scope: str
    asked: str
    session: str | None


class RefreshRow(NamedTuple):
    """A refresh token by its hash."""

    account: str
    livemode: bool
    hash: bytes
    session: str
    created: int
    expires_at: int
    used_at: int | None


class RequestRow(NamedTuple):
    """An authorization request by the hash of its handle; ``person`` is who opened it."""

    account: str
    livemode: bool
    hash: bytes
    state: str
    app: str
    asked: str
    created: int
    expires_at: int
    person: str | None
