"""Value lists and their items: made, changed, found, deleted, and closed to others."""

import asyncio

import pytest

from lockgate.gateway.risk import store
from lockgate.gateway.risk.core import values
from lockgate.gateway.risk.core.shapes import VALUE_LIST, VALUE_LIST_ITEM
from lockgate.kernel.errors import Kind, Refusal
from tests.gateway.risk.desk import LIVE, STRANGER, Desk

pytestmark = pytest.mark.asyncio


async def blocklist(desk: Desk, alias: str = "blocked_addresses", item_type: str = "ip_address") -> str:
    made = await desk.do("value_list.create", alias=alias, name="Blocked", item_type=item_type)
    return made["id"]


async def test_a_list_has_every_field_and_begins_empty(desk):
    made = await desk.do(
        "value_list.create", alias="custom_ip", name="Custom", item_type="ip_address", form={"metadata[team]": "risk"}
    )
    assert set(made) == set(VALUE_LIST.fields) and made["id"].startswith("rsl_")
    assert made["list_items"] == {
        "object": "list", "data": [], "has_more": False, "total_count": 0,
        "url": f"/v1/radar/value_list_items?value_list={made['id']}",
    }  # fmt: skip
    assert made["metadata"] == {"team": "risk"} and made["created_by"] == "key_test"
    assert await desk.do("value_list.get", value_list=made["id"]) == made
    assert (await desk.do("value_list.create", alias="plain", name="P"))["item_type"] == "string"


async def test_an_alias_is_taken_once_in_each_account_and_mode(desk):
    id_ = await blocklist(desk, "same")
    refused = await desk.refused("value_list.create", alias="same", name="B")
    assert (refused.kind, refused.code, refused.param) == (Kind.INVALID, "resource_already_exists", "alias")
    other = await blocklist(desk, "other")
    assert (await desk.refused("value_list.update", value_list=other, alias="same")).code == "resource_already_exists"
    await desk.do("value_list.create", alias="same", name="B", who=LIVE)
    await desk.do("value_list.create", alias="same", name="B", who=STRANGER)
    await desk.do("value_list.delete", value_list=id_)
    await desk.do("value_list.update", value_list=other, alias="same")


async def test_what_an_update_changes_and_what_it_cannot(desk):
    id_ = await blocklist(desk)
    after = await desk.do("value_list.update", value_list=id_, name="New", form={"metadata[a]": "1"})
    assert (after["name"], after["alias"], after["metadata"]) == ("New", "blocked_addresses", {"a": "1"})
    after = await desk.do("value_list.update", value_list=id_, form={"metadata[b]": "2"})
    assert after["metadata"] == {"a": "1", "b": "2"}
    assert (await desk.do("value_list.update", value_list=id_, form={"metadata": ""}))["metadata"] == {}
    refused = await desk.refused("value_list.update", value_list=id_, item_type="email")
    assert (refused.code, refused.param) == ("parameter_unknown", "item_type")


async def test_items_are_kept_in_one_form_and_once(desk):
    id_ = await blocklist(desk, "mails", "email")
    made = await desk.do("value_list_item.create", value_list=id_, value="Bad@Example.com")
    assert set(made) == set(VALUE_LIST_ITEM.fields) and made["id"].startswith("rsli_")
    assert (made["value"], made["value_list"]) == ("bad@example.com", id_)
    again = await desk.refused("value_list_item.create", value_list=id_, value="bad@EXAMPLE.com")
    assert (again.code, again.param) == ("resource_already_exists", "value")
    gone = await desk.do("value_list_item.delete", item=made["id"])
    assert gone == {"id": made["id"], "object": "radar.value_list_item", "deleted": True}
    assert (await desk.refused("value_list_item.get", item=made["id"])).kind is Kind.NOT_FOUND
    assert (await desk.refused("value_list_item.delete", item=made["id"])).kind is Kind.NOT_FOUND
    await desk.do("value_list_item.create", value_list=id_, value="bad@example.com")


async def test_the_first_ten_items_stand_in_the_list(desk):
    id_ = await blocklist(desk)
    for number in range(12):
        await desk.do("value_list_item.create", value_list=id_, value=f"192.0.2.{number}")
    shown = (await desk.do("value_list.get", value_list=id_))["list_items"]
    assert (shown["total_count"], shown["has_more"]) == (12, True)
    assert [item["value"] for item in shown["data"]] == [f"192.0.2.{number}" for number in range(11, 1, -1)]
    page = await desk.do("value_list_item.list", value_list=id_, limit=5)
    rest = await desk.do("value_list_item.list", value_list=id_, starting_after=page["data"][-1]["id"])
    assert [item["value"] for item in rest["data"]] == [f"192.0.2.{number}" for number in range(6, -1, -1)]
    back = await desk.do("value_list_item.list", value_list=id_, ending_before=rest["data"][0]["id"], limit=2)
    assert [item["value"] for item in back["data"]] == ["192.0.2.8", "192.0.2.7"] and back["has_more"]
    one = await desk.do("value_list_item.list", value_list=id_, value="::ffff:192.0.2.3")
    assert [item["value"] for item in one["data"]] == ["192.0.2.3"]
    assert (await desk.do("value_list_item.list", value_list=id_, value="nonsense"))["data"] == []


async def test_lists_are_found_by_alias_and_by_what_stands_in_them(desk):
    exact = await blocklist(desk, "exact", "case_sensitive_string")
    loose = await blocklist(desk, "loose", "string")
    await desk.do("value_list_item.create", value_list=exact, value="Shoes")
    await desk.do("value_list_item.create", value_list=loose, value="Shoes")

    async def found(**filters: str) -> list[str]:
        return [one["id"] for one in (await desk.do("value_list.list", **filters))["data"]]

    assert await found() == [loose, exact]
    assert await found(alias="exact") == [exact]
    assert await found(contains="Shoes") == [loose, exact]
    assert await found(contains="sHOES") == [loose], "case matters where the type says so"
    assert await found(contains="Boots") == []
    assert await found(form={"created[gt]": desk.now}) == []


async def test_a_deleted_list_is_gone_with_its_items_and_its_values_are_forgotten(desk):
    id_ = await blocklist(desk)
    item = await desk.do("value_list_item.create", value_list=id_, value="192.0.2.1")
    assert await desk.do("value_list.delete", value_list=id_) == {
        "id": id_, "object": "radar.value_list", "deleted": True,
    }  # fmt: skip
    for name, path in (
        ("value_list.get", {"value_list": id_}), ("value_list.update", {"value_list": id_}),
        ("value_list.delete", {"value_list": id_}), ("value_list_item.list", {"value_list": id_}),
        ("value_list_item.get", {"item": item["id"]}),
    ):  # fmt: skip
        assert (await desk.refused(name, **path)).kind is Kind.NOT_FOUND, name
    assert (await desk.do("value_list.list", contains="192.0.2.1"))["data"] == []
    assert await store.clear_deleted(desk.ports.pool, most=10) == 1
    assert await store.clear_deleted(desk.ports.pool, most=10) == 0
    assert await desk.ports.pool.fetchval("select personal from value_list_item") == b""


async def test_values_are_sealed_and_card_numbers_refused(desk, caplog):
    id_ = await blocklist(desk, "strings", "string")
    await desk.do("value_list_item.create", value_list=id_, value="somebody at home")
    row = await desk.ports.pool.fetchrow("select * from value_list_item")
    assert b"somebody" not in row["personal"]
    audit = await desk.ports.pool.fetch("select action, detail::text from audit")
    assert {one["action"] for one in audit} == {"value_list.create", "value_list_item.create"}
    assert not any("somebody" in one["detail"] for one in audit)
    refused = await desk.refused("value_list_item.create", value_list=id_, value="4242424242424242")
    assert refused.code == "parameter_holds_card_number" and "4242" not in refused.message


async def test_a_full_list_takes_no_more(desk, monkeypatch):
    monkeypatch.setattr("lockgate.gateway.risk.edit_item.MAX_ITEMS", 2)
    assert values.MAX_ITEMS == 50_000
    id_ = await blocklist(desk)
    for number in range(2):
        await desk.do("value_list_item.create", value_list=id_, value=f"192.0.2.{number}")
    assert (await desk.refused("value_list_item.create", value_list=id_, value="192.0.2.9")).param == "value_list"


async def test_others_see_nothing(desk):
    id_ = await blocklist(desk)
    item = await desk.do("value_list_item.create", value_list=id_, value="192.0.2.1")
    for who in (STRANGER, LIVE):
        for name, path in (
            ("value_list.get", {"value_list": id_}), ("value_list.delete", {"value_list": id_}),
            ("value_list.update", {"value_list": id_}), ("value_list_item.list", {"value_list": id_}),
            ("value_list_item.create", {"value_list": id_, "value": "192.0.2.7"}),
            ("value_list_item.get", {"item": item["id"]}), ("value_list_item.delete", {"item": item["id"]}),
        ):  # fmt: skip
            refused = await desk.refused(name, who=who, **path)
            assert refused.kind is Kind.NOT_FOUND and refused.code == "resource_missing", name
        assert (await desk.do("value_list.list", who=who))["data"] == []


async def test_of_many_at_once_one_gets_the_value_in(desk):
    id_ = await blocklist(desk)

    async def put() -> str:
        try:
            await desk.do("value_list_item.create", value_list=id_, value="192.0.2.1")
        except Refusal as refusal:
            return refusal.code or ""
        return "made"

    assert sorted(await asyncio.gather(*(put() for _ in range(8)))) == ["made", *["resource_already_exists"] * 7]


async def test_a_cursor_of_nowhere_is_refused(desk):
    refused = await desk.refused("value_list.list", starting_after="rsl_nowhere")
    assert (refused.kind, refused.code, refused.param) == (Kind.INVALID, "resource_missing", "starting_after")
