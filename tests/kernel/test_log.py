"""Logs mask card numbers however they are written, and leave times and references alone."""

import json
import logging
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from lockgate.kernel import ids, log
from lockgate.kernel.luhn import with_check_digit


def card(seed: int) -> str:
    return with_check_digit(f"4{seed:014d}")


@given(st.integers(0, 10**14 - 1), st.sampled_from(["", " ", "-", "."]), st.text(max_size=20), st.text(max_size=20))
def test_a_card_number_never_comes_through(seed: int, separator: str, before: str, after: str) -> None:
    number = card(seed)
    written = separator.join(number[i : i + 4] for i in range(0, 16, 4))
    if before[-1:].isdigit() or after[:1].isdigit():
        before, after = before + "x", "x" + after
    masked = log.mask(before + written + after)
    assert number not in masked.replace(separator, "") if separator else number not in masked
    assert written not in masked
    assert number[:6] in masked and number[-4:] in masked


def test_times_and_ids_stay_as_they_are() -> None:
    dice = random.Random(7)
    for _ in range(5000):
        text = f"at {dice.randrange(1_600_000_000_000, 1_999_999_999_999)} {ids.new_id('pi')} {dice.randrange(10**9)}"
        assert log.mask(text) == text


CODE = """
from lockgate.kernel import log
early = log.get("early")
log.start("test")
early.info("a card 4242424242424242", nested={"n": ["5555 5555 5555 4444"]}, number=4242424242424242)
early.info("bytes", raw=b"378282246310005")
def fails():
    secret = "4242424242424242"
    raise ValueError(f"bad {secret}")
try:
    fails()
except ValueError:
    early.exception("it failed")
import logging
logging.getLogger("aiohttp").warning("saw %s", "4242424242424242")
early.info("one\\ntwo\\x1b[31m")
"""


def test_every_way_into_the_log_is_masked_and_on_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(lines) == 5
    for number in ("4242424242424242", "5555 5555 5555 4444", "378282246310005"):
        assert number not in done.stderr
    assert lines[0]["program"] == "test" and lines[0]["source"] == "early"
    failed = lines[2]
    assert failed["exception"] == "ValueError" and any("fails" in place for place in failed["at"])


@pytest.fixture
def logs_apart() -> Iterator[None]:
    """Whoever logs after this test does not write into what was captured of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.mark.usefixtures("logs_apart")
def test_levels_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    log.start("levels", level=logging.WARNING)
    log.get("x").info("quiet")
    log.get("x").warning("loud")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["loud"]
