"""The challenge page: readable without scripts, strict about what it may load, and its answer outlives a kill."""

import re

import pytest

from tests.simulator.running import RunningSimulator, authorization

CARD = "4000002760003184"


async def challenged(simulator: RunningSimulator, number: str = CARD) -> dict:
    asked = await simulator.ask("/authorizations", **authorization("a1", number, capture=True))
    assert asked["status"] == "action_required"
    return asked


async def answer(simulator: RunningSimulator, asked: dict, result: str) -> str:
    async with simulator.session.post(asked["redirect_url"], data={"result": result}, allow_redirects=False) as back:
        assert back.status == 303
        return back.headers["Location"]


async def complete(simulator: RunningSimulator, asked: dict, reference: str) -> dict:
    return await simulator.ask("/authorizations/complete", reference=reference, authorization=asked["id"])


async def test_the_page_is_plain_accessible_and_closed(simulator: RunningSimulator):
    asked = await challenged(simulator)
    async with simulator.session.get(asked["redirect_url"]) as page:
        text, headers = await page.text(), page.headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self' https://shop.example;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in text and "style=" not in text
    assert '<html lang="en">' in text and "<title>" in text and "color-scheme: light dark" in text
    assert re.findall(r'<button type="submit" name="result" value="(\w+)">(\w+)</button>', text) == [
        ("pass", "Complete"),
        ("fail", "Fail"),
    ]


async def test_passing_goes_back_to_the_shop_and_then_the_money_is_there(simulator: RunningSimulator):
    asked = await challenged(simulator)
    waiting = await complete(simulator, asked, "c1")
    assert (waiting["status"], waiting["redirect_url"]) == ("action_required", asked["redirect_url"])
    assert await answer(simulator, asked, "pass") == "https://shop.example/back?token=x"
    simulator.restart()
    done = await complete(simulator, asked, "c2")
    assert (done["status"], done["captured_amount"]) == ("approved", 1099)
    assert done["three_d_secure"]["result"] == "authenticated"
    assert (await complete(simulator, asked, "c3"))["status"] == "approved"
    assert (await simulator.ask("/inquiries", reference="a1"))["status"] == "approved"
    approvals = [e for e in await simulator.journal() if e["kind"] == "authorization" and e["status"] == "approved"]
    assert [entry["reference"] for entry in approvals] == ["a1"]


async def test_failing_declines_without_asking_the_issuer(simulator: RunningSimulator):
    asked = await challenged(simulator)
    await answer(simulator, asked, "fail")
    await answer(simulator, asked, "pass")
    done = await complete(simulator, asked, "c1")
    assert (done["status"], done["decline_code"]) == ("declined", "authentication_failed")
    assert done["network_decline_code"] is None


@pytest.mark.parametrize(
    ("number", "code"), [("4000008260003178", "insufficient_funds"), ("4000008400001629", "generic_decline")]
)
async def test_some_cards_are_declined_although_the_challenge_passed(
    simulator: RunningSimulator, number: str, code: str
):
    asked = await challenged(simulator, number)
    await answer(simulator, asked, "pass")
    done = await complete(simulator, asked, "c1")
    assert (done["status"], done["decline_code"]) == ("declined", code)


async def test_a_challenge_is_answered_once_and_dies_with_its_payment(simulator: RunningSimulator):
    asked = await challenged(simulator)
    assert (await simulator.ask("/voids", reference="v1", authorization=asked["id"]))["status"] == "approved"
    async with simulator.session.get(asked["redirect_url"]) as page:
        assert page.status == 410
    await answer(simulator, asked, "pass")
    assert (await complete(simulator, asked, "c1"))["status"] == "voided"


async def test_unknown_challenges_and_answers_get_a_page(simulator: RunningSimulator):
    asked = await challenged(simulator)
    async with simulator.session.get("/acs/acs_unknown") as page:
        assert (page.status, page.content_type) == (404, "text/html")
    async with simulator.session.post(asked["redirect_url"], data={"result": "maybe"}) as page:
        assert (page.status, page.content_type) == (400, "text/html")
