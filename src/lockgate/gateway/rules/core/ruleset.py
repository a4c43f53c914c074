"""All rules of an account as one: what matches a payment, and which rule decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lockgate.gateway.rules.core.bounds import Dependence, thresholds
from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.rules.core.evaluate import Predicate, compiled
from lockgate.gateway.rules.core.nodes import ACTIONS, Action, Attribute, Listed, Missing, Rule, walk
from lockgate.gateway.rules.core.packed import LARGEST, Memberships, settled

State = Literal["enabled", "shadow", "disabled"]
STATES: tuple[State, ...] = ("enabled", "shadow", "disabled")


@dataclass(frozen=True, slots=True)
class Named:
    """A rule under the name by which decisions remember it. ``shadow``: it is asked, and decides nothing."""

    id: str
    version: int
    rule: Rule
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched."""

    id: str
    version: int
    action: Action
    shadow: bool


@dataclass(frozen=True, slots=True)
class Matched:
    """Every rule that matched, in order, and what follows from those that are not in shadow.

    ``decisive`` is the rule to name: the first that allows, blocks or asks for a review; else the one that asked for
    3-D Secure or raised a flag. An allow rule beats block and review, never a challenge or a flag.
    """

    hits: tuple[Hit, ...]
    challenge: bool
    allow: bool
    block: bool
    review: bool
    flag: bool
    decisive: Hit | None

    @property
    def shadows(self) -> tuple[Hit, ...]:
        return tuple(hit for hit in self.hits if hit.shadow)

    @property
    def live(self) -> tuple[Hit, ...]:
        return tuple(hit for hit in self.hits if not hit.shadow)


NOTHING = Matched((), challenge=False, allow=False, block=False, review=False, flag=False, decisive=None)
_DECIDING: tuple[Action, ...] = ("allow", "block", "review", "challenge", "flag")


class Ruleset:
    """Rules in the order of their actions (challenge, allow, block, review, flag), within one in the order given.

    ``revision`` names exactly these versions of these rules.
    """

    __slots__ = ("_asked", "_used", "dependence", "lists", "revision", "rules")

    def __init__(self, rules: Sequence[Named], *, revision: int = 0) -> None:
        self.revision = revision
        self.rules = tuple(sorted(rules, key=lambda named: ACTIONS.index(named.rule.action)))
        self._asked: tuple[tuple[Predicate, Hit], ...] = tuple(
            (compiled(named.rule.when), Hit(named.id, named.version, named.rule.action, named.shadow))
            for named in self.rules
        )
        nodes = [node for named in self.rules for node in walk(named.rule.when)]
        self._used = tuple(sorted({node.name for node in nodes if isinstance(node, Attribute | Missing)}))
        self.lists = frozenset((node.name, node.alias) for node in nodes if isinstance(node, Listed))
        self.dependence: Dependence = thresholds(named.rule for named in self.rules if not named.shadow)

    def evaluate(self, attributes: Attributes, lists: Memberships) -> Matched:
        """What matches. Values are taken as they will be stored, so that the back-test finds the same."""
        if not self._asked:
            return NOTHING
        attributes = self._settled(attributes)
        hits = tuple([hit for predicate, hit in self._asked if predicate(attributes, lists)])
        return decided(hits) if hits else NOTHING

    def _settled(self, attributes: Attributes) -> Attributes:
        changed = None
        for name in self._used:
            given = attributes.get(name)
            if given is None or (type(given) is int and -LARGEST <= given <= LARGEST) or type(given) is bool:
                continue
            value = settled(name, given)
            if value is given or (value == given and type(value) is type(given)):
                continue
            changed = dict(attributes) if changed is None else changed
            if value is None:
                del changed[name]
            else:
                changed[name] = value
        return attributes if changed is None else changed


def decided(hits: Sequence[Hit]) -> Matched:
    """What follows from ``hits``, which are in order."""
    live = [hit for hit in hits if not hit.shadow]
    actions = {hit.action for hit in live}
    allow = "allow" in actions
    block = "block" in actions and not allow
    decisive = next((hit for action in _DECIDING for hit in live if hit.action == action), None)
    return Matched(
        tuple(hits),
        challenge="challenge" in actions,
        allow=allow,
        block=block,
        review="review" in actions and not allow,
        flag="flag" in actions,
        decisive=decisive,
    )


def of_texts(rules: Sequence[tuple[str, Rule]]) -> Ruleset:
    """A ruleset of rules that have no versions: the built-in ones, by their names."""
    return Ruleset([Named(name, 1, rule) for name, rule in rules])
