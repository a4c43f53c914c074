"""Which operations wait for what: a fresh proof, a confirmation of just this content, a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lockgate.gateway.approvals.core.stake import Stake
from lockgate.kernel import money
from lockgate.kernel.principal import Principal

MONEY = ("refund", "payout")
OTHERS = (
    "api_keys", "roles", "people", "factors", "certificates", "apps", "address_rules", "limits", "alerts",
    "approval_policy", "risk",
)  # fmt: skip
CLASSES = (*MONEY, *OTHERS)
OWN = ("factors",)
"""What is one's own alone: nobody else has a say in it."""

FRESH_S = 5 * 60
"""How long a person's last proof counts as fresh."""

Rules = Mapping[str, Mapping[str, Any]]

DEFAULTS: Rules = {
    **{name: {"confirm_above": 1000, "two_people_above": None} for name in MONEY},
    **{name: {"two_people": False} for name in OTHERS},
}


@dataclass(frozen=True, slots=True)
class Need:
    """What an operation waits for. ``confirmed`` is a proof by its maker that names its very content."""

    fresh: bool
    confirmed: bool
    second: bool

    @property
    def approval(self) -> bool:
        """Whether there must be an approval at all."""
        return self.confirmed or self.second


def rules_of(stored: Rules | None) -> Rules:
    """The account's rules: its own where it has set them, or else the defaults."""
    given = stored or {}
    return {name: {**DEFAULTS[name], **given.get(name, {})} for name in CLASSES}


def need(principal: Principal, privilege: str, stake: Stake | None, rules: Rules) -> Need:
    """What ``principal`` needs beyond the permission. Money of an amount that nobody can tell is too much."""
    rule = rules[privilege]
    person = principal.kind == "person"
    if privilege in MONEY:
        confirmed = person and _above(stake, rule["confirm_above"])
        return Need(person, confirmed, _above(stake, rule["two_people_above"]))
    return Need(person, False, privilege not in OWN and rule["two_people"])


def counts(principal: Principal, privilege: str, rules: Rules) -> bool:
    """Whether it matters to ``principal`` how much is moved."""
    if privilege not in MONEY:
        return False
    rule = rules[privilege]
    return rule["two_people_above"] is not None or (principal.kind == "person" and rule["confirm_above"] is not None)


def weakens(before: Rules, changes: Rules) -> bool:
    """Whether something would need a second person no longer: nobody undoes alone what is there against one alone."""
    return any(
        was is not None and was is not False and (now is None or now is False or now > was)
        for name, rule in changes.items()
        for word, now in rule.items()
        if word != "confirm_above"
        for was in [before[name][word]]
    )


def _above(stake: Stake | None, limit: int | None) -> bool:
    """``limit`` is in whole units of whatever currency is moved; None is never passed."""
    if limit is None:
        return False
    return stake is None or stake.before + stake.amount > limit * 10 ** money.exponent(stake.currency)


State = Literal["pending", "approved", "refused", "expired", "used"]
