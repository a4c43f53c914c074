"""Which changes of an outside engine could let more payments through: those take a person, not a key. Pure."""

from lockgate.gateway.risk.engines.core.contract import FAIL_MODES, Engine


def loosened(before: Engine, after: Engine, *, rotated: bool = False) -> list[str]:
    """The parameters that became less strict, or put somebody else in the engine's place; none where it was off.

    An engine whose secret was ``rotated`` answers nothing until it is told the new one.
    """
    if not before.enabled:
        return []
    looser = {
        "acts": before.acts and not after.acts,
        "enabled": before.enabled and not after.enabled,
        "on_failure": FAIL_MODES.index(after.on_failure) < FAIL_MODES.index(before.on_failure),
        "rotate_secret": rotated and "before" in before.stages and after.on_failure == "allow",
        "stages": "before" in before.stages and "before" not in after.stages,
        "timeout_ms": after.timeout_ms < before.timeout_ms and after.on_failure == "allow",
        "url": after.url != before.url,
    }
    return [name for name, is_looser in looser.items() if is_looser]
