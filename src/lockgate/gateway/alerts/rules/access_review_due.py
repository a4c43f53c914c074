"""A review of who has access that is due."""

from lockgate.gateway.alerts.core.rule import RecordRule

RULE = RecordRule(
    name="access_review_due",
    title="Access review due",
    about="Nobody has reviewed this account's people, roles, keys and apps for 90 days.",
    severity="medium",
    runbook="Run 'lockgate access review', or begin one in the API, and attest, reduce or remove each entry.",
    quiet_s=7 * 24 * 3600,
    actions=frozenset({"access_review.due"}),
    subject=lambda record: record.object or record.account,
    summary=lambda record: "The review of who may do what in this account is due.",
)
