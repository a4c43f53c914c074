"""One process of a race for a limit: attempts that are read, judged and committed side by side; prints how many passed.

``python -m tests.gateway.velocity.race`` with the settings of the race as JSON on its standard input.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.storage.commit import Committer, Overrun
from lockgate.gateway.storage.database import connect_pool
from lockgate.gateway.storage.records import RiskGuardRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.velocity import find
from lockgate.gateway.velocity.core.keys import Keys
from tests.gateway.velocity.oracle import ACCOUNT, HOUR, Attempt

GUARDED = {"amount": "card_amount_1h", "attempts": "card_attempts_1h", "ips": "card_ips_1h", "cards": "ip_cards_1h"}


async def race(given: Mapping[str, Any]) -> Counter[str]:
    """Let ``attempts`` of ``amount`` run for ``limit`` of ``measure``: what would be past it is held."""
    pool = await connect_pool(database=given["database"], user=given["user"], password=given["password"], size=8)
    committer = Committer(pool)
    name, limit = GUARDED[given["measure"]], given["limit"]
    kind = name.split("_", 1)[0]
    outcomes: Counter[str] = Counter()

    async def attempt(number: int) -> None:
        own = f"{given['name']}{number}".encode().ljust(16, b"\0")
        shared = b"shared".ljust(16, b"\0")
        keys = Keys(card=shared, ip=own) if kind == "card" else Keys(card=own, ip=shared)
        for again in range(60):
            now_ms = given["now_ms"] + again
            value = (
                await find.history(
                    pool, account=ACCOUNT, livemode=True, keys=keys, amount=given["amount"], now_ms=now_ms
                )
            )[name]
            passes = value <= limit
            row = Attempt(f"att_{given['name']}{number}", keys, now_ms, given["amount"], "open").row()
            if not passes:
                row = row._replace(state="blocked")
            low, high = (None, limit + 1) if passes else (limit + 1, None)
            key = getattr(keys, kind)
            guard = RiskGuardRow(ACCOUNT, True, kind, key, given["measure"], now_ms - HOUR, low, high)
            try:
                await committer.commit(Commit(risk_events=[row], risk_guards=[guard]))
            except Overrun:
                outcomes["overrun"] += 1
                continue
            outcomes["passed" if passes else "held"] += 1
            return
        outcomes["gave up"] += 1

    await asyncio.gather(*(attempt(number) for number in range(given["attempts"])))
    await committer.close()
    await pool.close()
    return outcomes


if __name__ == "__main__":
    print(json.dumps(asyncio.run(race(json.load(sys.stdin)))))
