"""What the clock calls in oauth: forgetting what is over."""

from lockgate.gateway.oauth import store_tokens
from lockgate.gateway.oauth.issue import LONGEST_S
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

_KEPT_S = LONGEST_S + 24 * 3600  # a code or token that comes back late must still be known as spent


def jobs(pool: Pool) -> list[Job]:
    """The oauth jobs."""

    async def brief() -> int:
        now = clock.now()
        await store_tokens.forget_requests(pool, now=now)
        await store_tokens.forget_ended_tokens(pool, now=now)
        await store_tokens.forget_proofs(pool, now=now)
        return 0

    async def lasting() -> int:
        before = clock.now() - _KEPT_S
        await store_tokens.forget_codes(pool, before=before)
        await store_tokens.forget_refresh_tokens(pool, before=before)
        await store_tokens.forget_sessions(pool, before=before)
        return 0

    return [Job("oauth.forget", 60_000, brief), Job("oauth.forget_sessions", 3_600_000, lasting)]
