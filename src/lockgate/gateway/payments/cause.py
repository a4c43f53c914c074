"""Who or what makes a change: a request or the clock, with the time at which it counts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.events import Origin
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.operations import Call
from lockgate.kernel.principal import Principal


class Cause(NamedTuple):
    """``now`` is business time in seconds; ``origin`` stands on every event that the change announces."""

    principal: Principal
    origin: Origin
    now: int
    request: str | None

    def audit(self, action: str, object_: str, *, outcome: str = "done", **detail: Any) -> AuditRow:
        """The audit record of one change."""
        return record(
            self.principal, action, object_=object_, request=self.request, outcome=outcome, detail=_present(detail)
        )


def of_call(call: Call) -> Cause:
    """A request of the API."""
    who = call.principal
    key = call.claim.shown if call.claim else None
    origin = Origin(who.account, who.livemode, call.event_version, call.now, call.request_id, key)
    return Cause(who, origin, call.now, call.request_id)


def of_clock(account: str, livemode: bool, *, name: str, api_version: str, now: int) -> Cause:
    """One of our own jobs, or the shopper's way back from a challenge: nobody's request."""
    who = Principal(account, livemode, "internal", name)
    return Cause(who, Origin(account, livemode, api_version, now, None, None), now, None)


def _present(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if value is not None}
