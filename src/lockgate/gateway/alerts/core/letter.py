"""What a mail about alerts says: each with its count, its times and what to do. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

MOST_TOLD = 30


def letter(shown: Mapping[str, Any], *, host: str) -> str:
    """One alert."""
    first, last = (datetime.fromtimestamp(shown[name], UTC).isoformat(" ") for name in ("first_at", "last_at"))
    return (
        f"{shown['summary']}\n\n"
        f"Severity: {shown['severity']}\nCount: {shown['count']}\nFirst: {first}\nLast: {last}\n"
        f"Alert: {shown['id']} (rule {shown['rule']}) at {host}\n\n"
        f"What to do: {shown['runbook'] or 'nothing.'}\n"
    )


def digest(alerts: Sequence[Mapping[str, Any]], *, host: str) -> str:
    """All that came up since the last letter, what is worst first; ``alerts`` are in that order."""
    parts = [letter(shown, host=host) for shown in alerts[:MOST_TOLD]]
    if len(alerts) > MOST_TOLD:
        parts.append(f"And {len(alerts) - MOST_TOLD} more: see the list of alerts.\n")
    return "\n---\n\n".join(parts)
