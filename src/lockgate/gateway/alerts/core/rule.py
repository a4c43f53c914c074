"""What an alert rule is: which records count, for whom, how many in how long, and what the alert then says. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from lockgate.gateway.identity.core.place import Place

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
PLATFORM = "-"
"""The account of alerts that are the operator's own."""
MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR


class Record(NamedTuple):
    """One audit record as a rule sees it."""

    account: str
    id: str
    at_ms: int
    action: str
    outcome: str
    actor: str
    object: str | None
    address: str | None
    request: str | None
    detail: Mapping[str, Any]


class Known(NamedTuple):
    """One source that an actor has been seen at before."""

    source: str
    place: Place
    first_ms: int
    last_ms: int


class Use(NamedTuple):
    """A person or key that was used from ``address``, which counts as ``source``."""

    account: str
    actor: str
    address: str
    source: str
    place: Place
    first_ms: int
    last_ms: int
    record: str


class History(NamedTuple):
    """Where the actor of a use has been before it."""

    known: Sequence[Known]
    countries: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What every rule says of its alerts.

    ``subject`` is what happenings are grouped by: one alert is open for each at a time. ``threshold`` happenings in
    less than ``window_s`` open one. It ends by itself after ``quiet_s`` without another; None: somebody must end it.
    ``scope`` says whose it is: the account's that the record names, or the operator's.
    """

    name: str
    title: str
    about: str
    severity: Severity
    runbook: str
    scope: Literal["account", "platform"] = "account"
    threshold: int = 1
    window_s: int = HOUR
    quiet_s: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it takes several happenings, rather than telling of each."""
        return self.threshold > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRule(Told):
    """A rule over single audit records. ``subject`` gives None for a record that does not count."""

    actions: frozenset[str]
    subject: Callable[[Record], str | None]
    summary: Callable[[Record], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRule(Told):
    """A rule over where people and keys are used from. ``judge`` gives the alert's summary, or None."""

    judge: Callable[[Use, History], str | None]
    subject: Callable[[Use], str]


Rule = RecordRule | UseRule


def whose(rule: Told, account: str) -> str:
    """The account that an alert of ``rule`` is shown to."""
    return PLATFORM if rule.scope == "platform" else account


def at_least(severity: str, lowest: str) -> bool:
    """Whether ``severity`` is ``lowest`` or worse."""
    ranks: Sequence[str] = SEVERITIES
    return ranks.index(severity) >= ranks.index(lowest)
