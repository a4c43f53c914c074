"""Rules through their operations: versions with authors, states, limits, whose they are, and how fast they are felt."""

import asyncio
import json

from lockgate.gateway.rules import edit_rule, find
from lockgate.gateway.rules.active import FRESH_S, Active
from lockgate.kernel.errors import Refusal
from tests.gateway.rules.desk import RULE

PAYMENT = {"ip_country": "US", "card_country": "DE", "card_amount_1h": 500_001}


async def test_a_rule_is_kept_as_it_is_read(desk):
    made = await desk.do("risk_rule.create", rule=f"  {RULE.upper()}  ".replace("USD", "usd"), description="Far away")
    assert made == {
        "id": made["id"], "object": "risk_rule", "action": "block", "created": desk.now, "description": "Far away",
        "livemode": False, "rule": RULE, "state": "enabled", "updated": desk.now, "version": 1,
    }  # fmt: skip
    assert made["id"].startswith("rrul_")
    assert await desk.do("risk_rule.get", id_=made["id"]) == made
    assert (await desk.do("risk_rule.list"))["data"] == [made]


async def test_every_change_is_a_version_with_its_author_and_on_record(desk):
    made = await desk.do("risk_rule.create", rule="review if :amount: > 100 USD")
    desk.now += 5
    changed = await desk.do("risk_rule.update", id_=made["id"], rule="block if :amount: > 100 EUR", description="Why")
    assert (changed["version"], changed["action"], changed["updated"]) == (2, "block", desk.now)
    await desk.do("risk_rule.update", id_=made["id"], state="shadow")
    same = await desk.do("risk_rule.update", id_=made["id"], state="shadow", rule="block if :amount: >100 eur")
    assert same["version"] == 3, "what changes nothing makes no version"
    cleared = await desk.do("risk_rule.update", id_=made["id"], description="")
    assert (cleared["version"], cleared["description"]) == (4, None)
    gone = await desk.do("risk_rule.delete", id_=made["id"])
    assert gone == {"id": made["id"], "object": "risk_rule", "deleted": True}
    assert (await desk.refused("risk_rule.get", id_=made["id"])).code == "resource_missing"
    assert (await desk.refused("risk_rule.update", id_=made["id"], state="enabled")).code == "resource_missing"
    shown = (await desk.do("risk_rule.versions", id_=made["id"]))["data"]
    assert [(one["version"], one["state"], one["revision"], one["author"]) for one in shown] == [
        (5, "deleted", 5, "secret:key_test"), (4, "shadow", 4, "secret:key_test"),
        (3, "shadow", 3, "secret:key_test"), (2, "enabled", 2, "secret:key_test"),
        (1, "enabled", 1, "secret:key_test"),
    ]  # fmt: skip
    assert shown[-1]["rule"] == "review if :amount: > 100 USD"
    rows = await desk.ports.pool.fetch("select action, detail from audit where object = $1 order by id", made["id"])
    assert [row["action"] for row in rows] == [
        "risk_rule.create", "risk_rule.update", "risk_rule.update", "risk_rule.update", "risk_rule.delete",
    ]  # fmt: skip
    told = json.loads(rows[1]["detail"])
    assert told["before"]["rule"] == "review if :amount: > 100 USD"
    assert told["after"] == {"version": 2, "state": "enabled", "rule": "block if :amount: > 100 EUR"}


async def test_what_is_no_rule_is_refused_with_its_place_and_changes_nothing(desk):
    refusal = await desk.refused("risk_rule.create", rule="block if :ip_contry: = 'secretvalue'")
    assert (refusal.code, refusal.param) == ("risk_rule_invalid", "rule")
    assert "line 1, column 10" in refusal.message and ":ip_country:" in refusal.message
    assert "secretvalue" not in refusal.message
    assert refusal.embed is not None
    assert refusal.embed["risk_rule_error"] == {
        "message": "There is no such attribute.", "line": 1, "column": 10, "length": 11, "expected": [],
        "suggestion": ":ip_country:",
    }  # fmt: skip
    assert (await desk.refused("risk_rule.create", rule="block if :email: in @nosuch")).code == "risk_rule_invalid"
    assert (await desk.do("risk_rule.list"))["data"] == []
    assert (await desk.ports.active.of(desk.account, False)).revision == 0


async def test_checking_says_what_a_text_means_and_changes_nothing(desk):
    checked = await desk.do("risk_rule.check", rule=f"BLOCK if {RULE[9:]}")
    assert checked["valid"] is True and checked["rule"] == RULE and checked["action"] == "block"
    assert checked["attributes"] == ["card_amount_1h", "card_country", "ip_country"]
    wrong = await desk.do("risk_rule.check", rule="block if :tries: >")
    assert wrong["valid"] is False and wrong["rule"] is None
    assert (wrong["error"]["line"], wrong["error"]["column"]) == (1, 19)
    assert (await desk.do("risk_rule.list"))["data"] == []


async def test_amounts_are_worth_what_they_were_when_the_rule_was_saved(desk):
    made = await desk.do("risk_rule.create", rule="review if :amount: > 100 EUR")
    row = await find.rule(desk.ports.pool, desk.merchant, made["id"])
    assert json.loads(row.tree)["if"][2] == ["money", 10_000, "eur", 11_000]
    assert (await desk.refused("risk_rule.create", rule="review if :amount: > 100 CHF")).code == "risk_rule_invalid"


async def test_rules_belong_to_an_account_and_a_mode(desk):
    made = await desk.do("risk_rule.create", rule=RULE)
    for other in (desk.live, desk.stranger):
        assert (await desk.refused("risk_rule.get", who=other, id_=made["id"])).code == "resource_missing"
        assert (await desk.refused("risk_rule.delete", who=other, id_=made["id"])).code == "resource_missing"
        assert (await desk.refused("risk_rule.versions", who=other, id_=made["id"])).code == "resource_missing"
        assert (await desk.do("risk_rule.list", who=other))["data"] == []
        assert not (await desk.ports.active.of(other.account, other.livemode)).rules
    assert len((await desk.ports.active.of(desk.account, False)).rules) == 1


async def test_lists_of_rules_have_pages_and_filters(desk):
    ids = [(await desk.do("risk_rule.create", rule=f"block if :tries: > {n}"))["id"] for n in range(5)]
    await desk.do("risk_rule.update", id_=ids[0], state="disabled")
    newest = await desk.do("risk_rule.list", limit=2)
    assert [one["id"] for one in newest["data"]] == [ids[4], ids[3]] and newest["has_more"]
    rest = await desk.do("risk_rule.list", starting_after=ids[3])
    assert [one["id"] for one in rest["data"]] == [ids[2], ids[1], ids[0]] and not rest["has_more"]
    back = await desk.do("risk_rule.list", ending_before=ids[0], limit=2)
    assert [one["id"] for one in back["data"]] == [ids[2], ids[1]] and back["has_more"]
    assert [one["id"] for one in (await desk.do("risk_rule.list", state="disabled"))["data"]] == [ids[0]]
    assert (await desk.do("risk_rule.list", action="allow"))["data"] == []
    assert (await desk.refused("risk_rule.list", starting_after="rrul_nosuch")).code == "resource_missing"


async def test_there_are_only_so_many_rules(desk, monkeypatch):
    monkeypatch.setattr(edit_rule, "MOST_RULES", 3)
    outcomes = await asyncio.gather(
        *(desk.do("risk_rule.create", rule="flag if true") for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, dict) for one in outcomes) == 3
    assert {one.code for one in outcomes if isinstance(one, Refusal)} == {"risk_rules_limit"}
    assert (await desk.ports.active.of(desk.account, False)).revision == 3


async def test_two_changes_at_once_both_count(desk):
    made = await desk.do("risk_rule.create", rule=RULE)
    await asyncio.gather(
        desk.do("risk_rule.update", id_=made["id"], description="one"),
        desk.do("risk_rule.update", id_=made["id"], state="shadow"),
    )
    now = await desk.do("risk_rule.get", id_=made["id"])
    assert (now["version"], now["description"], now["state"]) == (3, "one", "shadow")


async def test_other_processes_feel_a_change_within_a_second(desk):
    elsewhere = Active(desk.ports.pool)
    assert not (await elsewhere.of(desk.account, False)).evaluate(PAYMENT, {}).block
    made = await desk.do("risk_rule.create", rule=RULE)
    assert (await desk.ports.active.of(desk.account, False)).evaluate(PAYMENT, {}).block, "here at once"
    await asyncio.sleep(FRESH_S)
    ruleset = await elsewhere.of(desk.account, False)
    assert ruleset.evaluate(PAYMENT, {}).block
    await asyncio.sleep(FRESH_S)
    assert await elsewhere.of(desk.account, False) is ruleset, "what did not change is not read again"
    for state, blocks, asked in (("shadow", False, 1), ("disabled", False, 0), ("enabled", True, 1)):
        await desk.do("risk_rule.update", id_=made["id"], state=state)
        await asyncio.sleep(FRESH_S)
        matched = (await elsewhere.of(desk.account, False)).evaluate(PAYMENT, {})
        assert (matched.block, len(matched.hits)) == (blocks, asked)
    await desk.do("risk_rule.delete", id_=made["id"])
    await asyncio.sleep(FRESH_S)
    assert not (await elsewhere.of(desk.account, False)).rules


async def test_what_was_in_force_can_be_said_for_ever(desk):
    one = await desk.do("risk_rule.create", rule="block if :tries: > 1")
    two = await desk.do("risk_rule.create", rule="flag if :tries: > 2", state="shadow")
    await desk.do("risk_rule.update", id_=one["id"], rule="block if :tries: > 3")
    await desk.do("risk_rule.delete", id_=two["id"])
    await desk.do("risk_rule.update", id_=one["id"], state="disabled")
    seen = []
    for revision in range(6):
        ruleset = await find.ruleset_at(desk.ports.pool, desk.account, False, revision=revision)
        seen.append([(named.id, named.version, named.shadow) for named in ruleset.rules])
    first, second, changed = (one["id"], 1, False), (two["id"], 1, True), (one["id"], 2, False)
    assert seen == [[], [first], [first, second], [changed, second], [changed], []]


async def test_a_retry_under_its_key_makes_one_rule(desk):
    made = await desk.do("risk_rule.create", rule=RULE, key="once")
    rows = await desk.ports.pool.fetch("select key from idempotency where account = $1", desk.account)
    assert [row["key"] for row in rows] == ["once"]
    assert (await desk.do("risk_rule.list"))["data"] == [made]
