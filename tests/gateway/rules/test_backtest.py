"""Back-tests: what a rule would have stopped, caught and missed, over what is stored; and proof that it was so."""

import pytest

from lockgate.gateway.rules import find_past
from lockgate.gateway.rules.replay import replay
from tests.gateway.rules.desk import RULE

FAR = {"ip_country": "US", "card_country": "DE", "card_amount_1h": 500_001}


def total(count, amount):
    return {"count": count, "amount": amount}


async def test_the_figures(desk):
    await desk.decide({**FAR, "amount": 1_000}, known=True)
    await desk.decide({**FAR, "amount": 2_000}, verdict="block", known=True)
    await desk.decide({**FAR, "amount": 3_000}, verdict="review", known=False)
    await desk.decide({**FAR, "amount": 1}, verdict="flag")
    await desk.decide({**FAR, "card_country": "US", "amount": 4_000}, known=True)
    await desk.decide({"amount": 5_000})
    await desk.decide({"ip_country": "US", "card_amount_1h": 900_000})
    await desk.decide({**FAR, "amount": 7}, who=desk.live)
    await desk.decide({**FAR, "amount": 7}, who=desk.stranger, known=True)
    await desk.decide({**FAR, "amount": 7}, ago_s=40 * 24 * 3600)
    result = await desk.do("risk_backtest.run", rule=RULE)
    assert {name: value for name, value in result.items() if name not in ("from", "to")} == {
        "object": "risk_backtest", "action": "block", "rule": RULE, "lists": "then", "livemode": False,
        "decisions": total(7, 15_001), "matched": total(4, 6_001), "changed": total(3, 4_001),
        "frauds": total(3, 7_000), "frauds_caught": total(2, 3_000), "frauds_missed": total(1, 4_000),
        "false_positives": total(2, 3_001), "known_good": total(1, 3_000),
        "by_verdict": {
            "allow": total(1, 1_000), "flag": total(1, 1), "challenge": total(0, 0), "review": total(1, 3_000),
            "block": total(1, 2_000),
        },
    }  # fmt: skip
    longer = await desk.do("risk_backtest.run", rule=RULE, **{"from": desk.now - 50 * 24 * 3600})
    assert longer["matched"] == total(5, 6_008)
    now = await desk.do("risk_backtest.run", rule=RULE, to=desk.now - 60)
    assert now["decisions"] == total(0, 0)


@pytest.mark.parametrize(("action", "changed"), [
    ("block", 4), ("review", 3), ("challenge", 3), ("flag", 3), ("allow", 2)
])  # fmt: skip
async def test_what_an_action_would_have_changed(desk, action, changed):
    for verdict in ("allow", "flag", "challenge", "review", "block"):
        await desk.decide({"amount": 1}, verdict=verdict)
    result = await desk.do("risk_backtest.run", rule=f"{action} if true")
    assert (result["matched"]["count"], result["changed"]["count"]) == (5, changed)


async def test_a_rule_that_is_kept_is_tested_by_its_id(desk):
    made = await desk.do("risk_rule.create", rule=RULE, state="shadow")
    await desk.decide(FAR)
    assert (await desk.do("risk_backtest.run", risk_rule=made["id"]))["matched"]["count"] == 1
    refusal = await desk.refused("risk_backtest.run", risk_rule=made["id"], who=desk.stranger)
    assert (refusal.code, refusal.param) == ("resource_missing", "risk_rule")


async def test_what_cannot_be_tested_is_refused(desk):
    assert (await desk.refused("risk_backtest.run")).code == "parameters_exclusive"
    assert (await desk.refused("risk_backtest.run", rule=RULE, risk_rule="rrul_x")).code == "parameters_exclusive"
    assert (await desk.refused("risk_backtest.run", rule="block if :nosuch: = 1")).code == "risk_rule_invalid"
    refusal = await desk.refused("risk_backtest.run", rule=RULE, **{"from": desk.now, "to": desk.now})
    assert refusal.param == "from"


async def test_a_read_that_takes_too_long_is_cut_off(desk, monkeypatch):
    monkeypatch.setattr(find_past, "LONGEST_S", 0.001)
    for _ in range(40):
        await desk.decide({**FAR, "amount": 5})
    slow = "block if " + " and ".join([":amount: * 2 >= 0 USD"] * 55)
    refusal = await desk.refused("risk_backtest.run", rule=slow)
    assert refusal.code == "risk_backtest_too_long"
    assert await desk.ports.pool.fetchval("show statement_timeout") == "30s"


async def test_lists_as_they_were_and_as_they_are(desk):
    hashes = {"email": [b"\1".hex() * 16], "ip_address": [b"\2".hex() * 16]}
    await desk.decide({"amount": 1}, lists={"email": ["old"], "ip_address": []}, data={"hashes": hashes})
    await desk.decide({"amount": 2}, lists={"email": []}, data={"hashes": {"email": [b"\3".hex() * 16]}})
    await desk.decide({"amount": 3})
    await desk.make_list("old", b"\3" * 16)
    await desk.make_list("new", b"\2" * 16)

    async def amount(condition, lists):
        result = await desk.do("risk_backtest.run", rule=f"block if {condition}", lists=lists)
        return result["matched"]["amount"]

    assert await amount(":email: in @old", "then") == 1
    assert await amount(":email: in @old", "now") == 2
    assert await amount(":email: not in @old", "now") == 1
    assert await amount(":ip_address: in @new", "then") == 0
    assert await amount(":ip_address: in @new", "now") == 1
    assert await amount("is_missing(:email:)", "now") == 3


async def test_the_reader_cannot_write(desk):
    with pytest.raises(Exception, match="read-only"):
        await find_past._bounded(desk.ports.pool, "delete from risk_rule where account = $1", (desk.account,))


async def test_stored_decisions_come_out_as_they_were(desk):
    await desk.make_list("words")
    one = await desk.do("risk_rule.create", rule="block if :tries: > 1 or :email: in @words")
    await desk.do("risk_rule.create", rule="flag if :card_distance_km: > 0.3", state="shadow")
    payments = [
        ({"tries": 2, "card_distance_km": 0.1 + 0.2}, {}),
        ({"tries": 2, "card_distance_km": 0.31, "ip_country": "ünï"}, {}),
        ({"tries": 0, "amount": 10**30}, {"email": ["words"]}),
        ({"card_distance_km": float("inf")}, {"email": []}),
    ]
    for edit in ({"rule": "block if :tries: > 5"}, {"state": "disabled"}, {"state": "enabled"}):
        for attributes, lists in payments:
            await desk.judge(attributes, lists=lists)
        await desk.do("risk_rule.update", id_=one["id"], **edit)
    proof = await replay(desk.ports.pool, desk.account, False)
    assert (proof.decisions, proof.rulesets, proof.different) == (12, 3, [])

    ruleset = await desk.ports.active.of(desk.account, False)
    claimed = {"rules": [[one["id"], 4, "block", False]]}
    forged = await desk.decide({"tries": 1}, data=claimed, ruleset=ruleset.revision)
    proof = await replay(desk.ports.pool, desk.account, False)
    [(id_, then, online, tested)] = proof.different
    assert (id_, then, online, tested) == (forged, [(one["id"], 4)], [], [])
