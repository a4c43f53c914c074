"""The table of card ranges: what is read, what is refused, and who speaks where ranges overlap."""

import pytest

from lockgate.gateway.geography.core import bins
from lockgate.gateway.geography.core.bins import EMPTY, NOTHING, Issued
from lockgate.gateway.geography.core.tables import BadLine

HEAD = "first,last,country,funding,issuer"


def table(*lines, head=HEAD):
    return bins.load(bins.read([head, *lines]).rows)


def test_a_range_covers_its_six_digits_and_no_others():
    found = table("457173,457175,DK,debit,Jyske Bank")
    assert found.of("457173") == found.of("457175") == Issued("DK", "debit", "Jyske Bank")
    assert found.of("457172") == found.of("457176") == NOTHING
    assert EMPTY.of("457173") == NOTHING


WIDE = "".join(chr(0xFF10 + int(digit)) for digit in "457173")


@pytest.mark.parametrize("bin_", [None, "", "45717", "4571731", "45717x", WIDE])
def test_what_is_no_six_digits_is_unknown(bin_):
    assert table("400000,499999,US,,").of(bin_) == NOTHING


def test_the_narrower_of_two_ranges_speaks_whatever_their_order():
    for lines in (("4,4,US,,", "457173,,DK,,"), ("457173,,DK,,", "4,4,US,,")):
        with pytest.raises(BadLine):
            table(*lines)
    for lines in (("40,49,US,,", "457173,,DK,,"), ("457173,,DK,,", "40,49,US,,")):
        found = table(*lines)
        assert (found.of("457173").country, found.of("457174").country) == ("DK", "US")


def test_ranges_finer_than_six_digits_count_where_they_agree():
    found = table("45717300,45717349,DK,debit,One", "45717350,45717399,DK,credit,Two")
    assert found.of("457173") == Issued("DK", None, None)
    assert table("45717300,45717349,DK,,", "45717350,45717399,SE,,").of("457173") == NOTHING


def test_a_range_of_longer_prefixes_that_covers_six_digits_is_no_finer_than_them():
    found = table("40000000,49999999,US,,", "457173,,DK,,", "45000000050,45999999950,GB,,")
    assert [found.of(bin_).country for bin_ in ("440000", "457173", "457174", "450000")] == ["US", "DK", "GB", None]


def test_a_finer_range_does_not_speak_for_what_it_leaves_of_the_range_around_it():
    assert table("457173,,DK,debit,", "45717300,45717309,SE,debit,").of("457173") == Issued(None, "debit", None)
    halves = ("45717300,45717349,SE,,", "45717340,45717399,SE,,")
    assert table("457173,,DK,,", *halves).of("457173") == Issued("SE", None, None)


def test_ranges_that_would_keep_every_process_busy_are_refused(monkeypatch):
    monkeypatch.setattr(bins, "MAX_CELLS", 2_000_000)
    wide = [f"10,{99 - number},US,," for number in range(3)]
    with pytest.raises(BadLine, match="prefixes of six digits"):
        bins.read([HEAD, *wide])


def test_the_names_of_public_tables_are_understood():
    found = table("457173,,DK,DEBIT,Jyske  Bank,visa", head="\ufeffiin_start,iin_end,Country,type,bank_name,scheme")
    assert found.of("457173") == Issued("DK", "debit", "Jyske Bank")


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (["first,last", "457173,"], 1),
        (["first,bin,country", "1,2,US"], 1),
        ([HEAD], 2),
        ([HEAD, "457173,457172,DK,,"], 2),
        ([HEAD, "457173,45717,DK,,"], 2),
        ([HEAD, "45717x,,DK,,"], 2),
        ([HEAD, "457173,,Denmark,,"], 2),
        ([HEAD, "457173,,DK,charge,"], 2),
        ([HEAD, "457173,,DK"], 2),
        ([HEAD, "457173,,DK,,", "", "457173,,SE,,"], 4),
        ([HEAD, "45717311,,DK,,", "45717311,,SE,,"], 3),
        ([HEAD, "457173,457175,DK,,", "457175,457177,SE,,"], 3),
        ([HEAD, "457100,457199,SE,,", "4571,,DK,,"], 3),
        ([HEAD, '457173,,DK,,"Jyske Bank', "457174,,SE,,"], 3),
        ([HEAD, f"457173,,DK,,{'x' * 200_000}"], 2),
    ],
)
def test_what_cannot_be_taken_names_its_line_and_not_its_value(lines, number):
    with pytest.raises(BadLine) as caught:
        bins.read(lines)
    assert caught.value.number == number
    assert "Denmark" not in str(caught.value) and "457173" not in str(caught.value)
