"""A person or key that is used in two places between which nobody travels so fast."""

from lockgate.gateway.alerts.core.rule import DAY, History, Use, UseRule
from lockgate.gateway.identity.core.earth import apart_km, speed_km_h

FAR_KM = 300
FASTEST_KM_H = 900  # an airliner's cruising speed


def _judge(use: Use, history: History) -> str | None:
    """Quiet where the actor was before: servers in two regions, or a company network, are told of once."""
    distances = [(apart_km(known.place, use.place), known) for known in history.known]
    near = [known for km, known in distances if km is not None and km <= FAR_KM]
    if near:
        return None
    for km, known in distances:
        if km is None:
            continue
        between_ms = abs(use.first_ms - known.last_ms)
        if speed_km_h(km, between_ms) > FASTEST_KM_H:
            minutes = round(between_ms / 60_000)
            return (
                f"{use.actor} was used from {use.address} ({use.place.country}), {round(km)} km away from"
                f" {known.source} ({known.place.country}) where it was used {minutes} minutes apart."
            )
    return None


RULE = UseRule(
    name="impossible_travel",
    title="Impossible travel",
    about=f"A person or key is used at a place where it has not been, more than {FAR_KM} km from a use so near in time "
    f"that it would have travelled faster than {FASTEST_KM_H} km/h. What either place may be off by is taken away.",
    severity="high",
    runbook="One of the two is probably not its holder: end all sessions of the person, or roll the key, then ask.",
    quiet_s=DAY,
    judge=_judge,
    subject=lambda use: use.actor,
)
