"""The work that a suspected browser is asked for, done by a real one: on a shop's page, with a content policy."""

import time

from playwright.sync_api import Browser, Route

from lockgate.gateway.risk.core.puzzle import HARD_BITS, Puzzle, refusal, solved
from lockgate.kernel import puzzle
from tests.support.running import Running

SHOP = "https://shop.test"
KEY = b"k" * 32


def test_a_browser_solves_the_hardest_puzzle_and_sends_its_request_again(chromium: Browser, running: Running) -> None:
    asked = Puzzle("acct_1", True, "pi_1", "r" * 16, HARD_BITS, int(time.time()) + 300)
    error = {"error": {"code": "card_declined", "puzzle": refusal(KEY, asked).puzzle}}
    context = chromium.new_context(ignore_https_errors=True)
    context.grant_permissions(["local-network-access"])
    page, told = context.new_page(), []

    def serve(route: Route) -> None:
        policy = f"default-src 'none'; script-src {running['api']}; connect-src 'self'"
        html = f'<!doctype html><title>Shop</title><script src="{running["api"]}/puzzle/v1.js"></script>'
        route.fulfill(body=html, content_type="text/html", headers={"content-security-policy": policy})

    def answer(route: Route) -> None:
        told.append((route.request.headers.get("lockgate-puzzle"), route.request.post_data))
        if len(told) == 1:
            route.fulfill(status=402, json=error)
        else:
            route.fulfill(json={})

    page.route(f"{SHOP}/", serve)
    page.route(f"{SHOP}/confirm", answer)
    try:
        page.goto(f"{SHOP}/")
        page.wait_for_function("window.LockgatePuzzle !== undefined")
        status = page.evaluate(
            "LockgatePuzzle.fetch('/confirm', {method: 'POST', body: 'a=b'}).then(answer => answer.status)"
        )
    finally:
        context.close()
    assert status == 200 and [body for _, body in told] == ["a=b", "a=b"] and told[0][0] is None
    solution = told[1][0]
    assert solution is not None and puzzle.is_solved(solution, bits=HARD_BITS)
    assert solved(KEY, solution, now=int(time.time())) == asked
