"""A passkey whose counter ran backwards: there are two of it."""

from lockgate.gateway.alerts.core.rule import DAY, RecordRule

RULE = RecordRule(
    name="passkey_cloned",
    title="Passkey may have been copied",
    about="An authenticator showed a signature counter that was not above its last one (WebAuthn 6.1.1).",
    severity="critical",
    runbook="The sign-in was refused. Have the person remove that passkey, sign in with another factor, and end all "
    "other sessions.",
    quiet_s=DAY,
    actions=frozenset({"passkey.cloned"}),
    subject=lambda record: record.object or record.actor,
    summary=lambda record: f"The passkey {record.object} of {record.actor} was used with an old counter.",
)
