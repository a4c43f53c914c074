"""Large refunds are confirmed, and agreed to by a second person, on pages that say what is done."""

from playwright.sync_api import expect

from tests.browser.visitor import PASSWORD, Visitor
from tests.support import people
from tests.support.door import Client


def server(anna: Visitor) -> Client:
    return Client(anna.running["api"], anna.running["ca_file"], anna.running["secret_key"])


def charged(anna: Visitor) -> str:
    paid = server(anna).post(
        "/v1/payment_intents",
        {"amount": 300_000, "currency": "usd", "payment_method": "pm_card_visa", "payment_method_types[]": "card",
         "confirm": "true"},
    )  # fmt: skip
    assert paid.status == 200, paid.text
    return paid.json["latest_charge"]


def test_a_large_refund_is_confirmed_with_a_passkey(anna: Visitor):
    anna.with_app()
    anna.page.get_by_role("link", name="Add a passkey").click()
    anna.press("Make the passkey")
    anna.reads("Your account")
    door = Client(anna.running["api"], anna.running["ca_file"])
    begun = people.begin(door, anna.email, PASSWORD).json
    door.key = people.finish(door, begun, "totp", anna.code()).json["access_token"]
    large = {"charge": charged(anna), "amount": 250_000}
    waiting = door.post("/v1/refunds", large).error["approval"]
    anna.page.get_by_role("link", name="What waits for agreement").click()
    anna.page.get_by_role("link", name=waiting["summary"]).click()
    anna.reads(f"Refund 2500.00 USD of {large['charge']}")
    expect(anna.page.get_by_text("250000", exact=True)).to_be_visible()
    anna.press("Agree with your passkey")
    expect(anna.page.get_by_text("This is agreed.")).to_be_visible()
    assert door.post("/v1/refunds", {**large, "amount": 1}).status == 200
    header = {"Lockgate-Approval": waiting["id"]}
    assert door.post("/v1/refunds", {**large, "amount": 250_001}, headers=header).status == 403
    assert door.post("/v1/refunds", large, headers=header).status == 200
    anna.page.reload()
    expect(anna.page.get_by_text("This approval is used")).to_be_visible()
    assert anna.faults == []


def test_a_second_person_agrees_or_refuses(anna: Visitor):
    anna.with_passkey()
    anna.running.command("approvals", "policy", "refund.two_people_above=1000")
    try:
        charge = charged(anna)
        for amount, button, says in ((120_000, "Agree with your passkey", "This is agreed."),
                                     (130_000, "Refuse", "This approval is refused")):  # fmt: skip
            asked = {"charge": charge, "amount": amount}
            waiting = server(anna).post("/v1/refunds", asked).error["approval"]
            anna.open("/account/approvals")
            anna.page.get_by_role("link", name=waiting["summary"]).click()
            anna.press(button)
            expect(anna.page.get_by_text(says)).to_be_visible()
            done = server(anna).post("/v1/refunds", asked, headers={"Lockgate-Approval": waiting["id"]})
            assert done.status == (200 if button.startswith("Agree") else 403)
    finally:
        anna.running.command("approvals", "policy", "refund.two_people_above=never")
