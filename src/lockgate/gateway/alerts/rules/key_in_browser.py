"""A secret key that a browser sent, or that stood in a URL."""

from lockgate.gateway.alerts.core.rule import DAY, Record, RecordRule


def _subject(record: Record) -> str | None:
    return f"{record.action} {record.actor}"


def _summary(record: Record) -> str:
    where = "by a browser" if record.action == "key.in_browser" else "in a URL"
    which = "A secret key" if record.actor.startswith("internal:") else f"The secret key {record.actor}"
    return f"{which} was sent {where} from {record.address or 'an unknown address'}."


RULE = RecordRule(
    name="key_in_browser",
    title="Secret key in a browser or a URL",
    about="A secret key came with a browser's Origin, or in the query of a URL, where histories and logs keep it.",
    severity="critical",
    runbook="Roll the key now, without an overlap: whoever opens that page or reads that log has it. Then take it out "
    "of the page: browsers use publishable keys.",
    quiet_s=DAY,
    actions=frozenset({"key.in_browser", "key.in_query"}),
    subject=_subject,
    summary=_summary,
)
