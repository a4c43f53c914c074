"""What sealing the audit log costs: the same payments with the sealer held up and let go, turn by turn."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg

from lockgate.gateway.audit import store
from tests.support.cluster import run_apart
from tests.support.running import Running

TURNS = 4


class Hold:
    """The sealer's turn, taken by somebody who does nothing with it."""

    def __init__(self, running: Running) -> None:
        settings = running.settings()["database"]
        self._details = {
            "host": settings["host"], "port": settings["port"], "database": settings["name"],
            "user": "lockgate_owner", "password": running.secrets("owner")["database_password"],
        }  # fmt: skip

    def during(self, work: Callable[[], Any]) -> Any:
        """Run ``work`` while nothing is sealed."""

        async def run() -> Any:
            connection = await asyncpg.connect(**self._details)
            try:
                await connection.execute("select pg_advisory_lock($1)", store.LOCK)
                return work()
            finally:
                await connection.close()

        return run_apart(run())

    def wait_sealed(self, within_s: float = 120) -> None:
        """Until every record has its seal."""

        async def unsealed() -> int:
            connection = await asyncpg.connect(**self._details)
            try:
                return await connection.fetchval(
                    "select (select count(*) from gateway.audit) - (select count(*) from gateway.audit_seal)"
                )
            finally:
                await connection.close()

        end = time.monotonic() + within_s
        while run_apart(unsealed()) and time.monotonic() < end:
            time.sleep(0.2)


def bench_sealing(
    running: Running,
    pids: Mapping[str, int],
    *,
    pay: Callable[[], dict[str, Any]],
    measured: Callable[..., tuple[dict[str, Any], dict[str, float]]],
) -> None:
    """CPU time a payment with and without sealing, the simulator aside; the medians of a few turns of each."""
    hold = Hold(running)

    def pay_and_seal() -> dict[str, Any]:
        result = pay()
        hold.wait_sealed()
        return result

    without: list[float] = []
    with_: list[float] = []
    rates: tuple[list[float], list[float]] = ([], [])
    hold.wait_sealed()
    for _ in range(TURNS):
        for spent, rate, run in ((without, rates[0], lambda: hold.during(pay)), (with_, rates[1], pay_and_seal)):
            result, per = measured(pids, run)
            spent.append(sum(ms for name, ms in per.items() if name != "simulator"))
            rate.append(result["per_second"])
            hold.wait_sealed()
    before, after = statistics.median(without), statistics.median(with_)
    slower = 1 - statistics.median(rates[1]) / statistics.median(rates[0])
    print(
        f"sealing the audit log: {after - before:+.3f} ms CPU a payment ({(after - before) / before:+.1%}), "
        f"writers {slower:+.1%} slower"
    )
