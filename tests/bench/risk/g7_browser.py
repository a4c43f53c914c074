"""The second half of G7: headless Chromium that fills a shop's form with our collector on it, at a started Lockgate.

It fills in every way that drivers have (at once, key by key, with a pause, with a jittered pause and held keys, by
script), once as it is and once with its admissions taken away.
"""

import random
import shutil
import time
from collections.abc import Callable

from playwright.sync_api import Page, sync_playwright

from tests.bench.risk.figures import Figure
from tests.browser.conftest import CHROMIUM
from tests.browser.test_collector import SECRETS, browsing
from tests.support.door import Client
from tests.support.running import start_lockgate

TOLD = 75
"""From this bot score on a visit counts as a program's."""

PROTOCOL = f"five ways to fill a form, with and without the browser's own admissions; told: bot_score >= {TOLD}"


def _at_once(page: Page, field: str, text: str) -> None:
    page.fill(f"#{field}", text)


def _by_keys(page: Page, field: str, text: str) -> None:
    page.locator(f"#{field}").press_sequentially(text)


def _with_pauses(page: Page, field: str, text: str) -> None:
    page.locator(f"#{field}").press_sequentially(text, delay=15)


def _jittered(page: Page, field: str, text: str) -> None:
    page.click(f"#{field}")
    for sign in text:
        page.keyboard.down(sign)
        time.sleep(random.uniform(0.01, 0.03))
        page.keyboard.up(sign)
        time.sleep(random.uniform(0.01, 0.04))


def _by_script(page: Page, field: str, text: str) -> None:
    page.evaluate(
        "([field, text]) => { const input = document.getElementById(field); input.value = text;"
        " input.dispatchEvent(new Event('input', { bubbles: true })); }",
        [field, text],
    )


WAYS: tuple[Callable[[Page, str, str], None], ...] = (_at_once, _by_keys, _with_pauses, _jittered, _by_script)


def measure(rounds: int) -> list[Figure]:
    """How many of the fills are told, of programs that admit it and of programs that do not."""
    if shutil.which(CHROMIUM) is None:
        return [Figure("G7", "headless Chromium told", "-", "", ">= 99 %", None, PROTOCOL)]
    running = start_lockgate()
    found = []
    try:
        merchant = Client(running["api"], running["ca_file"], running["secret_key"])
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--ignore-certificate-errors"]
            )
            for disguised in (False, True):
                scores = []
                for way in WAYS * rounds:
                    with browsing(chromium, running, disguised=disguised) as shop:
                        shop.open()
                        for field, text in SECRETS.items():
                            way(shop.page, field, text)
                        session = merchant.get(f"/v1/radar/sessions/{shop.pay()}").json
                        scores.append(session["signals"]["bot_score"])
                told = sum(score >= TOLD for score in scores) / len(scores)
                name = f"headless Chromium told, {'disguised' if disguised else 'as it is'} ({len(scores)} fills)"
                found.append(Figure("G7", name, f"{told:.0%}", "", ">= 99 %", told >= 0.99, PROTOCOL))
            chromium.close()
        merchant.close()
    finally:
        running.stop()
    return found
