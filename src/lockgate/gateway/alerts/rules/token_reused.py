"""A refresh token or an authorization code that was used twice: one of the two users stole it."""

from lockgate.gateway.alerts.core.rule import DAY, RecordRule

RULE = RecordRule(
    name="token_reused",
    title="Token or code used twice",
    about="A refresh token that had been replaced, or an authorization code that had been redeemed, came again.",
    severity="high",
    runbook="The session or grant was ended for both. Ask the person, or the app's maker, whether it was them; if not, "
    "look at what was done in it.",
    quiet_s=DAY,
    actions=frozenset({"token.reuse", "code.reuse", "session.reused"}),
    subject=lambda record: record.object or record.actor,
    summary=lambda record: f"{record.action} for {record.actor}, from {record.address or 'an unknown address'}.",
)
