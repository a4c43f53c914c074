"""Setup intents, their attempts, mandates, challenges on the merchant's own page, and cards that are used once."""

from typing import Any

from tests.gateway.payments.whole import RETURN_URL, Shop, raw
from tests.support import cardholder

ACCEPTED = {
    "mandate_data[customer_acceptance][type]": "online",
    "mandate_data[customer_acceptance][accepted_at]": "1700000000",
    "mandate_data[customer_acceptance][online][ip_address]": "203.0.113.7",
    "mandate_data[customer_acceptance][online][user_agent]": "Browser/1.0",
}
SHOWN = {
    "accepted_at": 1_700_000_000, "offline": None, "type": "online",
    "online": {"ip_address": "203.0.113.7", "user_agent": "Browser/1.0"},
}  # fmt: skip


def setup(shop: Shop, **more: Any) -> dict[str, Any]:
    return shop.server.post("/v1/setup_intents", more).json


def confirmed(shop: Shop, card: str = "pm_card_visa", **more: Any) -> dict[str, Any]:
    return setup(shop, confirm="true", payment_method=card, return_url=RETURN_URL, **more)


def tries(shop: Shop, made: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return shop.server.get("/v1/setup_attempts", {"setup_intent": made["id"], **more}).json["data"]


def events(shop: Shop, id_: str) -> list[str]:
    """The types of the events about one object, oldest first."""
    listed = shop.server.get("/v1/events", {"limit": 100}).json["data"]
    return [event["type"] for event in reversed(listed) if event["data"]["object"]["id"] == id_]


def newest(shop: Shop, type_: str) -> dict[str, Any]:
    return shop.server.get("/v1/events", {"type": type_, "limit": 1}).json["data"][0]


def test_each_try_is_a_setup_attempt(shop: Shop) -> None:
    made = setup(shop)
    assert (made["latest_attempt"], tries(shop, made)) == (None, [])
    path = f"/v1/setup_intents/{made['id']}/confirm"
    shop.server.post(path, raw("4000000000009995"))
    first = shop.server.post(path, {"payment_method": "pm_card_authenticationRequired", "return_url": RETURN_URL}).json
    second = shop.server.post(path, {"payment_method": "pm_card_authenticationRequired", "return_url": RETURN_URL}).json
    assert [one["status"] for one in tries(shop, made)] == ["requires_action", "abandoned", "failed"]
    done = shop.answer(second, "pass")
    assert [one["status"] for one in tries(shop, made)] == ["succeeded", "abandoned", "failed"]
    latest = tries(shop, made, limit=1)[0]
    assert (latest["id"], latest["payment_method"]) == (done["latest_attempt"], done["payment_method"])
    assert latest["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"
    assert first["latest_attempt"] == tries(shop, made)[1]["id"]
    older = tries(shop, made, starting_after=latest["id"])
    assert [one["status"] for one in older] == ["abandoned", "failed"]
    failed = older[1]["setup_error"]
    assert (failed["code"], failed["decline_code"]) == ("card_declined", "insufficient_funds")
    assert failed["payment_method"]["card"]["last4"] == "9995"
    seen = shop.server.get(f"/v1/setup_intents/{made['id']}", {"expand[]": "latest_attempt.payment_method"}).json
    assert seen["latest_attempt"]["payment_method"]["id"] == done["payment_method"]
    assert tries(shop, made, **{"created[lt]": 1}) == []
    assert events(shop, made["id"]) == [
        "setup_intent.created", "setup_intent.setup_failed", "setup_intent.requires_action",
        "setup_intent.requires_action", "setup_intent.succeeded",
    ]  # fmt: skip


def test_attempts_are_listed_of_one_setup_intent_only(shop: Shop) -> None:
    assert shop.server.get("/v1/setup_attempts").error["message"] == "Missing required param: setup_intent."
    unknown = shop.server.get("/v1/setup_attempts", {"setup_intent": "seti_none"})
    assert (unknown.status, unknown.error["param"]) == (400, "setup_intent")
    assert unknown.error["message"] == "No such setupintent: 'seti_none'"


def test_a_canceled_challenge_is_abandoned(shop: Shop) -> None:
    made = confirmed(shop, "pm_card_authenticationRequired")
    gone = shop.server.post(f"/v1/setup_intents/{made['id']}/cancel", {"cancellation_reason": "duplicate"}).json
    assert (gone["status"], gone["cancellation_reason"], gone["next_action"]) == ("canceled", "duplicate", None)
    assert [one["status"] for one in tries(shop, made)] == ["abandoned"]


def test_a_setup_that_is_over_says_so(shop: Shop) -> None:
    made = confirmed(shop)
    path = f"/v1/setup_intents/{made['id']}"
    for verb, reply in (
        ("confirm", shop.server.post(f"{path}/confirm")),
        ("update", shop.server.post(path, {"payment_method": "pm_card_visa"})),
    ):
        message = f"You cannot {verb} this SetupIntent because it has already succeeded."
        assert (reply.status, reply.error["code"]) == (400, "setup_intent_unexpected_state")
        assert (reply.error["message"], reply.error["setup_intent"]["id"]) == (message, made["id"])
    cancel = shop.server.post(f"/v1/setup_intents/{made['id']}/cancel").error["message"]
    assert cancel.startswith("You cannot cancel this SetupIntent because it has a status of succeeded.")
    told = shop.server.post(f"/v1/setup_intents/{made['id']}", {"description": "kept", "metadata[a]": "b"}).json
    assert (told["description"], told["metadata"], told["status"]) == ("kept", {"a": "b"}, "succeeded")


def test_the_event_of_a_setup_made_at_once_shows_it_unconfirmed(shop: Shop) -> None:
    made = confirmed(shop)
    first = newest(shop, "setup_intent.created")["data"]["object"]
    assert (first["id"], first["status"], first["latest_attempt"]) == (made["id"], "requires_confirmation", None)


def test_methods_are_automatic_unless_types_are_named(shop: Shop) -> None:
    assert setup(shop)["automatic_payment_methods"] == {"allow_redirects": "always", "enabled": True}
    assert setup(shop, **{"payment_method_types[]": "card"})["automatic_payment_methods"] is None
    old = shop.server.post("/v1/setup_intents", {}, headers={"Stripe-Version": "2022-11-15"}).json
    assert old["automatic_payment_methods"] is None


def test_a_mandate_is_given_shown_used_and_ended(shop: Shop) -> None:
    customer = shop.customer()
    made = confirmed(shop, customer=customer, **ACCEPTED)
    mandate = shop.server.get(f"/v1/mandates/{made['mandate']}").json
    assert mandate == {
        "id": made["mandate"], "object": "mandate", "customer_acceptance": SHOWN, "livemode": False, "multi_use": {},
        "on_behalf_of": None, "payment_method": made["payment_method"],
        "payment_method_details": {"card": {}, "type": "card"}, "single_use": None, "status": "active",
        "type": "multi_use",
    }  # fmt: skip
    body = {
        "customer": customer, "payment_method": made["payment_method"], "off_session": "true", "confirm": "true",
        "mandate": made["mandate"], "expand[]": "latest_charge",
    }
    charge = shop.intent(**body)["latest_charge"]
    assert charge["payment_method_details"]["card"]["mandate"] == made["mandate"]
    assert shop.server.post(f"/v1/payment_methods/{made['payment_method']}/detach").json["customer"] is None
    assert shop.server.get(f"/v1/mandates/{made['mandate']}").json["status"] == "inactive"
    told = newest(shop, "mandate.updated")["data"]
    assert (told["object"]["id"], told["previous_attributes"]) == (made["mandate"], {"status": "active"})
    assert told["object"]["customer_acceptance"] == SHOWN


def test_a_payment_can_give_a_mandate_too(shop: Shop) -> None:
    customer = shop.customer()
    paid = shop.intent(
        customer=customer, payment_method="pm_card_visa", confirm="true", setup_future_usage="off_session",
        return_url=RETURN_URL, **ACCEPTED, **{"expand[]": "latest_charge"},
    )  # fmt: skip
    mandate = paid["latest_charge"]["payment_method_details"]["card"]["mandate"]
    shown = shop.server.get(f"/v1/mandates/{mandate}", {"expand[]": "payment_method"}).json
    assert (shown["status"], shown["payment_method"]["customer"]) == ("active", customer)
    other = confirmed(shop, customer=customer)
    assert other["mandate"] is None
    wrong = shop.intent(
        customer=customer, payment_method=other["payment_method"], confirm="true", off_session="true", mandate=mandate
    )
    assert (wrong["error"]["code"], wrong["error"]["param"]) == ("payment_intent_mandate_invalid", "mandate")
    lost = shop.intent(customer=customer, payment_method="pm_card_visa", confirm="true", mandate="mandate_none")
    assert lost["error"]["message"] == "No such mandate: 'mandate_none'"
    alone = shop.intent(payment_method="pm_card_visa", confirm="true", **ACCEPTED)
    assert alone["error"]["param"] == "mandate_data"


def test_a_declined_card_gives_no_mandate(shop: Shop) -> None:
    error = confirmed(shop, "pm_card_chargeDeclined", **ACCEPTED)["error"]
    assert error["setup_intent"]["mandate"] is None
    again = shop.server.post(
        f"/v1/setup_intents/{error['setup_intent']['id']}/confirm", {"payment_method": "pm_card_visa"}
    ).json
    assert (again["status"], again["mandate"]) == ("succeeded", None)


def test_a_browser_may_stand_for_its_cardholder(shop: Shop) -> None:
    made = setup(shop)
    body = {
        **raw("4242424242424242"), "client_secret": made["client_secret"],
        "mandate_data[customer_acceptance][type]": "online",
        "mandate_data[customer_acceptance][online][infer_from_client]": "true",
    }
    reply = shop.browser.post(
        f"/v1/setup_intents/{made['id']}/confirm", body, headers={"User-Agent": "Cardholder/2.0"}
    )
    assert reply.json["status"] == "succeeded", reply.text
    mandate = shop.server.get(f"/v1/mandates/{shop.read(made)['mandate']}").json
    online = mandate["customer_acceptance"]["online"]
    assert online == {"ip_address": shop.browser.address, "user_agent": "Cardholder/2.0"}
    refused = confirmed(shop, **{name: value for name, value in body.items() if name.startswith("mandate")})
    assert refused["error"]["param"] == "mandate_data[customer_acceptance][online][infer_from_client]"
    for name in ("ip_address", "user_agent"):
        lacking = {key: value for key, value in ACCEPTED.items() if not key.endswith(f"[{name}]")}
        param = f"mandate_data[customer_acceptance][online][{name}]"
        assert confirmed(shop, **lacking)["error"]["message"] == f"Missing required param: {param}."


def test_a_challenge_can_be_shown_by_a_script(shop: Shop) -> None:
    card = {"payment_method": "pm_card_threeDSecure2Required", "confirm": "true"}
    for more in ({"use_stripe_sdk": "true"}, {"payment_method_types[]": "card"}, {
        "automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never",
    }):
        for made in (shop.intent(**card, **more), setup(shop, **card, **more)):
            action = made["next_action"]
            assert (made["status"], action["type"]) == ("requires_action", "use_stripe_sdk")
            assert cardholder.answer(action, "pass", ca_file=shop.ca_file) is None
            assert shop.read(made)["status"] == "succeeded"


def test_a_redirect_needs_a_page_to_return_to(shop: Shop) -> None:
    card = {"payment_method": "pm_card_threeDSecure2Required", "confirm": "true"}
    for refused in (shop.intent(**card), setup(shop, **card)):
        assert (refused["error"]["code"], refused["error"]["param"]) == ("parameter_missing", "return_url")
    assert shop.intent(payment_method="pm_card_visa", confirm="true")["status"] == "succeeded"


def test_a_card_that_is_nobodys_is_used_once(shop: Shop) -> None:
    for number in ("4242424242424242", "4000000000009995"):
        method = shop.server.post("/v1/payment_methods", raw(number, "")).json["id"]
        shop.intent(payment_method=method, confirm="true")
        again = shop.intent(payment_method=method, confirm="true")["error"]
        assert again["param"] == "payment_method" and "previously used" in again["message"]
        attach = shop.server.post(f"/v1/payment_methods/{method}/attach", {"customer": shop.customer()})
        assert attach.status == 400 and "previously used" in attach.error["message"]


def test_a_card_that_was_set_up_for_nobody_can_still_be_attached(shop: Shop) -> None:
    made = confirmed(shop)
    assert "previously used" in confirmed(shop, made["payment_method"])["error"]["message"]
    customer = shop.customer()
    path = f"/v1/payment_methods/{made['payment_method']}"
    assert shop.server.post(f"{path}/attach", {"customer": customer}).json["customer"] == customer
    assert confirmed(shop, made["payment_method"], customer=customer)["status"] == "succeeded"


def test_a_card_stays_with_its_customer(shop: Shop) -> None:
    one, other = shop.customer(), shop.customer()
    method = shop.server.post("/v1/payment_methods/pm_card_visa/attach", {"customer": one}).json["id"]
    path = f"/v1/payment_methods/{method}"
    taken = shop.server.post(f"{path}/attach", {"customer": other})
    assert (taken.status, "already been attached" in taken.error["message"]) == (400, True)
    for body in ({"customer": other}, {}):
        for refused in (
            shop.intent(payment_method=method, confirm="true", **body), setup(shop, payment_method=method, **body),
        ):
            assert refused["error"]["param"] == "payment_method"
    assert shop.server.post(f"{path}/detach").json["customer"] is None
    twice = shop.server.post(f"{path}/detach")
    assert (twice.status, "not attached" in twice.error["message"]) == (400, True)
    assert shop.intent(payment_method=method, customer=one, confirm="true")["error"]["param"] == "payment_method"


def test_lists_take_every_filter(shop: Shop) -> None:
    customer = shop.customer()
    made = confirmed(shop, customer=customer)

    def listed(**filters: Any) -> list[str]:
        return [one["id"] for one in shop.server.get("/v1/setup_intents", filters).json["data"]]

    assert listed(customer=customer) == [made["id"]] == listed(payment_method=made["payment_method"])
    assert listed(customer=customer, attach_to_self="true") == []
    assert listed(customer=customer, attach_to_self="false") == [made["id"]]
    assert listed(customer=customer, **{"created[gte]": made["created"]}) == [made["id"]]
    assert listed(customer=customer, **{"created[gt]": made["created"]}) == []
