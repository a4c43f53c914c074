"""The strict reading of form fields, against whatever bytes hypothesis thinks of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.params import (
    UNSET,
    Array,
    Boolean,
    Choice,
    Integer,
    Metadata,
    Object,
    Range,
    Text,
    clearable,
    nest,
    optional,
    read_fields,
)

FORM = Object(
    {
        "amount": optional(Integer(1)),
        "note": clearable(Text(20)),
        "yes": optional(Boolean()),
        "word": optional(Choice("a", "b")),
        "tags": optional(Array(Text(5), maximum=3)),
        "metadata": clearable(Metadata()),
        "created": optional(Range()),
        "card": optional(Object({"exp_month": optional(Integer(1, 12))})),
    }
)


def parse(body: bytes):
    return FORM.parse(nest(read_fields(body)), "")


names = st.sampled_from([b"amount", b"note", b"tags", b"metadata", b"created", b"card", b"x"])
keys = st.builds(
    lambda n, r: n + r, names, st.sampled_from([b"", b"[]", b"[0]", b"[a]", b"[gt]", b"[a][b]", b"[", b"]", b"%5B%5D"])
)
pairs = st.builds(
    lambda k, v: k + b"=" + v, keys, st.one_of(st.binary(max_size=8), st.sampled_from([b"1", b"-1", b"1e5", b"true"]))
)


@given(st.one_of(st.binary(max_size=200), st.lists(pairs, max_size=6).map(b"&".join)))
def test_any_bytes_are_read_or_refused_and_never_more(body):
    try:
        values = parse(body)
    except Refusal as refusal:
        assert refusal.kind is Kind.INVALID
        return
    assert set(values) <= set(FORM.params)
    assert isinstance(values.get("amount", 1), int)
    assert "\x00" not in repr(values)


@given(st.dictionaries(st.sampled_from(["note", "word2"]), st.text(min_size=1, max_size=20), min_size=1))
def test_what_a_client_encodes_is_what_is_read(fields):
    from urllib.parse import urlencode

    clean = {name: value for name, value in fields.items() if "\x00" not in value}
    assert dict(read_fields(urlencode(clean).encode())) == clean


@pytest.mark.parametrize(
    "body",
    [b"yes=1", b"yes=True", b"word=c", b"amount=01", b"amount=-0", b"amount=%EF%BC%91", b"amount= 1", b"amount=1_0",
     b"tags=a", b"tags[]=a&tags[0]=b", b"tags[1]=a&tags[01]=b", b"tags[x]=a", b"tags[]=a&tags[]=b&tags[]=c&tags[]=d",
     b"card=1", b"card[exp_month]=13", b"card[x]=1",
     b"metadata[a][b]=1", b"metadata=1", b"created[x]=1", b"created[gt]=",
     b"note=a&note=b", b"note[a]=1&note=2", b"=1", b"[a]=1", b"note]=1", b"note=%00", b"note=%c0%80",
     b"note=%ed%a0%80"],
)  # fmt: skip
def test_what_is_refused(body):
    with pytest.raises(Refusal) as refused:
        parse(body)
    assert refused.value.kind is Kind.INVALID


def test_what_is_read():
    assert parse(b"amount=1&note=&tags[]=a&tags[]=b&metadata[k]=v&metadata[gone]=&created[gte]=5") == {
        "amount": 1,
        "note": UNSET,
        "tags": ["a", "b"],
        "metadata": {"k": "v", "gone": ""},
        "created": {"gte": 5},
    }
    assert parse(b"note=a%2Bb+c&created=7&card%5Bexp_month%5D=12") == {
        "note": "a+b c", "created": {"eq": 7}, "card": {"exp_month": 12}
    }  # fmt: skip


def items_of(query: bytes):
    price = Object({"of": optional(Text())})
    item = Object({"name": optional(Text()), "tags": optional(Array(Text())), "price": optional(price)})
    form = Object({"items": optional(Array(item)), "plain": optional(Array(Text()))})
    return form.parse(nest(read_fields(query)), "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"items[0][name]=a&items[1][name]=b", [{"name": "a"}, {"name": "b"}]),
        (b"items[][name]=a&items[][name]=b", [{"name": "a"}, {"name": "b"}]),
        (
            b"items[][name]=a&items[][tags][]=x&items[][tags][]=y&items[][name]=b",
            [{"name": "a", "tags": ["x", "y"]}, {"name": "b"}],
        ),
        (
            b"items[][price][of]=1&items[][name]=a&items[][price][of]=2",
            [{"price": {"of": "1"}, "name": "a"}, {"price": {"of": "2"}}],
        ),
    ],
)
def test_arrays_of_objects_come_with_and_without_indexes(query, expected):
    assert items_of(query) == {"items": expected}


@pytest.mark.parametrize(
    "query",
    [
        b"plain[]=a&plain[][name]=b",
        b"items[][name]=b&items[]=a",
        b"items[][name]=a&items[0][name]=b",
        b"items[0][name]=a&items[0][name]=b",
    ],
)
def test_arrays_that_could_mean_two_things_are_refused(query):
    with pytest.raises(Refusal):
        items_of(query)


def test_all_unknown_parameters_are_named_before_anything_else():
    with pytest.raises(Refusal) as refused:
        parse(b"amount=x&foo=1&bar[a]=2")
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "foo")
    assert refused.value.message == "Received unknown parameters: foo, bar"


def test_blank_and_empty_are_told_apart():
    for body, code in ((b"note=+++", "parameter_invalid_string_blank"), (b"word=", "parameter_invalid_empty")):
        with pytest.raises(Refusal) as refused:
            parse(body)
        assert refused.value.code == code
