"""What limits there are: the classes of operations, the defaults, and the rules that an account or the operator set."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lockgate.gateway.web.limits_buckets import NS, Ask
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import ADMINISTRATIVE, Principal

PLATFORM = "-"  # whose rules hold for all accounts, and for what comes without a key
SCOPES = ("key", "person", "app", "address", "account")
MODES = ("enforce", "observe")
# Operations say which of these they are in; what manages the account itself is ``admin``, and ``proof`` is what tries
# the password or the second factor of somebody who is signed in.
OPERATION_CLASSES = ("standard", "search", "payment", "refund", "payout", "proof", "admin")
# What comes without a key, by address.
PAGE_CLASSES = ("login", "token", "browser", "hook")
OPEN_CLASSES = (*PAGE_CLASSES, "open", "stray", "failure")
CLASSES = (*OPERATION_CLASSES, *OPEN_CLASSES)
# Where the limits cannot be known, these are refused: a guess, a token or money out can wait, a sale cannot.
FAIL_CLOSED = frozenset({"login", "token", "proof", "refund", "payout"})
# How often one object is changed is bounded by the hour: a stop to loops, not to guesses. To call such a bucket used up
# because nobody knows what is in it would keep payments from being captured.
SLOW = frozenset({"object"})

SHARE = 5                     # of a key's requests one in five may be a search, for each may read much
SEARCH_SHARE_AT_ONCE = 10     # and of its requests at once one in ten
PAYMENT_BURST = 20
ACCOUNT_RATE, ACCOUNT_BURST = 5_000, 2_000
OPEN_DEFAULTS: Mapping[str, tuple[int, int, int]] = {  # requests, seconds, burst
    "login": (1, 1, 30),      # sign-ins from one address, right or wrong
    "token": (20, 1, 100),    # apps that ask for tokens are servers
    "browser": (10, 1, 20),   # pages
    "hook": (100, 1, 200),    # what a processor tells us
    "open": (10, 1, 20),      # documents
    "stray": (100, 1, 100),   # paths and methods that do not exist
    "failure": (10, 1, 20),   # failed authentications
}
AT_ONCE: Mapping[str, int] = {"key": 128, "account": 384}


class Rule(NamedTuple):
    """``rate`` requests in ``per_s`` seconds, ``burst`` of them at once, and at most ``at_once`` under way.

    ``subject`` is the id of the key, person or app, or empty for each of them; ``cls`` a class, or empty for all
    requests together. ``mode`` ``observe`` counts what it would refuse and refuses nothing.
    """

    id: str
    scope: str
    subject: str
    cls: str
    rate: int
    per_s: int
    burst: int
    at_once: int | None = None
    mode: str = "enforce"

    @property
    def interval_ns(self) -> int:
        return max(1, self.per_s * NS // self.rate)


class Seat(NamedTuple):
    """A place among the requests under way: at most ``most`` of ``name``."""

    name: str
    most: int
    reason: str


class Plan(NamedTuple):
    """All that one principal's requests of one class from one address must pass."""

    asks: tuple[Ask, ...]
    seats: tuple[Seat, ...]


def class_of(operation: Operation) -> str:
    """The class that an operation's requests count in."""
    if operation.limit == "standard" and operation.resource in ADMINISTRATIVE:
        return "admin"
    return operation.limit


def scope_of(principal: Principal) -> str:
    """Whose limits a principal has: its own kind's."""
    return principal.kind if principal.kind in ("person", "app") else "key"


def defaults(scope: str, cls: str, *, rate: int, burst: int) -> tuple[int, int, int] | None:
    """What holds where no rule says otherwise (requests, seconds, burst); ``rate`` and ``burst`` are the key's own."""
    if scope == "account":
        return None if cls else (ACCOUNT_RATE, 1, ACCOUNT_BURST)
    said = {"": (rate, 1, burst), "payment": (rate, 1, max(PAYMENT_BURST, burst // SHARE))}
    said["proof"] = OPEN_DEFAULTS["login"]
    if scope != "address":
        said["search"] = (max(1, rate // SHARE), 1, max(1, burst // SHARE))
        said["refund"] = said["payout"] = (max(1, rate // 2), 1, max(PAYMENT_BURST, burst // 2))
    return said.get(cls)


class Rules:
    """The rules of one account and mode, and its operator's. Of each the nearest word about a subject counts.

    Either replaces the default. Where both speak both must be passed: an account may be stricter than its operator,
    never looser.
    """

    def __init__(self, own: Iterable[Rule] = (), operator: Iterable[Rule] = ()) -> None:
        self.own = tuple(own)
        self.operator = tuple(operator)
        self._layers = tuple(
            {(rule.mode, rule.scope, rule.subject, rule.cls): rule for rule in rules}
            for rules in (self.operator, self.own)
            if rules
        )
        self._plans: dict[tuple[str, str, int, int, str], Plan] = {}

    def plan(self, principal: Principal, cls: str, sender: str) -> Plan:
        """What ``principal``'s requests of ``cls`` must pass; ``sender`` is whom its address counts as."""
        key = (principal.id, cls, principal.rate_per_s, principal.burst, sender)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) > 10_000:
                self._plans.clear()
            plan = self._plans[key] = self._make(principal, cls, sender)
        return plan

    def open(self, cls: str, sender: str) -> list[Ask]:
        """What requests without a key must pass, by their address alone."""
        rate, per_s, burst = OPEN_DEFAULTS[cls]
        usual = Rule("", "address", "", cls, rate, per_s, burst)
        rules = self.about("enforce", "address", "", cls) or (usual,)
        watching = self.about("observe", "address", "", cls)
        return [_ask(rule, f"open:{cls}", sender, reason="global-rate") for rule in (*rules, *watching)]

    def about(self, mode: str, scope: str, subject: str, cls: str) -> tuple[Rule, ...]:
        """The operator's rule and the account's own: about this subject, or else about all of its kind."""
        found = []
        for layer in self._layers:
            rule = layer.get((mode, scope, subject, cls)) or layer.get((mode, scope, "", cls))
            if rule is not None:
                found.append(rule)
        return tuple(found)

    def _make(self, principal: Principal, cls: str, sender: str) -> Plan:
        own, account = scope_of(principal), f"{principal.account} {int(principal.livemode)}"
        rate, burst = principal.rate_per_s, principal.burst
        asks: list[Ask] = []
        for scope in (own, "address", "account"):
            subject = principal.id if scope == own else ""
            bucket = {"address": f"{account} {sender}", "account": account}.get(scope, principal.id)
            if scope == own and principal.kind == "publishable":
                bucket = f"{bucket} {sender}"
            for named in ("", cls):
                reason = "endpoint-rate" if named else "global-rate"
                rules = self.about("enforce", scope, subject, named)
                usual = None if rules else defaults(scope, named, rate=rate, burst=burst)
                if usual is not None:
                    # One address's keys of one size share a bucket, whichever accounts they belong to.
                    where = f"{rate} {burst} {sender}" if scope == "address" else bucket
                    asks.append(_ask(Rule("", scope, "", named, *usual), f"{scope}:{named}", where, reason=reason))
                for rule in (*rules, *self.about("observe", scope, subject, named)):
                    asks.append(_ask(rule, f"{scope}:{named}", bucket, reason=reason))
        return Plan(tuple(asks), self._seats(principal, own, cls, account=account))

    def _seats(self, principal: Principal, own: str, cls: str, *, account: str) -> tuple[Seat, ...]:
        together = self._at_once("account", "")
        seats = []
        if principal.kind != "publishable":
            seats.append(Seat(f"key {principal.id}", self._at_once(own, principal.id), "global-concurrency"))
        if principal.sees_secrets:
            seats.append(Seat(f"account {account}", together, "global-concurrency"))
        else:  # all shoppers together leave half of the places to the merchant's servers
            seats.append(Seat(f"public {account}", max(1, together // 2), "global-concurrency"))
        if cls == "search":
            most = max(1, principal.burst // SEARCH_SHARE_AT_ONCE)
            seats.append(Seat(f"search {principal.id}", most, "endpoint-concurrency"))
        return tuple(seats)

    def _at_once(self, scope: str, subject: str) -> int:
        said = [rule.at_once for rule in self.about("enforce", scope, subject, "") if rule.at_once is not None]
        return min(said, default=AT_ONCE.get(scope, AT_ONCE["key"]))


def _ask(rule: Rule, family: str, bucket: str, *, reason: str) -> Ask:
    observer = rule.id if rule.mode == "observe" else None
    if rule.id:  # a rule has buckets of its own, so that two about one thing are counted apart
        family = f"{family} {rule.id}"
    return Ask(family, bucket, rule.interval_ns, rule.burst, reason, observer)


NO_RULES = Rules()


def effective(rules: Rules, *, rate: int, burst: int) -> Sequence[tuple[Rule, str]]:
    """All limits that hold for keys of a size, with where each comes from: default, operator or account."""
    found: list[tuple[Rule, str]] = []
    for scope in ("key", "address", "account"):
        for cls in ("", *OPERATION_CLASSES):
            usual = defaults(scope, cls, rate=rate, burst=burst)
            if usual is not None and not rules.about("enforce", scope, "", cls):
                at_once = None if cls else AT_ONCE.get(scope)
                found.append((Rule(default_id(scope, cls), scope, "", cls, *usual, at_once), "default"))
    for cls, given in OPEN_DEFAULTS.items():
        if not rules.about("enforce", "address", "", cls):
            found.append((Rule(default_id("address", cls), "address", "", cls, *given), "default"))
    return [*found, *((rule, "operator") for rule in rules.operator), *((rule, "account") for rule in rules.own)]


def default_id(scope: str, cls: str) -> str:
    """How a limit that nobody set is called."""
    return f"default_{scope}_{cls}" if cls else f"default_{scope}"
