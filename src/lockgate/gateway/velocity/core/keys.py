"""The keys of a payment: keyed hashes of its card, customer, address, device and so on, never the values themselves."""

from collections.abc import Mapping
from typing import NamedTuple


class Keys(NamedTuple):
    """16 bytes each; None where the payment has no such thing. The fields are KINDS, in their order."""

    card: bytes | None = None
    customer: bytes | None = None
    ip: bytes | None = None
    device: bytes | None = None
    email: bytes | None = None
    bin: bytes | None = None

    def by_kind(self) -> Mapping[str, bytes | None]:
        """Kind -> key."""
        return self._asdict()


def index_name(kind: str) -> str:
    """What the keyed hash of a value of ``kind`` is made under, so that no two kinds' hashes can be compared."""
    return f"risk.{kind}"
