"""An outside engine as the API shows it: its secret only when it was just made."""

from typing import Any

from lockgate.gateway.risk.engines.core.contract import Engine
from lockgate.gateway.risk.engines.core.shapes import RISK_ENGINE


def engine(row: Engine, *, secret: str | None = None) -> dict[str, Any]:
    """One engine."""
    return RISK_ENGINE.render(
        {
            "id": row.id,
            "acts": row.acts,
            "created": row.created,
            "enabled": row.enabled,
            "livemode": row.livemode,
            "name": row.name,
            "on_failure": row.on_failure,
            "secret": secret,
            "shares": list(row.shares),
            "stages": list(row.stages),
            "timeout_ms": row.timeout_ms,
            "updated": row.updated,
            "url": row.url,
            "version": row.version,
        }
    )
