"""People, memberships, invitations, sign-ins and sessions as they are stored. Pure."""

from typing import NamedTuple


class PersonRow(NamedTuple):
    """Somebody who may sign in; ``personal`` holds name and address, ``password`` a hash that names its parameters."""

    id: str
    created: int
    email_index: bytes
    personal: bytes | None
    password: str | None
    password_changed_at: int | None
    status: str
    disabled_reason: str | None
    active_since: int
    last_seen_at: int | None

    def __repr__(self) -> str:
        return f"PersonRow({self.id})"


class MembershipRow(NamedTuple):
    """What a person is in one account."""

    account: str
    person: str
    created: int
    roles: list[str]
    status: str
    granted_by: str
    changed_at: int


class MemberRow(NamedTuple):
    """A membership with what its account may see of the person."""

    membership: MembershipRow
    created: int
    personal: bytes | None
    status: str
    last_seen_at: int | None


class InvitationRow(NamedTuple):
    """A link that lets one person in, with these roles, once."""

    account: str
    id: str
    created: int
    expires_at: int
    kind: str
    status: str
    roles: list[str]
    secret_hash: bytes
    email_index: bytes | None
    personal: bytes | None
    invited_by: str
    person: str | None
    ended_at: int | None

    def __repr__(self) -> str:
        return f"InvitationRow({self.id})"

    def state(self, now: int) -> str:
        """The status as it is shown: a pending one whose time is over has expired."""
        return "expired" if self.status == "pending" and self.expires_at <= now else self.status


class SignInRow(NamedTuple):
    """A sign-in that has shown one factor: ``secret_hash`` is of what its browser holds."""

    id: str
    secret_hash: bytes
    person: str
    created: int
    expires_at: int
    failures: int
    device: bytes | None
    invitation: str | None
    invitation_account: str | None

    def __repr__(self) -> str:
        return f"SignInRow({self.id})"


class SessionRow(NamedTuple):
    """A session: ``began_at`` is when its person signed in, ``created`` when it got this id, anew at each step-up."""

    id: str
    person: str
    created: int
    began_at: int
    last_seen_at: int
    expires_at: int
    proved_at: int
    factors: list[str]
    device: bytes | None
    personal: bytes | None
    ended_at: int | None
    ended_reason: str | None

    def __repr__(self) -> str:
        return f"SessionRow({self.id})"

    def lives(self, now: int, *, idle_s: int) -> bool:
        """Whether it is neither ended nor too old nor left alone for too long."""
        return self.ended_at is None and now < self.expires_at and now - self.last_seen_at <= idle_s
