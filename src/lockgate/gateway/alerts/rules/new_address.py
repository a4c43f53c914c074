"""A key that is used from an address where it has never been used."""

from lockgate.gateway.alerts.core.rule import DAY, History, Use, UseRule


def _judge(use: Use, history: History) -> str | None:
    if not use.actor.startswith(("secret:", "restricted:")) or not history.known:
        return None
    if any(known.source == use.source for known in history.known):
        return None
    return f"{use.actor} was used from {use.address}, where it has not been used before."


RULE = UseRule(
    name="key_new_address",
    title="Key used from a new address",
    about="A secret or restricted key is used from an address (IPv6: a network of 64 bits) that it has not been used "
    "from in the last 90 days. Its first address is where it begins.",
    severity="low",
    runbook="If the address is one of your servers', acknowledge this. If not, roll the key, and give the new one an "
    "address rule.",
    quiet_s=DAY,
    judge=_judge,
    subject=lambda use: use.actor,
)
