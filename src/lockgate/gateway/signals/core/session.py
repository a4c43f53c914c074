"""A radar session as a decision meets it: what one visit's signals were judged to say, and how its typist types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.signals.core.typing import Profile

VALID_S = 2 * 3600
"""How long a payment may name a session: a checkout's length, so that a good visit cannot be kept for later."""

KEPT_S = 30 * 86_400
"""How long anything of a session is kept."""

PROFILE_KEPT_S = 400 * 86_400
"""How long a typing profile is kept that nothing was added to."""

HAND = "pointer"


@dataclass(frozen=True, slots=True)
class Session:
    """``device`` is this merchant's keyed hash of it, ``facts`` what `core/judge.summary` made of the report.

    ``samples`` are how this visit typed each field, and moved the pointer under the name ``HAND`` (empty where too
    little was done, or the account wants no profiles), ``profile`` the customer's of the same, ``address`` where the
    report came from. Every one of them began at a client: untrusted.
    """

    id: str
    created: int
    device: bytes | None
    is_device_new: bool
    facts: Mapping[str, Any]
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict, repr=False)
    profile: Mapping[str, Profile] = field(default_factory=dict, repr=False)
    address: str | None = field(default=None, repr=False)
