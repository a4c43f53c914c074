"""Exchange rates: what is read, what is refused, and conversion in exact integers."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.geography import shipped
from lockgate.gateway.geography.core import rates
from lockgate.gateway.geography.core.tables import BadLine
from lockgate.kernel.money import CURRENCIES, exponent

ECB = [
    "Date, USD, JPY, BGN, KWD, HRK, ",
    "25 June 2026, 1.1604, 168.32, 1.9558, N/A, 7.5, ",
]
HISTORY = ["Date,USD,JPY,", "2026-06-24,1.2,150,", "2026-06-25,1.25,160,", "2026-06-23,1.1,140,"]


def converted(lines, amount, currency):
    return rates.load(rates.read(lines).rows).to_usd_cents(amount, currency)


def test_the_banks_own_file_is_read():
    table = rates.read(ECB)
    assert table.date == "2026-06-25"
    assert table.rows == ("bgn,1.9558", "eur,1", "jpy,168.32", "usd,1.1604"), "neither N/A nor what we do not know"
    assert converted(ECB, 100_00, "eur") == 116_04
    assert converted(ECB, 16_832, "jpy") == 116_04, "a currency without decimals"
    assert converted(ECB, 100_00, "kwd") is None


def test_of_many_days_the_newest_counts():
    assert rates.read(HISTORY).date == "2026-06-25"
    assert converted(HISTORY, 100_00, "eur") == 125_00


def test_our_own_file_counts_units_for_one_of_the_base():
    assert converted(["currency,usd", "eur,0.8", "kwd,0.3"], 8_000, "eur") == 100_00
    assert converted(["currency,rate", "eur,0.8", "kwd,0.3"], 300, "kwd") == 100, "three decimals"
    assert converted(["currency,gbp", "usd,1.25", "eur,1.2"], 12_00, "eur") == 12_50


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ([], 1),
        (["a,b"], 1),
        (["currency,rate", "xxx,1"], 2),
        (["currency,rate", "eur,0"], 2),
        (["currency,rate", "eur,-1"], 2),
        (["currency,rate", "eur,1e3"], 2),
        (["currency,rate", "eur,0.8", "eur,0.9"], 3),
        (["currency,rate", "eur,0.8,1"], 2),
        (["currency,rate"], 2),
        (["currency,eur", "gbp,0.8"], 1),
        (["Date,USD", "someday,1.1"], 2),
        (["Date,USD"], 2),
        (["currency,eurr", "gbp,0.8"], 1),
        (["currency,usd", "usd,2", "eur,0.8"], 1),
        (["currency,usd", "eur,0.000000000001"], 1),
        (["currency,usd", "eur,999999999999"], 1),
        (["currency,usd", 'eur,"0.8'], 2),
        (["currency,usd", 'eur,"' + "8" * 200_000], 2),
        (["Date,USD,USD", "2026-06-25,1.1,1.2"], 1),
        (["Date,USD,JPY", "2026-06-25,1.1"], 2),
        (["Date,USD,JPY", "2026-06-25,1.1,150,7"], 2),
    ],
)
def test_what_cannot_be_taken_names_its_line(lines, number):
    with pytest.raises(BadLine) as caught:
        rates.read(lines)
    assert caught.value.number == number
    assert str(caught.value).startswith(f"line {number}: ")


@given(
    amount=st.integers(0, 10**12),
    currency=st.sampled_from(["eur", "jpy", "kwd", "usd"]),
    rate=st.decimals("0.0001", "99999", places=4),
)
def test_conversion_is_exact_and_rounds_half_up(amount, currency, rate):
    table = ["currency,usd", f"{currency},{rate}"] if currency != "usd" else ["currency,usd", "eur,1"]
    rate = Decimal(1) if currency == "usd" else rate
    exact = Decimal(amount).scaleb(2 - exponent(currency)) / rate
    assert converted(table, amount, currency) == pytest.approx(exact.quantize(Decimal(1), ROUND_HALF_UP), abs=0)


def test_dollars_are_what_they_are():
    known = shipped.known().rates
    assert [known.to_usd_cents(cents, "usd") for cents in (0, 1, 500_000, 500_001)] == [0, 1, 500_000, 500_001]


def test_the_shipped_table_quotes_every_currency_that_can_be_charged():
    known = shipped.known().rates
    assert set(known.per_usd) == CURRENCIES
    for currency in CURRENCIES:  # a slip by a decimal would show: one unit is between 1/100,000 and 5 dollars
        assert Decimal("0.00001") < 1 / Decimal(float(known.per_usd[currency])) < 5, currency


def test_imported_rates_lie_over_the_shipped_ones():
    shipped_rates = shipped.known().rates
    both = rates.load(rates.read(["currency,usd", "eur,2"]).rows).over(shipped_rates)
    assert both.to_usd_cents(200, "eur") == 100
    assert both.to_usd_cents(1000, "gbp") == shipped_rates.to_usd_cents(1000, "gbp")
