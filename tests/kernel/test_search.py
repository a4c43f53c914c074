"""The search language: what it reads, what it refuses and where, and that no text makes it do anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.search import MAX_CLAUSES, Catalogue, Clause, Query, as_jsonpath, parse

FIELDS = Catalogue(
    {
        "amount": "number",
        "customer": "id",
        "disputed": "boolean",
        "email": "sealed",
        "metadata": "pairs",
        "payment_method_details.*.last4": "token",
        "status": "token",
    }
)


def clauses(query):
    return [(c.path, c.operator, c.value, c.negated) for c in parse(query, FIELDS).clauses]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('status:"succeeded"', [(("status",), ":", "succeeded", False)]),
        ("status:'succeeded'", [(("status",), ":", "succeeded", False)]),
        ("amount>1000", [(("amount",), ">", 1000, False)]),
        ("amount>=1000 amount<=-2", [(("amount",), ">=", 1000, False), (("amount",), "<=", -2, False)]),
        ('amount:"1000"', [(("amount",), ":", 1000, False)]),
        ('metadata["order id"]:"6735"', [(("metadata", "order id"), ":", "6735", False)]),
        ("metadata['k']~'abc'", [(("metadata", "k"), "~", "abc", False)]),
        ('-metadata["k"]:null', [(("metadata", "k"), ":", None, True)]),
        ("customer:null", [(("customer",), ":", None, False)]),
        ('status:"null"', [(("status",), ":", "null", False)]),
        ('metadata["say \\"hi\\""]:"a\\\\b"', [(("metadata", 'say "hi"'), ":", "a\\b", False)]),
        ('disputed:"TRUE" disputed:false', [(("disputed",), ":", True, False), (("disputed",), ":", False, False)]),
        (
            'payment_method_details.card.last4:"4242"',
            [(("payment_method_details", "card", "last4"), ":", "4242", False)],
        ),
        ('  status:"a"   AND\tamount:1  ', [(("status",), ":", "a", False), (("amount",), ":", 1, False)]),
    ],
)
def test_what_is_read(query, expected):
    assert clauses(query) == expected


def test_clauses_are_joined_by_one_word_in_any_case():
    assert not parse('status:"a" amount:1', FIELDS).any
    assert not parse('status:"a" and amount:1 amount:2', FIELDS).any
    assert parse('status:"a" or amount:1 OR amount:2', FIELDS).any


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ('status:"a" AND amount:1 OR amount:2', 28, "cannot be mixed"),
        ('status:"a" amount:1 OR amount:2', 24, "cannot be mixed"),
        ("(amount:1)", 1, "parentheses"),
        ("amount:1)", 9, "a space is expected"),
        ('color:"red"', 1, "cannot be searched"),
        ("status", 7, "is expected after"),
        ("status>1", 7, "takes : only"),
        ('email~"amy"', 6, "encrypted"),
        ('metadata:"x"', 9, "searched by key"),
        ('metadata["x":"y"', 13, "closing bracket"),
        ('metadata["k"]~"ab"', 1, "at least 3"),
        ("status:succeeded", 8, "in quotes"),
        ("status:1", 8, "in quotes"),
        ('amount:"ten"', 8, "whole number"),
        ("amount:1.5", 8, "value is expected"),
        ("amount:12345678901234567890", 8, "value is expected"),
        ("amount>null", 8, "null goes with"),
        ('disputed:"maybe"', 10, "true or false"),
        ('status:"a', 8, "never closed"),
        ('status:"a" AND', 15, "expected after AND"),
        ('status:"a"amount:1', 11, "a space is expected"),
        ('status:"a" ANDamount:1', 12, "name is expected"),
        ("", 1, "name is expected"),
        ("amount:1 " * (MAX_CLAUSES + 1), 91, "at most 10"),
    ],
)
def test_what_is_refused_is_refused_at_its_place(query, place, words):
    with pytest.raises(Refusal) as refused:
        parse(query, FIELDS)
    assert (refused.value.kind, refused.value.param) == (Kind.INVALID, "query")
    assert f"at character {place}:" in refused.value.message
    assert words in refused.value.message


def test_ten_clauses_are_read():
    assert len(parse("amount:1 " * MAX_CLAUSES, FIELDS).clauses) == MAX_CLAUSES


words = st.sampled_from(
    ["status", "amount", 'metadata["k"]', "email", ":", ">", "~", ">=", '"v"', "'w'", "12", "null", "-", " ", " AND ",
     " OR ", "(", ")", "\\", '"', "[", "]", ".", "secretvalue"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(words, max_size=14).map("".join)))
def test_any_text_is_read_or_refused_and_never_repeated(text):
    try:
        query = parse(text, FIELDS)
    except Refusal as refusal:
        assert refusal.kind is Kind.INVALID
        assert "secretvalue" not in refusal.message
        return
    assert 1 <= len(query.clauses) <= MAX_CLAUSES
    assert all(FIELDS.type_of(c.path[:1] if c.type == "pairs" else c.path) == c.type for c in query.clauses)


plain = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20)


@given(st.lists(st.tuples(plain, st.one_of(st.none(), plain), st.booleans()), min_size=1, max_size=10), st.booleans())
def test_what_was_quoted_comes_back(pairs, either):
    def quoted(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    query = (" OR " if either else " AND ").join(
        f"{'-' if negated else ''}metadata[{quoted(key)}]:{'null' if value is None else quoted(value)}"
        for key, value, negated in pairs
    )
    read = parse(query, FIELDS)
    expected = tuple(Clause(("metadata", key), "pairs", ":", value, negated) for key, value, negated in pairs)
    assert read == Query(expected, either and len(pairs) > 1)


def test_what_every_match_must_have():
    both = parse('customer:"cus_1" amount>5 amount<=9 -status:"canceled"', FIELDS)
    assert both.only("customer") == "cus_1"
    assert both.only("status") is None
    assert both.bounds("amount") == (6, 9)
    either = parse('customer:"cus_1" OR amount>5', FIELDS)
    assert either.only("customer") is None
    assert either.bounds("amount") == (-(1 << 62), 1 << 62)


def test_the_database_is_told_how_to_compare():
    query = 'customer:"cus_1" -status:"a.b" customer:null amount>1 metadata["k\\""]~"x*y" disputed:true'
    assert as_jsonpath(parse(query, FIELDS)).split(" && ") == [
        '(exists($."customer" ? (@ == "cus_1")))',
        '(!exists($."status" ? (@ like_regex "^a\\\\.b$" flag "i")))',
        '(!exists($."customer" ? (@ != null)))',
        '(exists($."amount" ? (@ > 1)))',
        '(exists($."metadata"."k\\"" ? (@ like_regex "x\\\\*y" flag "i")))',
        '(exists($."disputed" ? (@ == true)))',
    ]
