"""What a factor that was proved leaves behind, and the refusal where it was not."""

from dataclasses import dataclass
from typing import Literal

from lockgate.kernel.errors import Kind, Refusal

FactorKind = Literal["totp", "passkey", "recovery_code"]


@dataclass(frozen=True, slots=True)
class Proof:
    """``kind`` of factor, proved ``at`` (Unix seconds). ``user_verified``: the device asked for a finger, face or PIN,
    so that this one proof shows two factors.
    """

    kind: FactorKind
    at: int
    user_verified: bool = False


class NotProven(Refusal):
    """A wrong, used or outdated proof; which of them is for the audit record alone (``why``)."""

    def __init__(self, message: str, *, why: str) -> None:
        super().__init__(Kind.UNAUTHENTICATED, message, code="factor_refused")
        self.why = why
