"""What people are told by mail about their own access, in plain words. Pure."""

from collections.abc import Mapping
from typing import NamedTuple


class Letter(NamedTuple):
    """``kind`` names it for the operator; ``text`` has places for facts in braces."""

    kind: str
    subject: str
    text: str

    def told(self, facts: Mapping[str, str]) -> str:
        """The whole text. No fact is read as a place for another."""
        return self.text.format_map(facts) + _FOOT


_FOOT = "\n\nIf this was not you, or you do not expect it, tell an owner of your account at once.\n"

INVITATION = Letter(
    "invitation",
    "You are invited to {account} on Lockgate",
    "You are invited to join {account} on Lockgate, as: {roles}.\n\nOpen this link within 72 hours to accept. It works"
    " once:\n\n{link}",
)
RESET = Letter(
    "password_reset",
    "Set a new password",
    "Somebody asked to set a new password for you. Open this link within 30 minutes; it works once:\n\n{link}\n\nYour"
    " second factor is still needed to sign in. If you did not ask for this, there is nothing to do: your password is"
    " unchanged.",
)
LOCKED = Letter(
    "sign_in_locked",
    "Signing in with your password is locked for a while",
    "There were too many wrong passwords for you, so signing in with a password from new places is locked. Where you"
    " signed in before, and with a passkey, you still can.\n\nIf it was you, open this link within 30 minutes to unlock"
    " it at once:\n\n{link}",
)
NEW_PLACE = Letter(
    "new_sign_in",
    "A sign-in from a new place",
    "You signed in from a browser or an address that was not seen before: {address}. You can end this session under"
    " your account's security settings.",
)
PASSWORD_CHANGED = Letter(
    "password_changed",
    "Your password was changed",
    "Your password was changed, and all other sessions have ended.",
)
FACTOR_CHANGED = Letter(
    "factor_changed",
    "Your second factors were changed",
    "What you sign in with has changed: {change}. If a factor came or went, all other sessions have ended.",
)
FACTOR_USED = Letter(
    "recovery_code_used",
    "A recovery code was used",
    "One of your recovery codes was used to sign in. Each works once; make new ones when few are left.",
)
FACTORS_RESET = Letter(
    "factors_reset",
    "Your second factors were taken away",
    "Whoever runs this installation has taken away all that you sign in with besides your password. You are asked for a"
    " new second factor the next time that you sign in: do so soon.",
)
ROLE_CHANGED = Letter(
    "role_changed",
    "Your roles were changed",
    "Your roles at {account} are now: {roles}. You have been signed out.",
)
ACCESS_ENDED = Letter(
    "access_ended",
    "Your access has ended",
    "Your access to {account} has ended.",
)
