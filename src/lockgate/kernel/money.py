"""Amounts: integers in a currency's minor unit, and what each ISO 4217 currency's minor unit is."""

# Currencies whose minor unit is the unit itself, and those with three decimals (ISO 4217). All others have two.
ZERO_DECIMAL = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()
)
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
TWO_DECIMAL = frozenset(
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc "
    "cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr "
    "kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk "
    "php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu "
    "uzs wst xcd yer zar zmw".split()
)
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL
MAX_AMOUNT = 99_999_999
MINIMUM_BY_CURRENCY = {
    "usd": 50, "eur": 50, "gbp": 30, "inr": 50, "jpy": 50, "aud": 50, "cad": 50, "chf": 50, "sgd": 50, "nzd": 50,
    "brl": 50, "dkk": 250, "nok": 300, "sek": 300, "hkd": 400, "mxn": 1000, "aed": 200, "pln": 200, "czk": 1500,
    "huf": 17500, "ron": 200, "bgn": 100, "thb": 1000, "myr": 200,
}


def exponent(currency: str) -> int:
    """How many decimals ``currency``'s minor unit has."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def shown(amount: int, currency: str) -> str:
    """``amount`` for people: ``20.00 USD``, ``2000 JPY``."""
    places = exponent(currency)
    sign, digits = "-" * (amount < 0), str(abs(amount)).rjust(places + 1, "0")
    whole = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"{sign}{whole} {currency.upper()}"


def minimum(currency: str) -> int:
    """The smallest amount that may be charged, in minor units."""
    return MINIMUM_BY_CURRENCY.get(currency, 1)


def share(amount: int, hundredths_of_percent: int) -> int:
    """``amount`` times a rate in hundredths of a percent (290 is 2.9 %), rounded half up, in integers only."""
    return (amount * hundredths_of_percent * 2 + 10_000) // 20_000
