"""Checks proofs of possession (RFC 9449), each of them good once among all processes."""

from collections.abc import Sequence

from lockgate.gateway.identity.authenticate import Unauthenticated
from lockgate.gateway.identity.core import dpop
from lockgate.gateway.identity.seen import first_time
from lockgate.gateway.storage.database import Pool

CHALLENGE = f'DPoP error="invalid_dpop_proof", algs="{" ".join(dpop.ALGORITHMS)}"'


class Dpop:
    """Knows the proofs that were shown already by a table that all processes share."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def check(
        self, proofs: Sequence[str], *, method: str, url: str, token: str | None, now: int
    ) -> str:
        """The thumbprint of the key that made the request's only proof, or Unauthenticated."""
        try:
            proof = dpop.check(proofs, method=method, url=url, token=token, now=now)
        except dpop.Refused as refusal:
            raise _refused(str(refusal), refusal.why) from None
        if not await first_time(
            self._pool, kind="dpop", maker=proof.jkt, jti=proof.jti, expires_at=proof.expires_at
        ):
            raise _refused("This DPoP proof was used before: make a new one for each request.", "replayed")
        return proof.jkt


def _refused(message: str, why: str) -> Unauthenticated:
    return Unauthenticated(message, why=f"dpop_{why}", code="invalid_dpop_proof", challenge=CHALLENGE)
