"""Hostile reports: closed in every name and number, bounded in size and time, and refused without an echo."""

import random
import string
import time

import pytest

from lockgate.gateway.signals.core import params
from lockgate.kernel.errors import Refusal
from lockgate.kernel.params import nest, read_fields
from tests.gateway.signals.reports import body_size, person, report

MARK = "QZX"


def read(form: dict[str, str]) -> dict:
    return params.CREATE.parse(nest(list(form.items())), "")


def refusal(form: dict[str, str]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(form)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"version": 2}, "signals[version]"),
        ({"version": None}, "signals[version]"),
        ({"device_webdriver": "yes"}, "signals[device][webdriver]"),
        ({"device_webdriver": None}, "signals[device][webdriver]"),
        ({"device_agent": "nothex!!"}, "signals[device][agent]"),
        ({"device_timezone": "a b"}, "signals[device][timezone]"),
        ({"device_screen": "999999x1x1"}, "signals[device][screen]"),
        ({"device_screen": "\u0661\u0669x\u0661\u0660x\u0662"}, "signals[device][screen]"),
        ({"device_platform": "\u202exn\u00ed"}, "signals[device][platform]"),
        ({"device_languages": "d\u00e9"}, "signals[device][languages]"),
        ({"device_cores": -1}, "signals[device][cores]"),
        ({"device_nothing": 1}, "signals[device][nothing]"),
        ({"visit_form_ms": "1e9"}, "signals[visit][form_ms]"),
        ({"visit_form_ms": None}, "signals[visit][form_ms]"),
        ({"card_value": "4242"}, "signals[card][value]"),
        ({"card_holds": "1_2"}, "signals[card][holds]"),
        ({"typing_password][holds": "1_2"}, "signals[typing][password]"),
        ({"typing_email][keys": "1_2"}, "signals[typing][email][keys]"),
        ({"typing_email][holds": "3_2_1"}, "signals[typing][email][holds]"),
        ({"typing_email][holds": "_".join(["1"] * 33)}, "signals[typing][email][holds]"),
        ({"typing_email][holds": "401"}, "signals[typing][email][holds]"),
        ({"typing_email][holds": "1,2"}, "signals[typing][email][holds]"),
        ({"pointer_strokes": "1_2_3"}, "signals[pointer][strokes]"),
        ({"pointer_strokes": "_".join(["41"] + ["0"] * 19)}, "signals[pointer][strokes]"),
        ({"pointer_strokes": ".".join(["_".join(["0"] * 20)] * 13)}, "signals[pointer][strokes]"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_form_is_refused_by_name(changes, param):
    assert refusal(person(**changes)).param == param


def test_a_whole_report_fits_with_room_to_spare():
    times = "_".join(["400"] * 32)
    full = {f"typing_{role}][{what}": times for role in params.TIMED for what in ("holds", "gaps")}
    stroke = "40_9000_9999_1000_9999_9999_9999_9999_1000_999_3142_999_10_99_99_99_999_360_999_999"
    form = person(**full, pointer_strokes=".".join([stroke] * 12))
    assert body_size(form) <= params.MOST_BYTES
    assert read(form)["signals"]["pointer"]["strokes"][11].moves == 40


def test_a_large_report_is_refused_before_it_is_looked_at():
    form = person() | {f"signals[typing][email][{number}]": "x" * 40 for number in range(200)}
    told = refusal(form)
    assert told.param == "signals" and "4096" in told.message


@pytest.mark.parametrize("seed", range(40))
def test_mangled_reports_are_refused_quickly_and_without_an_echo(seed):
    chance = random.Random(seed)
    signs = string.printable + "\u202e\u00e9\U0001f600[]"
    for _ in range(25):
        form = person()
        for _ in range(chance.randint(1, 6)):
            name = chance.choice(list(form))
            match chance.randint(0, 4):
                case 0:
                    form[name] = MARK + "".join(chance.choices(signs, k=chance.randint(0, 60)))
                case 1:
                    form[name + chance.choice(["[x]", "[]", "[0]", "[" + MARK.lower() + "]"])] = form.pop(name)
                case 2:
                    form[name] = chance.choice(["9" * 400, "-1", "0x10", "NaN", "1_" * 3000, "_", ".", "1._2", "NULL"])
                case 3:
                    form["signals" + "[a]" * chance.randint(1, 5)] = "1"
                case _:
                    form.pop(name)
        started = time.perf_counter()
        try:
            read(form)
        except Refusal as told:
            assert MARK not in told.message and told.message
        assert time.perf_counter() - started < 1


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_refused(seed):
    chance = random.Random(seed)
    with pytest.raises(Refusal):
        params.CREATE.parse(nest(read_fields(b"signals=" + chance.randbytes(2_000))), "")


def test_reports_hold_numbers_words_and_flags_and_no_free_text():
    """Every text has a pattern or a closed set, so that no value of a field could be smuggled out as one."""

    def leaves(schema):
        if schema.get("type") == "object":
            for inner in schema["properties"].values():
                yield from leaves(inner)
        else:
            yield schema

    for leaf in leaves(params.REPORT.schema()):
        assert leaf["type"] in ("boolean", "integer") or "enum" in leaf or "pattern" in leaf
        assert leaf.get("maxLength", 0) <= 1_500
    assert report()["typing"]["email"]["holds"] == sorted(report()["typing"]["email"]["holds"])
