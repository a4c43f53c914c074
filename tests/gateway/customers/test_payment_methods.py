"""Payment methods: made from cards, attached, detached, spent; and what each mode refuses."""

import asyncio
from dataclasses import replace

import pytest

from lockgate.gateway.customers import find
from lockgate.gateway.customers.core.attach import attached, usable
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Principal
from lockgate.kernel.testcards import READY_MADE
from tests.gateway.customers.desk import ACCOUNT, open_desk

CARD = {"type": "card", "card[number]": "4242 4242 4242 4242", "card[exp_month]": "12", "card[exp_year]": "40"}


@pytest.fixture
async def desk(database):
    async with open_desk(database) as open_one:
        yield open_one


async def test_create_keeps_the_card_at_the_vault_and_shows_no_more_than_may_be_shown(desk):
    made = await desk.do(
        "payment_method.create", form={**CARD, "card[cvc]": "123", "billing_details[address][postal_code]": "411001"}
    )
    card = made["card"]
    assert (card["brand"], card["last4"], card["exp_year"], card["funding"]) == ("visa", "4242", 2040, "credit")
    assert card["checks"] == {
        "address_line1_check": None, "address_postal_code_check": "unchecked", "cvc_check": "unchecked",
    }  # fmt: skip
    assert made["billing_details"]["address"]["postal_code"] == "411001" and made["customer"] is None
    assert list(desk.vault.kept.values()) == ["4242424242424242"] and not desk.vault.provisional
    assert await desk.do("payment_method.get", payment_method=made["id"]) == made


async def test_a_browser_does_not_learn_the_fingerprint(desk):
    browser = replace(desk, principal=Principal(ACCOUNT, False, "publishable", "pk"))
    assert (await browser.do("payment_method.create", form=CARD))["card"]["fingerprint"] is None


async def test_attach_detach_and_never_again(desk):
    one, two = [(await desk.do("customer.create", name=name))["id"] for name in "ab"]
    method = (await desk.do("payment_method.create", form=CARD))["id"]
    shown = await desk.do("payment_method.attach", payment_method=method, customer=one)
    assert shown["customer"] == one
    assert await desk.do("payment_method.attach", payment_method=method, customer=one) == shown
    with pytest.raises(Refusal, match="already been attached"):
        await desk.do("payment_method.attach", payment_method=method, customer=two)
    listed = await desk.do("payment_method.list", customer=one, type="card")
    assert [row["id"] for row in listed["data"]] == [method]
    with pytest.raises(Refusal, match="No such PaymentMethod"):
        await desk.do("customer.get_payment_method", customer=two, payment_method=method)
    settings = {"invoice_settings[default_payment_method]": method}
    await desk.do("customer.update", customer=one, form=settings)
    with pytest.raises(Refusal, match="No such PaymentMethod"):
        await desk.do("customer.update", customer=two, form=settings)
    assert (await desk.do("payment_method.detach", payment_method=method))["customer"] is None
    assert (await desk.do("customer.get", customer=one))["invoice_settings"]["default_payment_method"] is None
    with pytest.raises(Refusal, match="cannot be used again"):
        await desk.do("payment_method.attach", payment_method=method, customer=one)
    with pytest.raises(Refusal, match="not attached"):
        await desk.do("payment_method.detach", payment_method=method)
    types = [row["type"] for row in await desk.pool.fetch("select type from event order by id")]
    assert types[2:4] == ["payment_method.attached", "customer.updated"]
    assert set(types[4:]) == {"payment_method.detached", "customer.updated"}


async def test_a_card_that_its_issuer_declines_is_attached_to_nobody(desk):
    customer = (await desk.do("customer.create"))["id"]
    declined = {**CARD, "card[number]": "4000000000000002"}
    method = (await desk.do("payment_method.create", form=declined))["id"]
    for name in (method, "pm_card_chargeDeclined"):
        with pytest.raises(Refusal, match="Your card was declined"):
            await desk.do("payment_method.attach", payment_method=name, customer=customer)
    with pytest.raises(Refusal, match="Your card was declined"):
        await desk.do("customer.create", payment_method=method)
    assert (await desk.do("payment_method.get", payment_method=method))["customer"] is None
    kept = await desk.pool.fetchval("select data->'card'->>'has_cvc' from payment_method where id = $1", method)
    assert kept == "false", "the code went to the issuer: no payment may wait for it"
    assert await desk.pool.fetchval("select count(*) from customer") == 1


async def test_attaching_a_ready_made_one_makes_a_new_object_each_time(desk):
    customer = (await desk.do("customer.create"))["id"]
    made = [
        await desk.do("payment_method.attach", payment_method=name, customer=customer)
        for name in ("pm_card_visa", "pm_card_visa", "pm_card_amex")
    ]
    assert len({one["id"] for one in made}) == 3 and not any(one["id"] in READY_MADE for one in made)
    assert [one["card"]["brand"] for one in made] == ["visa", "visa", "amex"]
    assert len((await desk.do("customer.list_payment_methods", customer=customer))["data"]) == 3
    looked = await desk.do("payment_method.get", payment_method="pm_card_mastercard")
    assert looked["card"]["last4"] == "4444" and looked["id"] == "pm_card_mastercard"


async def test_an_attach_and_a_delete_at_once_never_leave_a_method_with_nobody(desk):
    for _ in range(5):
        customer = (await desk.do("customer.create"))["id"]
        method = (await desk.do("payment_method.create", form=CARD))["id"]
        await asyncio.gather(
            desk.do("payment_method.attach", payment_method=method, customer=customer),
            desk.do("customer.delete", customer=customer),
            return_exceptions=True,
        )
        left = await desk.pool.fetchval(
            "select count(*) from payment_method p join customer c on c.id = p.customer where c.deleted"
        )
        assert left == 0


async def test_update_changes_details_and_says_what_was(desk):
    method = (await desk.do("payment_method.create", form=CARD))["id"]
    changed = await desk.do(
        "payment_method.update", payment_method=method,
        form={"billing_details[name]": "Asha", "metadata[a]": "1", "allow_redisplay": "always"},
    )  # fmt: skip
    assert changed["billing_details"]["name"] == "Asha" and changed["allow_redisplay"] == "always"
    again = await desk.do("payment_method.update", payment_method=method, form={"billing_details[name]": ""})
    assert again["billing_details"]["name"] is None and again["metadata"] == {"a": "1"}
    with pytest.raises(Refusal) as refused:
        await desk.do("payment_method.update", payment_method=method, form={"card[exp_month]": "3"})
    assert refused.value.code == "parameter_unsupported"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"card[number]": "4242424242424241"}, "incorrect_number", "number"),
        ({"card[exp_month]": "13"}, "invalid_expiry_month", "exp_month"),
        ({"card[number]": "4111111111111111"}, "card_declined", "card"),
        ({"card[exp_month]": None}, "parameter_missing", "card[exp_month]"),
        ({"card[number]": None}, "parameter_missing", "card[number]"),
        ({"type": None}, "parameter_missing", "type"),
        ({"type": "sepa_debit"}, "parameter_unsupported", "type"),
        ({"sepa_debit[iban]": "x"}, "parameter_unsupported", "sepa_debit"),
        ({"card[token]": "tok_visa"}, "parameters_exclusive", "card[token]"),
        ({"customer": "cus_1"}, "parameter_unsupported", "customer"),
    ],
)
async def test_bad_cards_are_refused_in_the_dialects_words(desk, change, code, param):
    form = {name: value for name, value in {**CARD, **change}.items() if value is not None}
    with pytest.raises(Refusal) as refused:
        await desk.do("payment_method.create", form=form)
    assert (refused.value.code, refused.value.param) == (code, param)
    assert "4242" not in refused.value.message and "4111" not in refused.value.message


async def test_live_mode_takes_no_raw_and_no_ready_made_card(desk):
    live = replace(desk, principal=Principal(ACCOUNT, True, "secret", "sk_live"))
    with pytest.raises(Refusal) as refused:
        await live.do("payment_method.create", form=CARD)
    assert refused.value.param == "card[number]" and "live mode" in refused.value.message
    customer = (await live.do("customer.create"))["id"]
    for call in (
        live.do("payment_method.attach", payment_method="pm_card_visa", customer=customer),
        live.do("payment_method.get", payment_method="pm_card_visa"),
        live.do("payment_method.create", form={"type": "card", "card[token]": "tok_visa"}),
    ):
        with pytest.raises(Refusal) as refused:
            await call
        assert refused.value.kind in (Kind.INVALID, Kind.NOT_FOUND) and refused.value.code == "resource_missing"
    sealed = await live.do("payment_method.create", form={"type": "card", "card[sealed]": "4242424242424242"})
    assert sealed["livemode"] is True


async def test_who_may_use_a_payment_method(desk):
    customer = (await desk.do("customer.create"))["id"]
    method = (await desk.do("payment_method.create", form=CARD))["id"]
    row = await find.payment_method(desk.pool, desk.principal, method)
    usable(row, None)
    usable(row, customer)
    mine = attached(row, customer)
    assert mine.version == row.version + 1 and attached(mine, customer) is mine
    usable(mine, customer)
    for other in (None, "cus_other"):
        with pytest.raises(Refusal):
            usable(mine, other)
