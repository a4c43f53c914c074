"""What a session may be asked for: totals, addresses, times, each mode's two names, and what is refused by name."""

import pytest

from lockgate.gateway.checkout.core import items, requests, ui
from lockgate.gateway.checkout.core.params import CREATE
from lockgate.kernel.errors import Refusal
from lockgate.kernel.params import nest, read_fields

NOW = 1_800_000_000
OLD, NEW = "2025-01-27.acacia", "2026-03-25.dahlia"


def price(amount: str, quantity: int = 1, currency: str = "usd", decimal: bool = False) -> dict:
    way = "unit_amount_decimal" if decimal else "unit_amount"
    return {
        "price_data": {"currency": currency, way: amount if decimal else int(amount), "product_data": {"name": "A"}},
        "quantity": quantity,
    }


@pytest.mark.parametrize(
    ("amount", "quantity", "cost", "each", "shown"),
    [
        ("0.5", 3, 2, None, "0.5"), ("12.345", 100, 1235, None, "12.345"), ("10.00", 2, 20, 10, "10"),
        ("0.333333333333", 3, 1, None, "0.333333333333"), ("1500.5000", 1, 1501, None, "1500.5"),
    ],
)  # fmt: skip
def test_decimals_are_rounded_once_for_each_line(amount, quantity, cost, each, shown):
    [item] = items.read([price(amount, quantity, decimal=True)], ["1"])
    assert (item["amount"], item["unit_amount"], item["unit_amount_decimal"]) == (cost, each, shown)


def test_what_a_card_cannot_be_charged_with_is_refused():
    for given, code in ((price("49"), "amount_too_small"), (price("99999999", 2), "amount_too_large")):
        with pytest.raises(Refusal) as caught:
            items.total(items.read([given], ["1"]))
        assert (caught.value.code, caught.value.param) == (code, "line_items")
    assert items.total(items.read([price("0"), price("50")], ["1", "2"])) == 50


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"quantity": 1}, "line_items[0][price_data]"),
        ({"price_data": {"currency": "usd", "unit_amount": 1}}, "line_items[0][quantity]"),
        ({"price_data": {"currency": "usd", "product_data": {"name": "A"}}, "quantity": 1},
         "line_items[0][price_data][unit_amount]"),
        ({**price("100", currency="zzz")}, "line_items[0][price_data][currency]"),
    ],
)  # fmt: skip
def test_an_incomplete_item_is_refused_by_its_place(given, param):
    with pytest.raises(Refusal) as caught:
        items.read([given], ["1"])
    assert caught.value.param == param


def test_one_session_has_one_currency():
    with pytest.raises(Refusal) as caught:
        items.read([price("100"), price("100", currency="eur")], ["1", "2"])
    assert caught.value.param == "line_items[1][price_data][currency]"


@pytest.mark.parametrize(
    ("word", "version", "mode"),
    [
        (None, OLD, "hosted_page"), (None, NEW, "hosted_page"), ("hosted", OLD, "hosted_page"),
        ("embedded", OLD, "embedded_page"), ("custom", OLD, "elements"), ("hosted_page", NEW, "hosted_page"),
        ("embedded_page", NEW, "embedded_page"), ("elements", "2026-10-28.endive", "elements"),
    ],
)  # fmt: skip
def test_a_mode_has_a_name_in_each_version(word, version, mode):
    assert ui.read(word, version) == mode
    assert ui.read(ui.shown(mode, version), version) == mode


@pytest.mark.parametrize(
    ("word", "version"), [("hosted", NEW), ("custom", NEW), ("elements", OLD), ("hosted_page", OLD)]
)
def test_a_name_of_the_other_time_is_refused(word, version):
    with pytest.raises(Refusal) as caught:
        ui.read(word, version)
    assert caught.value.param == "ui_mode"


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({}, "success_url", "parameter_missing"),
        ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
        ({"success_url": "shop.test/thanks"}, "success_url", "url_invalid"),
        ({"success_url": "https:///thanks"}, "success_url", "url_invalid"),
        ({"success_url": "https://shop.test/\"><b>"}, "success_url", "url_invalid"),
        ({"success_url": "https://shop.test:99999/"}, "success_url", "url_invalid"),
        ({"success_url": "https://shop.test/", "return_url": "https://shop.test/"}, "return_url", None),
        ({"ui_mode": "embedded_page"}, "return_url", "parameter_missing"),
        ({"ui_mode": "embedded_page", "return_url": "https://a.test/", "cancel_url": "https://a.test/"}, "cancel_url",
         None),
        ({"ui_mode": "embedded_page", "redirect_on_completion": "never", "return_url": "https://a.test/"},
         "return_url", None),
        ({"ui_mode": "elements", "return_url": "https://a.test/", "success_url": "https://a.test/"}, "success_url",
         None),
    ],
)  # fmt: skip
def test_addresses_belong_to_where_the_shopper_pays(params, param, code):
    with pytest.raises(Refusal) as caught:
        requests.ui_mode(params, version=NEW)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_template_for_the_id_may_stand_in_an_address():
    url = "https://shop.test/thanks?session={CHECKOUT_SESSION_ID}"
    assert requests.ui_mode({"success_url": url}, version=NEW) == "hosted_page"
    assert requests.with_id(url, "cs_1") == "https://shop.test/thanks?session=cs_1"


def test_a_session_lives_between_half_an_hour_and_a_day():
    assert requests.expires_at({}, now=NOW) == NOW + 86_400
    for good in (NOW + 1800, NOW + 86_400):
        assert requests.expires_at({"expires_at": good}, now=NOW) == good
    for bad in (NOW + 1799, NOW + 86_401, 0):
        with pytest.raises(Refusal) as caught:
            requests.expires_at({"expires_at": bad}, now=NOW)
        assert caught.value.param == "expires_at"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"mode": "payment"}, "line_items"),
        ({"mode": "payment", "line_items": [1], "setup_intent_data": {}}, "setup_intent_data"),
        ({"mode": "setup", "line_items": [1]}, "line_items"),
        ({"mode": "setup", "payment_intent_data": {}}, "payment_intent_data"),
        ({"mode": "setup", "submit_type": "pay"}, "submit_type"),
        ({"mode": "setup", "customer": "cus_1", "customer_email": "a@b.c"}, "customer_email"),
        ({"mode": "setup", "customer": "cus_1", "customer_creation": "always"}, "customer_creation"),
    ],
)
def test_what_belongs_to_another_mode_is_refused(params, param):
    with pytest.raises(Refusal) as caught:
        requests.check_mode(params)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ("line_items[0][price]=price_1", "line_items[0][price]"),
        ("line_items[0][adjustable_quantity][enabled]=true", "line_items[0][adjustable_quantity]"),
        ("line_items[0][price_data][recurring][interval]=month", "line_items[0][price_data][recurring]"),
        ("shipping_options[0][shipping_rate]=shr_1", "shipping_options"),
        ("automatic_tax[enabled]=true", "automatic_tax"),
        ("discounts[0][coupon]=c", "discounts"),
        ("subscription_data[description]=x", "subscription_data"),
    ],
)
def test_what_the_dialect_has_and_we_do_not_is_refused_by_name(field, param):
    body = "mode=payment&line_items[0][price_data][currency]=usd&line_items[0][price_data][product_data][name]=A&"
    with pytest.raises(Refusal) as caught:
        CREATE.parse(nest(read_fields((body + field).encode())), "")
    assert (caught.value.code, caught.value.param) == ("parameter_unsupported", param)
    with pytest.raises(Refusal) as caught:
        CREATE.parse(nest(read_fields(b"mode=subscription")), "")
    assert caught.value.param == "mode"
