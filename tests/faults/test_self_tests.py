"""A green run must mean something: break one protection in a copy of the tree, and the layer that guards it turns red.

Each check is the one that the other files of this folder require of the sound tree.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lockgate.kernel.ids import new_id
from tests.faults import races
from tests.faults.copies import broken_copy
from tests.faults.merchant import merchant_of
from tests.faults.outside import broken_invariants, doubled, payments, simulator_of
from tests.faults.receiver import receiving
from tests.faults.recipes import earned
from tests.support.running import Running

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def sent_twice(running: Running) -> list[str]:
    """What the vault answers when it is handed one step twice by the gateway, under the gateway's own uid."""
    status = Path(f"/proc/{running['pids']['gateway']}/status").read_text()
    uid = int(status.split("Uid:")[1].split()[0])
    gid = int(status.split("Gid:")[1].split()[0])
    groups = [int(group) for group in status.split("Groups:")[1].splitlines()[0].split()]
    settings = running.settings()
    given = {
        "socket": f"{settings['run_dir']}/vault.sock",
        "key": running.secrets("gateway")["vault_key"],
        "step": new_id("pa"),
        "origin": settings["simulator"]["url"],
        "account": settings["account"],
    }
    dropped = {} if uid == os.getuid() else {"user": uid, "group": gid, "extra_groups": groups}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.send_twice"],
        cwd=ROOT, input=json.dumps(given), capture_output=True, text=True, check=False, **dropped,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_vault_sends_a_step_once(running: Running) -> None:
    assert sent_twice(running) == ["Answered", "Lost"]


def test_a_vault_that_ignores_claims_is_found_out() -> None:
    with broken_copy("vault/forward.py", "if not claimed.won:", "if not claimed.won and claimed.tombstone:") as running:
        assert sent_twice(running) == ["Answered", "Answered"]


async def test_books_without_their_transfers_are_found_out() -> None:
    with broken_copy(
        "gateway/payments/conclude.py", "commit.transfers.extend(settled.transfers)", "commit.transfers.extend(())"
    ) as running:
        async with merchant_of(running) as merchant:
            await merchant.captured(2_000)
        assert {"I2", "I3", "I6"} <= await broken_invariants(running)


async def test_payouts_without_their_reserve_are_found_out() -> None:
    with broken_copy(
        "gateway/migrations/005_records.sql", "if asked.amount > free then", "if asked.amount > free and false then"
    ) as running:
        async with merchant_of(running) as merchant:
            there = await earned(merchant, 1_000)
            outcomes = await races.payouts(merchant, 30)
            assert outcomes[200, "pending"] * 30 > there
        assert {"I1", "I6"} & await broken_invariants(running)


async def test_requests_that_claim_no_key_are_found_out() -> None:
    with broken_copy(
        "gateway/storage/idempotency.py", "if call.claim is None:\n        return []\n    return [\n        ClaimRow(",
        "if call.claim is not None:\n        return []\n    return [\n        ClaimRow(",
    ) as running:  # fmt: skip
        async with merchant_of(running) as merchant:
            said = await races.same_key_creates(merchant, 4_242)
        assert len({one.json["id"] for one in said}) > 1
        assert len([one for one in await payments(running) if one.standing]) > 1


async def test_events_that_nobody_sends_are_found_out() -> None:
    with broken_copy("gateway/storage/events.py", "    if ids:\n", "    if not ids:\n") as running:
        async with receiving() as receiver, merchant_of(running) as merchant:
            await merchant.post("webhook_endpoints", url=receiver.url, **{"enabled_events[0]": "*"})
            await asyncio.sleep(1.1)  # an endpoint is owed what is younger than itself, in whole seconds
            await merchant.captured(2_000)
            await asyncio.sleep(2)
            assert receiver.deliveries == []
        assert await broken_invariants(running) == {"I8"}


async def test_a_lost_answer_taken_for_an_order_not_sent_is_found_out() -> None:
    with broken_copy(
        "gateway/processors/simulator_answers.py",
        "case Lost(reason=reason):\n            return Result(Outcome.UNKNOWN, reason=reason)",
        "case Lost(reason=reason):\n            return Result(Outcome.FAILED, reason=reason)",
    ) as running:
        order = {"amount": 2_000, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa"}
        order |= {"key": new_id("k"), "metadata[order]": "the same order"}
        async with merchant_of(running) as merchant, simulator_of(running) as simulator:
            await simulator.order("reset_after", path="/authorizations")
            said = [await merchant.post("payment_intents", **order) for _ in range(2)]
        assert [one.status for one in said] == [503, 200]
        assert doubled(await payments(running)) != []
        assert "I3" in await broken_invariants(running)
