"""What people, invitations and sessions look like in the API."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, list_of, one_of

PERSON = Shape(
    "person",
    {
        "id": Field(STRING),
        "object": Field(const("person"), default="person"),
        "created": Field(INTEGER),
        "email": Field(STRING, nullable=True, personal=True),
        "joined": Field(INTEGER),
        "last_seen": Field(INTEGER, nullable=True),
        "name": Field(STRING, nullable=True, personal=True),
        "roles": Field(list_of(STRING), default=[]),
        "status": Field(one_of("active", "disabled")),
    },
)

INVITATION = Shape(
    "invitation",
    {
        "id": Field(STRING),
        "object": Field(const("invitation"), default="invitation"),
        "created": Field(INTEGER),
        "email": Field(STRING, nullable=True, personal=True),
        "expires_at": Field(INTEGER),
        "invited_by": Field(STRING),
        "person": Field(STRING, nullable=True),
        "roles": Field(list_of(STRING), default=[]),
        "status": Field(one_of("pending", "accepted", "revoked", "expired")),
    },
)

SESSION = Shape(
    "session",
    {
        "id": Field(STRING),
        "object": Field(const("session"), default="session"),
        "address": Field(STRING, nullable=True, personal=True),
        "created": Field(INTEGER),
        "current": Field(BOOLEAN, default=False),
        "expires_at": Field(INTEGER),
        "factors": Field(list_of(STRING), default=[]),
        "last_seen": Field(INTEGER),
        "person": Field(STRING),
        "proved_at": Field(INTEGER),
        "user_agent": Field(STRING, nullable=True, personal=True),
    },
)

ENDED = Shape(
    "sessions_ended",
    {
        "object": Field(const("sessions_ended"), default="sessions_ended"),
        "person": Field(STRING, nullable=True),
    },
)

TOKENS = Shape(
    "session_tokens",
    {
        "object": Field(const("session_tokens"), default="session_tokens"),
        "access_token": Field(STRING),
        "expires_in": Field(INTEGER),
        "person": Field(STRING),
        "refresh_token": Field(STRING),
        "session": Field(STRING),
        "session_expires_at": Field(INTEGER),
        "token_type": Field(const("Bearer"), default="Bearer"),
    },
)
