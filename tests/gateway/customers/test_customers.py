"""Customers over their whole life: fields, filters, events, what is kept about a person, and deletion."""

import asyncio
import json
from dataclasses import replace

import pytest

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.storage.packing import unpack
from lockgate.kernel.errors import Refusal
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import ACCOUNT, open_desk


@pytest.fixture
async def desk(database):
    async with open_desk(database) as open_one:
        yield open_one


async def events(desk):
    rows = await desk.pool.fetch("select type, data, personal, subject from event order by id")
    return [(row["type"], unpack(row["data"]), row["personal"], row["subject"]) for row in rows]


async def test_create_get_update_and_the_events_they_make(desk):
    made = await desk.do(
        "customer.create",
        form={"name": "Asha Rao", "email": "asha@example.com", "metadata[tier]": "gold", "address[city]": "Pune"},
    )
    assert made["id"].startswith("cus_") and made["metadata"] == {"tier": "gold"}
    assert made["address"] == {
        "city": "Pune", "country": None, "line1": None, "line2": None, "postal_code": None, "state": None
    }
    changed = await desk.do(
        "customer.update", customer=made["id"], form={"email": "", "metadata[tier]": "", "metadata[new]": "1"}
    )
    assert changed["email"] is None and changed["metadata"] == {"new": "1"} and changed["name"] == "Asha Rao"
    assert await desk.do("customer.get", customer=made["id"]) == changed
    (first, _, _, _), (second, data, sealed, subject) = await events(desk)
    assert (first, second) == ("customer.created", "customer.updated")
    assert data["previous_attributes"] == {"metadata": {"tier": "gold", "new": None}}
    assert (await desk.box.open(ACCOUNT, subject, sealed))["previous_attributes"] == {"email": "asha@example.com"}
    audits = await desk.pool.fetch("select action, detail from audit order by id")
    assert [row["action"] for row in audits] == ["customer.create", "customer.update"]
    assert json.loads(audits[1]["detail"]) == {"fields": ["email", "metadata"]}


async def test_nothing_about_a_person_is_stored_in_clear(desk, database):
    fields = {
        "name": "Asha Rao", "email": "asha@example.com", "phone": "+911234567890", "address[line1]": "7 Lake Road",
        "shipping[name]": "Meera Rao", "shipping[address][line1]": "9 Hill Road",
    }  # fmt: skip
    made = await desk.do("customer.create", "key-1", form=fields)
    await desk.do("customer.update", customer=made["id"], form={"name": "Asha Iyer"})
    for table in ("customer", "event", "audit"):
        for row in await desk.pool.fetch(f"select * from {table}"):
            stored = b"".join(v if isinstance(v, bytes) else str(v).encode() for v in row.values() if v is not None)
            if table == "event":
                stored += json.dumps(unpack(row["data"])).encode()
            assert not [v for v in fields.values() if v.encode() in stored], table


async def test_the_email_filter_finds_by_keyed_index(desk):
    for name in ("a", "b", "a"):
        await desk.do("customer.create", email=f"{name}@example.com")
    found = await desk.do("customer.list", email="a@example.com")
    assert [one["email"] for one in found["data"]] == ["a@example.com"] * 2
    assert (await desk.do("customer.list", email="A@example.com"))["data"] == []


async def test_lists_page_both_ways_and_refuse_a_bad_cursor(desk):
    ids = []
    for number in range(5):
        ids.insert(0, (await desk.do("customer.create", name=str(number)))["id"])
        await asyncio.sleep(0.002)  # ids sort by millisecond
    first = await desk.do("customer.list", limit=2)
    assert [one["id"] for one in first["data"]] == ids[:2] and first["has_more"]
    rest = await desk.do("customer.list", limit=3, starting_after=ids[1])
    assert [one["id"] for one in rest["data"]] == ids[2:] and not rest["has_more"]
    back = await desk.do("customer.list", limit=2, ending_before=ids[4])
    assert [one["id"] for one in back["data"]] == ids[2:4] and back["has_more"]
    with pytest.raises(Refusal) as refused:
        await desk.do("customer.list", starting_after="cus_none")
    assert refused.value.code == "resource_missing" and refused.value.param == "starting_after"
    later = await desk.do("customer.list", form={"created[gt]": desk.now})
    assert later["data"] == []


async def test_metadata_never_grows_beyond_fifty_keys(desk):
    made = await desk.do("customer.create", form={f"metadata[k{n}]": "v" for n in range(50)})
    with pytest.raises(Refusal) as refused:
        await desk.do("customer.update", customer=made["id"], form={"metadata[one_more]": "v"})
    assert refused.value.param == "metadata"
    swapped = {"metadata[k0]": "", "metadata[one_more]": "v"}
    assert len((await desk.do("customer.update", customer=made["id"], form=swapped))["metadata"]) == 50


async def test_a_deleted_customer_is_a_stub_and_cannot_be_used(desk):
    made = await desk.do("customer.create", name="Gone", payment_method="pm_card_visa")
    method = (await desk.do("customer.list_payment_methods", customer=made["id"]))["data"][0]
    stub = {"id": made["id"], "object": "customer", "deleted": True}
    assert await desk.do("customer.delete", customer=made["id"]) == stub
    assert await desk.do("customer.get", customer=made["id"]) == stub
    assert (await desk.do("payment_method.get", payment_method=method["id"]))["customer"] is None
    for name in ("customer.update", "customer.delete", "customer.list_payment_methods"):
        with pytest.raises(Refusal) as refused:
            await desk.do(name, customer=made["id"])
        assert refused.value.code == "resource_missing"
    row = await desk.pool.fetchrow("select data, personal, email_index from customer where id = $1", made["id"])
    assert tuple(row) == ("{}", None, None)
    names = [name for name, *_ in await events(desk)]  # two commits of two events, each pair in either order
    assert set(names[:2]) == {"customer.created", "payment_method.attached"}
    assert set(names[2:]) == {"customer.deleted", "payment_method.detached"}


async def test_another_account_or_mode_sees_nothing(desk):
    made = await desk.do("customer.create", name="Mine")
    for stranger in (Principal("acct_other", False, "secret", "k"), Principal(ACCOUNT, True, "secret", "k")):
        other = replace(desk, principal=stranger)
        with pytest.raises(Refusal) as refused:
            await other.do("customer.get", customer=made["id"])
        assert refused.value.message == f"No such customer: '{made['id']}'"
        assert (await other.do("customer.list"))["data"] == []


async def test_an_erased_person_leaves_an_object_without_personal_fields(desk):
    made = await desk.do("customer.create", name="Erased", description="vip")
    desk.box.shred(ACCOUNT, made["id"])
    shown = await desk.do("customer.get", customer=made["id"])
    assert shown["name"] is None and shown["description"] == "vip"


async def test_parallel_updates_all_land(desk):
    made = await desk.do("customer.create")
    await asyncio.gather(
        *(desk.do("customer.update", customer=made["id"], form={f"metadata[k{n}]": "v"}) for n in range(4))
    )
    assert len((await desk.do("customer.get", customer=made["id"]))["metadata"]) == 4


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"tax_exempt": "none"}, "parameter_unsupported", "tax_exempt"),
        ({"balance": "5"}, "parameter_unsupported", "balance"),
        ({"source": "card_none"}, "resource_missing", "source"),
        ({"nonsense": "1"}, "parameter_unknown", "nonsense"),
        ({"address[planet]": "Mars"}, "parameter_unknown", "address[planet]"),
        ({"shipping[name]": "x"}, "parameter_missing", "shipping[address]"),
        ({"invoice_settings[footer]": "x"}, "parameter_unsupported", "invoice_settings[footer]"),
        ({"invoice_settings[default_payment_method]": "pm_1"}, None, "invoice_settings[default_payment_method]"),
    ],
)
async def test_what_is_not_taken_is_refused_by_name(desk, fields, code, param):
    with pytest.raises(Refusal) as refused:
        await desk.do("customer.create", form=fields)
    assert (refused.value.code, refused.value.param) == (code, param)


def test_previous_goes_into_nested_objects():
    before = {"a": 1, "b": {"x": 1, "y": 2}, "c": None}
    assert previous(before, {"a": 1, "b": {"x": 1, "y": 3, "z": 4}, "c": {"q": 1}}) == {
        "b": {"y": 2, "z": None}, "c": None,
    }  # fmt: skip
