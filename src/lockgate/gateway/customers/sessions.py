"""Radar sessions that a request names: they must be this account's own."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.signals import find
from lockgate.gateway.storage.database import Pool
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def check(pool: Pool, principal: Principal, params: Mapping[str, Any], *, path: str = "") -> None:
    """Refuse ``params``, which stand at ``path``, when their radar_options name a session that is not there.

    How old it may be to count is for whoever judges the payment.
    """
    named = (params.get("radar_options") or {}).get("session")
    if named is not None and await find.row(pool, principal, named) is None:
        param = f"{path}[radar_options][session]" if path else "radar_options[session]"
        raise missing("radar.session", named, param=param)
