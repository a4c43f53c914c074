"""Starts a process of a race for a limit, and hears how it went."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

from tests.gateway.velocity.streams import START_MS
from tests.support.cluster import Database

ROOT = Path(__file__).resolve().parents[3]


async def racer(database: Database, name: str, *, measure: str, limit: int, amount: int, attempts: int) -> Counter[str]:
    """Run one process of a race and return what became of its attempts."""
    role = database["gateway"]
    given = {
        "database": database.settings, "user": role["user"], "password": role["password"], "name": name,
        "measure": measure, "limit": limit, "amount": amount, "attempts": attempts, "now_ms": START_MS,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.gateway.velocity.race",
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate(json.dumps(given).encode())
    assert process.returncode == 0
    return Counter(json.loads(told))
