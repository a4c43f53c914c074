"""Start, stop and sudden death of the whole: nothing is left running, and nothing that was acknowledged is gone."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.kernel.ids import new_id
from tests.faults.merchant import Said, merchant_of
from tests.faults.outside import verified
from tests.support.running import Running, discard, start_lockgate

GONE_WITHIN_S = 15
PAYMENT = {"amount": 1_234, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}


@pytest.fixture
def lockgate() -> Iterator[Running]:
    running = start_lockgate()
    yield running
    discard(running)


def processes_of(running: Running) -> dict[int, str]:
    """Every process whose command line or working place names this home."""
    found = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (directory / "stat").read_text().rsplit(")", 1)[1].split()[0]
            where = os.readlink(directory / "cwd")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if state != "Z" and (str(running.home) in command or where.startswith(str(running.home))):
            found[int(directory.name)] = command
    return found


def all_gone(running: Running, pids: dict[str, int]) -> None:
    end = time.monotonic() + GONE_WITHIN_S
    while left := processes_of(running):
        if time.monotonic() > end:
            raise AssertionError(f"still running: {left}")
        time.sleep(0.05)
    assert not [pid for pid in pids.values() if Path(f"/proc/{pid}").exists() and str(running.home) in cmdline(pid)]


def cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def pay(running: Running, key: str) -> Said:
    async with merchant_of(running) as merchant:
        return await merchant.until_free("payment_intents", key=key, **PAYMENT)


def start_again(running: Running, capsys: pytest.CaptureFixture[str]) -> Running:
    began = time.monotonic()
    again = start_lockgate(running.ready_file.parent)
    with capsys.disabled():
        print(f"\nstarted again in {time.monotonic() - began:.1f} s")
    return again


def test_a_killed_supervisor_leaves_nothing_running_and_nothing_lost(
    lockgate: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    key = new_id("k")
    first = asyncio.run(pay(lockgate, key))
    assert first.outcome == (200, "succeeded")
    pids = dict(lockgate.refresh()["pids"])
    assert set(pids) >= {"postgres", "vault", "gateway", "worker", "simulator"}
    assert set(pids.values()) <= set(processes_of(lockgate)), "the search would miss what it looks for"
    os.kill(lockgate.process.pid, signal.SIGKILL)
    lockgate.process.wait(10)
    all_gone(lockgate, pids)
    again = start_again(lockgate, capsys)
    try:
        second = asyncio.run(pay(again, key))
        assert second.headers["idempotent-replayed"] == "true"
        assert (second.status, second.body) == (first.status, first.body)
        asyncio.run(verified(again))
    finally:
        again.stop()


def test_ctrl_c_stops_everything_and_the_next_start_goes_on(
    lockgate: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    key = new_id("k")
    first = asyncio.run(pay(lockgate, key))
    keys = (lockgate["secret_key"], lockgate["publishable_key"], lockgate["account"])
    pids = dict(lockgate.refresh()["pids"])
    assert lockgate.stop() == 0, lockgate.tail()
    all_gone(lockgate, pids)
    assert not lockgate.ready_file.exists()
    again = start_again(lockgate, capsys)
    try:
        assert (again["secret_key"], again["publishable_key"], again["account"]) == keys
        second = asyncio.run(pay(again, key))
        assert (second.status, second.body) == (first.status, first.body)
        asyncio.run(verified(again))
    finally:
        again.stop()
