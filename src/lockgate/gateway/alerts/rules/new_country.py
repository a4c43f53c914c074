"""A person or key that is used from a country where it has never been."""

from lockgate.gateway.alerts.core.rule import DAY, History, Use, UseRule


def _judge(use: Use, history: History) -> str | None:
    country = use.place.country
    if country is None or not history.countries or country in history.countries:
        return None
    before = ", ".join(sorted(history.countries))
    return f"{use.actor} was used from {country} ({use.address}); before that only from {before}."


def _subject(use: Use) -> str:
    return f"{use.actor} {use.place.country}"


RULE = UseRule(
    name="new_country",
    title="Used from a new country",
    about="A person or key is used from a country that none of its earlier uses came from. Its first country is where "
    "it begins. An address whose country is not known never counts.",
    severity="medium",
    runbook="Ask the person, or whoever runs the servers. If it was not them: end the sessions, or roll the key, and "
    "look in the audit log at what was done from there.",
    quiet_s=DAY,
    judge=_judge,
    subject=_subject,
)
