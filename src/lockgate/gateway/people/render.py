"""People, invitations, sessions and sign-ins as the API shows them."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.people.accept_invitation import Shown
from lockgate.gateway.people.core.rows import InvitationRow, MemberRow, SessionRow
from lockgate.gateway.people.core.shapes import INVITATION, PERSON, SESSION
from lockgate.gateway.people.sessions import Started
from lockgate.gateway.people.sign_in import Begun, Finished


def person(row: MemberRow, opened: Mapping[str, Any]) -> dict[str, Any]:
    """A member of one account. Somebody disabled everywhere is disabled here too."""
    own = row.membership
    return PERSON.render(
        {
            "id": own.person,
            "created": row.created,
            "email": opened.get("email"),
            "joined": own.created,
            "last_seen": row.last_seen_at,
            "name": opened.get("name"),
            "roles": list(own.roles),
            "status": own.status if row.status == "active" else "disabled",
        }
    )


def invitation(row: InvitationRow, opened: Mapping[str, Any], *, now: int) -> dict[str, Any]:
    return INVITATION.render(
        {
            "id": row.id,
            "created": row.created,
            "email": opened.get("email"),
            "expires_at": row.expires_at,
            "invited_by": row.invited_by,
            "person": row.person,
            "roles": list(row.roles),
            "status": row.state(now),
        }
    )


def session(row: SessionRow, opened: Mapping[str, Any], *, current: bool) -> dict[str, Any]:
    return SESSION.render(
        {
            "id": row.id,
            "address": opened.get("address"),
            "created": row.began_at,
            "current": current,
            "expires_at": row.expires_at,
            "factors": list(row.factors),
            "last_seen": row.last_seen_at,
            "person": row.person,
            "proved_at": row.proved_at,
            "user_agent": opened.get("user_agent"),
        }
    )


def begun(value: Begun) -> dict[str, Any]:
    """A sign-in that waits for its second factor."""
    return {
        "object": "sign_in",
        "id": value.id,
        "secret": value.secret,
        "methods": list(value.methods),
        "passkey_options": value.challenge,
        "expires_at": value.expires_at,
    }


def started(value: Started) -> dict[str, Any]:
    """The tokens of a session: shown to whoever proved themselves, and never again."""
    return {
        "object": "session_tokens",
        "session": value.session.id,
        "person": value.session.person,
        "token_type": "Bearer",
        "access_token": value.access,
        "expires_in": value.access_s,
        "refresh_token": value.refresh,
        "session_expires_at": value.session.expires_at,
    }


def finished(value: Finished) -> dict[str, Any]:
    """The same after a sign-in, with the device's secret, and recovery codes if there are new ones."""
    return {**started(value.started), "device": value.device, "recovery_codes": list(value.recovery_codes)}


def shown(value: Shown) -> dict[str, Any]:
    """What a form about an invitation says."""
    return {
        "object": "invitation",
        "account_name": value.account_name,
        "email": value.email,
        "kind": value.row.kind,
        "known": value.known,
        "roles": list(value.row.roles),
        "expires_at": value.row.expires_at,
    }
