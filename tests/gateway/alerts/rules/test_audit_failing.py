"""The log falls behind, or does not hold."""

import pytest

from lockgate.gateway.identity.witness import Witness
from lockgate.kernel.principal import Principal


class Closed:
    """A pool whose server is gone."""

    async def execute(self, *_):
        raise OSError("gone")


async def test_behind_and_broken_are_two_alerts(room):
    for action in ("audit.seal_behind", "audit.broken", "audit.seal_behind"):
        await room.happen(action, outcome="failed", account="-")
    await room.judge()
    assert [(alert["subject"], alert["severity"]) for alert in await room.alerts()] == [
        ("audit.seal_behind", "critical"), ("audit.broken", "critical"),
    ]  # fmt: skip


async def test_records_that_the_witness_lost_are_told_when_it_writes_again(room):
    witness = Witness(room.gateway)
    who = Principal("-", False, "internal", "unknown", address="203.0.113.7")
    broken = Witness(Closed())
    with pytest.raises(OSError):
        await broken.refused(who, "permission.refused", reason="x", request=None)
    broken._pool = room.gateway
    await broken.refused(who, "permission.refused", reason="x", request=None)
    await witness.refused(who, "permission.refused", reason="x", request=None)
    await room.judge()
    [alert] = await room.alerts("audit_failing")
    assert alert["subject"] == "audit.unwritten" and alert["count"] == 1 and "1 records" in alert["summary"]
