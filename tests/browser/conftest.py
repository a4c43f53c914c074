"""A whole Lockgate and Debian's Chromium, for tests that do what people do."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import Visitor, visitor
from tests.support.running import Running, start_lockgate

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="package")
def running() -> Iterator[Running]:
    """A Lockgate of its own for the tests with a browser."""
    started = start_lockgate()
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        # Certificates of a fresh installation are nobody's yet; the tests of TLS look at them.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--ignore-certificate-errors"]
        )
        yield browser
        browser.close()


@pytest.fixture
def anna(chromium: Browser, running: Running) -> Iterator[Visitor]:
    """Somebody's browser, with a device that keeps passkeys."""
    with visitor(chromium, running) as opened:
        yield opened


@pytest.fixture
def ben(chromium: Browser, running: Running) -> Iterator[Visitor]:
    """Somebody else's."""
    with visitor(chromium, running) as opened:
        yield opened
