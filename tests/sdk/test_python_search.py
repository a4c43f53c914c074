"""The official Python SDK searches, pages through lists both ways, expands, and is given keys for a shopper's app."""

import uuid
from collections.abc import Iterator

import pytest
import stripe

from tests.sdk.test_python_lifecycle import paid
from tests.support.running import Running


@pytest.fixture(scope="module")
def mark() -> str:
    """What sets this run's objects apart."""
    return uuid.uuid4().hex


@pytest.fixture(scope="module")
def made(lockgate: Running, mark: str) -> Iterator[dict[str, list[str]]]:
    """Three customers and their payments, oldest first."""
    client = stripe.StripeClient(lockgate["secret_key"], base_addresses={"api": lockgate["api"]})
    customers, payments = [], []
    for number in range(3):
        customer = client.v1.customers.create(
            {
                "name": f"Search {mark} {number}",
                "email": f"Search{number}@{mark}.example",
                "phone": f"+1 555 {number}",
                "metadata": {"run": mark, "Number": str(number), "note": f"Part of {number} whole"},
            }
        )
        customers.append(customer.id)
        intent = client.v1.payment_intents.create(
            {
                "amount": 1000 + number,
                "currency": "usd",
                "customer": customer.id,
                "confirm": number < 2,
                "payment_method": "pm_card_visa",
                "metadata": {"run": mark},
            }
        )
        payments.append(intent.id)
    yield {"customers": customers, "payments": payments}


def found(client: stripe.StripeClient, query: str, kind: str = "customers") -> list[str]:
    return [item.id for item in getattr(client.v1, kind).search({"query": query}).data]


def test_metadata_is_found_at_once(client: stripe.StripeClient, mark: str, made: dict[str, list[str]]) -> None:
    assert found(client, f'metadata["run"]:"{mark}"') == made["customers"][::-1]
    assert found(client, f'metadata["run"]:"{mark.upper()}"') == made["customers"][::-1], "case does not matter"
    assert found(client, f'metadata["run"]:"{mark}" AND metadata["Number"]:"1"') == [made["customers"][1]]
    assert found(client, f'metadata["run"]:"{mark}" metadata["number"]:"1"') == [], "a key's case does"
    assert found(client, f'metadata["run"]:"{mark}" -metadata["Number"]:"1"') == made["customers"][::-2]
    assert found(client, f'metadata["run"]:"{mark}" metadata["note"]~"of 2"') == [made["customers"][2]]
    assert found(client, f'metadata["run"]:"{mark}" metadata["other"]:null') == made["customers"][::-1]
    assert found(client, f'metadata["run"]:"{mark}" -metadata["other"]:null') == []
    changed = client.v1.customers.update(made["customers"][0], {"metadata": {"Number": "7"}})
    assert found(client, f'metadata["run"]:"{mark}" metadata["Number"]:"7"') == [changed.id]


def test_what_is_sealed_is_found_whole(client: stripe.StripeClient, mark: str, made: dict[str, list[str]]) -> None:
    assert found(client, f'email:"search1@{mark}.EXAMPLE"') == [made["customers"][1]]
    assert found(client, f"name:'search {mark} 2'") == [made["customers"][2]]
    assert found(client, f'name:"search {mark} 2" OR email:"search0@{mark}.example"') == [
        made["customers"][2], made["customers"][0],
    ]  # fmt: skip
    assert made["customers"][1] in found(client, 'phone:"+1 555 1"')
    with pytest.raises(stripe.InvalidRequestError) as refused:
        found(client, 'email~"search"')
    assert refused.value.param == "query" and "encrypted" in str(refused.value)
    client.v1.customers.update(made["customers"][1], {"email": f"else@{mark}.example"})
    assert found(client, f'email:"search1@{mark}.example"') == []
    assert found(client, f'email:"else@{mark}.example"') == [made["customers"][1]]


def test_payments_are_found_by_every_field(client: stripe.StripeClient, mark: str, made: dict[str, list[str]]) -> None:
    mine = f'metadata["run"]:"{mark}"'
    first, second, third = made["payments"]
    assert found(client, mine, "payment_intents") == [third, second, first]
    assert found(client, f"{mine} status:'succeeded'", "payment_intents") == [second, first]
    assert found(client, f"{mine} status:'Requires_Confirmation'", "payment_intents") == [third]
    assert found(client, f"{mine} amount>1000 amount<1002", "payment_intents") == [second]
    assert found(client, f"{mine} amount:1002 currency:'USD' created>1", "payment_intents") == [third]
    assert found(client, f"customer:'{made['customers'][0]}'", "payment_intents") == [first]
    assert found(client, f"{mine} customer:null", "payment_intents") == []
    assert found(client, f"{mine} created<1000", "payment_intents") == []
    assert len(found(client, "status:'requires_confirmation' OR status:'succeeded'", "payment_intents")) >= 3


def test_charges_are_found_by_their_card(client: stripe.StripeClient, made: dict[str, list[str]]) -> None:
    method = client.v1.payment_methods.create(
        {
            "type": "card",
            "card": {"token": "tok_mastercard"},
            "billing_details": {"address": {"postal_code": "EC1A 1BB"}},
        }
    )
    intent = client.v1.payment_intents.create(
        {"amount": 4321, "currency": "usd", "payment_method": method.id, "confirm": True, "metadata": {"is": "this"}}
    )
    charge = client.v1.charges.retrieve(str(intent.latest_charge))
    card = charge.payment_method_details.card
    for clause in (
        'billing_details.address.postal_code:"ec1a 1bb"',
        f'payment_method_details.card.last4:"{card.last4}"',
        f"payment_method_details.card.exp_year:{card.exp_year}",
        f'payment_method_details.card.fingerprint:"{card.fingerprint}"',
        'payment_method_details.card.brand:"mastercard"',
        'refunded:"false"',
        'disputed:"false"',
        'status:"succeeded"',
    ):
        assert found(client, f"amount:4321 AND {clause}", "charges") == [charge.id], clause
    client.v1.refunds.create({"charge": charge.id})
    assert found(client, "amount:4321 refunded:'true'", "charges") == [charge.id]
    assert not hasattr(client.v1.charges.retrieve(charge.id), "index")


def test_search_pages_and_counts(client: stripe.StripeClient, mark: str, made: dict[str, list[str]]) -> None:
    query = f'metadata["run"]:"{mark}"'
    page = client.v1.customers.search({"query": query, "limit": 2, "expand": ["total_count"]})
    assert (page.object, page.url, page.has_more, page.total_count) == (
        "search_result", "/v1/customers/search", True, 3,
    )  # fmt: skip
    assert [item.id for item in page.auto_paging_iter()] == made["customers"][::-1]
    assert "total_count" not in client.v1.customers.search({"query": query})
    for strange in ("x", page.next_page[:-3], page.next_page[::-1]):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.customers.search({"query": query, "page": strange})
        assert refused.value.param == "page"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.search({"query": f"{query} created>1", "page": page.next_page})


def test_search_expands_what_it_finds(client: stripe.StripeClient, mark: str, made: dict[str, list[str]]) -> None:
    result = client.v1.payment_intents.search(
        {"query": f'metadata["run"]:"{mark}" status:"succeeded"', "expand": ["data.latest_charge.balance_transaction"]}
    )
    assert [item.latest_charge.balance_transaction.net > 0 for item in result.data] == [True, True]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.search({"query": "amount:1", "expand": ["latest_charge"]})
    assert refused.value.param == "expand[0]"


@pytest.mark.parametrize("query", ["", "amount:1 OR amount:2 AND amount:3", "(amount:1)", "amount~1", "colour:'red'"])
def test_what_cannot_be_read_is_refused(client: stripe.StripeClient, query: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        found(client, query, "charges")
    assert (refused.value.http_status, refused.value.param) == (400, "query")


def test_lists_page_in_both_directions(client: stripe.StripeClient, made: dict[str, list[str]]) -> None:
    newest = client.v1.customers.list({"limit": 2})
    everything = [item.id for item in newest.auto_paging_iter()]
    assert everything[: len(made["customers"])] == made["customers"][::-1]
    assert len(everything) == len(set(everything))
    last = client.v1.customers.list({"limit": 2, "ending_before": everything[-1]})
    assert [item.id for item in last.auto_paging_iter()] == everything[-2::-1]
    for wrong in ({"limit": 0}, {"limit": 101}, {"limit": "x"}):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.customers.list(wrong)  # type: ignore[arg-type] - wrong on purpose
        assert (refused.value.param, refused.value.code) == ("limit", "parameter_invalid_integer")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.list({"starting_after": "cus_nobody"})
    assert (refused.value.code, refused.value.param) == ("resource_missing", "starting_after")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.list({"starting_after": everything[0], "ending_before": everything[1]})


def test_lists_are_filtered_by_ranges(client: stripe.StripeClient, made: dict[str, list[str]]) -> None:
    middle = client.v1.customers.retrieve(made["customers"][1])
    at = middle.created
    shown = client.v1.customers.list({"created": {"gte": at, "lt": at + 1}, "limit": 100})
    assert middle.id in [item.id for item in shown.data]
    assert all(item.created == at for item in shown.data)
    assert client.v1.customers.list({"created": {"gt": at, "lte": at}}).data == []


def test_expansions_go_four_deep_and_say_where_they_cannot(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    method = client.v1.customers.payment_methods.list(customer.id).data[0]
    client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    whole = client.v1.customers.retrieve(
        customer.id, {"expand": ["invoice_settings.default_payment_method.customer"]}
    )
    assert whole.invoice_settings.default_payment_method.customer.id == customer.id
    listed = client.v1.customers.list({"expand": ["data.invoice_settings.default_payment_method"], "limit": 1})
    assert listed.data[0].invoice_settings.default_payment_method.id == method.id
    intent = paid(client, customer=customer.id, payment_method=method.id)
    deep = client.v1.payment_intents.retrieve(
        intent.id, {"expand": ["latest_charge.balance_transaction.source.customer", "customer", "customer"]}
    )
    assert deep.latest_charge.balance_transaction.source.customer.id == customer.id
    for path in ("nothing", "latest_charge.nothing", "metadata", "latest_charge.balance_transaction.source.customer.x"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.retrieve(intent.id, {"expand": ["customer", path]})
        assert refused.value.param == "expand[1]"
    client.v1.customers.delete(customer.id)
    gone = client.v1.payment_intents.retrieve(intent.id, {"expand": ["customer"]}).customer
    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    assert client.v1.customers.retrieve(customer.id).deleted
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.update(customer.id, {"name": "Nobody"})
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_an_app_reaches_its_customer_and_nothing_else(lockgate: Running, client: stripe.StripeClient) -> None:
    customer, other = (client.v1.customers.create({"payment_method": "pm_card_visa"}) for _ in range(2))
    theirs = client.v1.customers.payment_methods.list(other.id).data[0]
    key = client.v1.ephemeral_keys.create({"customer": customer.id}, {"stripe_version": "2026-08-26.dahlia"})
    assert key.secret and key.secret.startswith("ek_test_")
    assert key.expires == key.created + 3600
    assert key.to_dict()["associated_objects"] == [{"id": customer.id, "type": "customer"}]
    app = stripe.StripeClient(key.secret, base_addresses={"api": lockgate["api"]})

    assert app.v1.customers.retrieve(customer.id).id == customer.id
    mine = app.v1.payment_methods.list({"customer": customer.id}).data[0]
    assert app.v1.customers.payment_methods.list(customer.id).data[0].id == mine.id
    assert app.v1.payment_methods.update(mine.id, {"metadata": {"nick": "main"}}).metadata["nick"] == "main"
    loose = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    assert app.v1.payment_methods.attach(loose.id, {"customer": customer.id}).customer == customer.id
    assert app.v1.payment_methods.detach(loose.id).customer is None

    for refused_call in (
        lambda: app.v1.customers.retrieve(other.id),
        lambda: app.v1.customers.retrieve("cus_nobody"),
        lambda: app.v1.payment_methods.list({"customer": other.id}),
        lambda: app.v1.payment_methods.attach(theirs.id, {"customer": customer.id}),
        lambda: app.v1.payment_methods.detach(theirs.id),
        lambda: app.v1.payment_methods.update(theirs.id, {"metadata": {"a": "b"}}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            refused_call()
        assert (refused.value.http_status in (400, 404), refused.value.code) == (True, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError):
        app.v1.payment_methods.list()
    for forbidden in (
        app.v1.customers.list,
        lambda: app.v1.customers.update(customer.id, {"name": "x"}),
        lambda: app.v1.customers.delete(customer.id),
        app.v1.payment_intents.list,
        lambda: app.v1.ephemeral_keys.delete(key.id),
    ):
        with pytest.raises(stripe.PermissionError):
            forbidden()

    ended = client.v1.ephemeral_keys.delete(key.id)
    assert ended.id == key.id and ended.secret is None


def test_an_ended_key_is_no_key(lockgate: Running, client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create()
    key = client.v1.ephemeral_keys.create({"customer": customer.id}, {"stripe_version": "2026-08-26.dahlia"})
    client.v1.ephemeral_keys.delete(key.id)
    app = stripe.StripeClient(str(key.secret), base_addresses={"api": lockgate["api"]})
    with pytest.raises(stripe.AuthenticationError) as refused:
        app.v1.customers.retrieve(customer.id)
    assert str(key.secret) not in str(refused.value)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.ephemeral_keys.delete(key.id)
