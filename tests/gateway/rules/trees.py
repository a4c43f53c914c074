"""Random typed rules and random payments for them: every kind of node, hostile texts, numbers at every edge."""

from hypothesis import HealthCheck
from hypothesis import strategies as st

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.nodes import (
    ACTIONS,
    COMPARISONS,
    MICRO,
    And,
    Arithmetic,
    Attribute,
    Boolean,
    Compare,
    In,
    Listed,
    Missing,
    Money,
    Negate,
    Not,
    Number,
    Or,
    Rule,
    Text,
)
from lockgate.gateway.rules.core.packed import LARGEST
from lockgate.gateway.rules.core.words import CLOSED, SMALL

UNHURRIED = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
"""These tests draw large things, on machines that may be busy."""

ALIASES = ("blocked", "vip", "a-list_2")
BY_TYPE = {
    kind: sorted(name for name, one in ATTRIBUTES.items() if one.type == kind and not one.listed_only)
    for kind in ("money", "number", "text", "boolean")
}
LISTABLE = sorted(name for name, one in ATTRIBUTES.items() if one.item_type is not None)
WORDS = ("US", "DE", "us", "", "O'Neil", "ünï", "\U0001f600", "normal", "411111", "a%_b", "\\", "'; drop table x; --")
# Few names of each type, so that rules and payments meet; one of them younger than the layout where there is one.
USED = {kind: [names[0], names[len(names) // 2], names[-1]] for kind, names in BY_TYPE.items()}
USED["text"] = ["ip_country", "card_country", "email_domain", "risk_level"]
USED["number"] = ["tries", "card_declines_1h", "card_distance_km", "risk_score"]
USED["money"] = ["amount", "card_amount_1h"]


def signed(like, amount):
    """``amount`` with the sign of ``like``: what is owed is worth as much as what is had."""
    return -amount if like < 0 else amount


micros = st.one_of(
    st.integers(-5, 5).map(lambda n: n * MICRO),
    st.integers(-10 * MICRO, 10 * MICRO),
    st.integers(-(10**18) + 1, 10**18 - 1),
    st.sampled_from([0, 1, -1, MICRO // 2, 10**18 - 1, 999_999_999_999_999]),
)
numbers = st.builds(Number, micros)
minors = st.one_of(
    st.integers(-300, 300), st.integers(-(10**14) + 1, 10**14 - 1), st.sampled_from([0, 1, 100, 500_000])
)
moneys = st.one_of(
    minors.map(lambda minor: Money(minor, "usd", minor)),
    minors.map(lambda minor: Money(minor, "eur", signed(minor, abs(minor) * 11 // 10))),
    st.integers(-(10**12) + 1, 10**12 - 1).map(lambda minor: Money(minor, "jpy", signed(minor, abs(minor) * 2 // 3))),
)
texts = st.one_of(st.sampled_from(WORDS), st.text(st.characters(exclude_categories=("C", "Z")), max_size=6)).map(Text)


def attributes(kind):
    return st.sampled_from(USED[kind]).map(Attribute)


def quantities(kind, depth):
    """Expressions of numbers or of money; of the latter, amounts times numbers too."""
    leaf = st.one_of(attributes(kind), attributes(kind), numbers if kind == "number" else moneys)
    if depth == 0:
        return leaf
    inner, other = quantities(kind, depth - 1), quantities("number", depth - 1)
    ways = [
        leaf,
        st.builds(Negate, inner.filter(lambda node: not isinstance(node, Number | Money))),
        st.builds(Arithmetic, st.sampled_from(["+", "-"]), inner, inner),
        st.builds(Arithmetic, st.sampled_from(["*", "/"]), inner, other),
    ]
    if kind == "number":
        money = quantities("money", depth - 1)
        ways.append(st.builds(Arithmetic, st.just("/"), money, money))
    else:
        ways.append(st.builds(Arithmetic, st.just("*"), other, inner))
    return st.one_of(ways)


@st.composite
def texts_beside(draw, name):
    """A text that may stand beside the attribute ``name``."""
    if name in CLOSED:
        return Text(draw(st.sampled_from(CLOSED[name])))
    if ATTRIBUTES[name].item_type == "country":
        return Text(draw(st.sampled_from(["US", "DE", "GB"])))
    found = draw(texts)
    return Text(found.value.lower()) if name in SMALL else found


@st.composite
def text_tests(draw):
    name = draw(st.sampled_from(USED["text"]))
    if draw(st.booleans()):
        other = draw(st.one_of(texts_beside(name), attributes("text")))
        return Compare(draw(st.sampled_from(["=", "!="])), Attribute(name), other)
    return In(Attribute(name), tuple(draw(st.lists(texts_beside(name), min_size=1, max_size=3))))


@st.composite
def number_tests(draw):
    kind = draw(st.sampled_from(["number", "money"]))
    depth = draw(st.sampled_from([0, 0, 1, 2]))
    one = draw(quantities(kind, depth))
    if draw(st.integers(0, 3)):
        return Compare(draw(st.sampled_from(COMPARISONS)), one, draw(quantities(kind, depth)))
    literals = numbers if kind == "number" else moneys
    return In(one, tuple(draw(st.lists(literals, min_size=1, max_size=3))))


def tests_of_one():
    """Conditions without and, or, not."""
    return st.one_of(
        number_tests(),
        number_tests(),
        text_tests(),
        attributes("boolean"),
        st.builds(Compare, st.sampled_from(["=", "!="]), attributes("boolean"), st.booleans().map(Boolean)),
        st.builds(Listed, st.sampled_from(LISTABLE), st.sampled_from(ALIASES)),
        st.builds(Missing, st.sampled_from([*USED["number"], *USED["text"], "email"])),
        st.booleans().map(Boolean),
    )


def _joined(kind, parts):
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,)))
    return kind(flat)


conditions = st.recursive(
    tests_of_one(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: _joined(And, parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: _joined(Or, parts)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
rules = st.builds(Rule, st.sampled_from(ACTIONS), conditions)

_ints = st.one_of(
    st.integers(-2, 3), st.integers(0, 600_000), st.integers(-(10**20), 10**20), st.sampled_from([LARGEST, LARGEST + 1])
)
_floats = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-10, 10),
    st.sampled_from([0.1, 0.3, -0.0, 1e-7, 5e-7, 999_999_999.999999, 1e9, 0.1 + 0.2, 1e308]),
)
_VALUES = {
    "money": _ints,
    "number": st.one_of(_ints, _floats),
    "text": st.one_of(st.sampled_from(WORDS), st.text(max_size=8), st.just("x" * 300), st.just("a\0b")),
    "boolean": st.booleans(),
}
_NAMES = [(name, kind) for kind, names in USED.items() for name in names]


@st.composite
def payments(draw):
    """(attributes, memberships), both as the engine has them before anything is stored."""
    found = {name: draw(_VALUES[kind]) for name, kind in _NAMES if draw(st.integers(0, 3))}
    listed = {
        name: draw(st.lists(st.sampled_from(ALIASES), unique=True, max_size=3))
        for name in LISTABLE
        if draw(st.booleans())
    }
    return found, listed
