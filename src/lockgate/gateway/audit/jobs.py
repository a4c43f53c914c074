"""What the clock calls in the audit room: sealing, checkpoints, their export, retention, and the watch on the clock."""

from lockgate.gateway.audit import backlog, checkpoint, publish, retire
from lockgate.gateway.audit.find_strays import PLATFORM
from lockgate.gateway.audit.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.audit.seal import PORTION, Broken, Sealer
from lockgate.gateway.audit.watch_clock import EVERY_MS as LOOK_EVERY_MS
from lockgate.gateway.audit.watch_clock import ClockWatch
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock, log
from lockgate.kernel.principal import Principal

SEAL_EVERY_MS = 1_000
RETIRE_EVERY_MS = 3_600_000
BEHIND_EVERY_MS = 30_000
BEHIND_MS = 300_000
AGAIN_MS = 3_600_000
_logger = log.get("audit")


def jobs(ports: Ports) -> list[Job]:
    """The audit room's jobs."""
    sealer = Sealer(ports.sealing)
    alarm = Alarm(ports)

    async def seal() -> int:
        try:
            done = await sealer.portion()
            made = await checkpoint.make_if_due(ports)
            if made is not None and ports.policy.checkpoint_dir is not None:
                await publish.publish(ports.sealing, ports.policy.checkpoint_dir)
        except Broken as fault:
            await alarm.raise_("audit.broken", str(fault))
            return 0
        except publish.Unwritable as fault:
            await alarm.raise_("audit.export_failed", str(fault))
            return 0
        return done if done == PORTION else 0  # a rest is worth waiting for the next round

    async def behind() -> int:
        age_ms = await backlog.age_ms(ports.pool)
        if age_ms > BEHIND_MS:
            await alarm.raise_("audit.seal_behind", f"the oldest unsealed record is {age_ms // 1000} s old")
        return 0

    async def retired() -> int:
        return await retire.portion(ports)

    watch = ClockWatch(ports.pool, limit_s=ports.policy.max_clock_skew_s)
    return [
        Job("audit.seal", SEAL_EVERY_MS, seal),
        Job("audit.behind", BEHIND_EVERY_MS, behind),
        Job("audit.retire", RETIRE_EVERY_MS, retired),
        Job("audit.clock", LOOK_EVERY_MS, watch.look, shared=True),  # each worker has a clock of its own
    ]


class Alarm:
    """Says what is wrong in the log of the program and as an audit record, each kind once an hour."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._said: dict[str, int] = {}

    async def raise_(self, action: str, reason: str) -> None:
        now = clock.now_ms()
        if now - self._said.get(action, -AGAIN_MS) < AGAIN_MS:
            return
        _logger.error("the audit log needs somebody", action=action, reason=reason)
        who = Principal(PLATFORM, False, "internal", "sealer")
        told = record(who, action, object_=None, request=None, outcome="alarm", detail={"reason": reason})
        await insert_audits(self._ports.pool, [told])
        self._said[action] = now
