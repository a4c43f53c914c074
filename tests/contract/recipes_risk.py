"""How each operation of risk is asked."""

from collections.abc import Mapping

from tests.contract import world as make
from tests.contract.recipes import Recipe
from tests.contract.world import World

ENGINES = "/v1/risk/engines"
URL = "https://risk.example.com/judge"
RULES = "/v1/risk/rules"
RULE = "flag if :amount: = 123456.78 USD"
OFF = {"enabled": "false"}
"""An engine that nobody runs must not be asked about what else is paid here."""


def _no_engines(world: World) -> None:
    """An account has three at most."""
    for engine in world.get(ENGINES)["data"]:
        assert world.client.request("DELETE", f"{ENGINES}/{engine['id']}").status == 200


def _engine(world: World) -> str:
    _no_engines(world)
    return world.post(ENGINES, name="Third party", url=URL, **OFF)["id"]


def _engine_id(world: World, _: Mapping[str, str]) -> str:
    return _engine(world)


def _rule(world: World) -> str:
    return world.post(RULES, rule=RULE)["id"]


def _rule_id(world: World, _: Mapping[str, str]) -> str:
    return _rule(world)


def _version(_: World, ids: Mapping[str, str]) -> str:
    return f"{ids['risk_rule']}-1"


def _decision(world: World) -> str:
    if not (found := world.get("/v1/risk/decisions", limit=1)["data"]):
        world.paid("4242424242424242")
        found = world.get("/v1/risk/decisions", limit=1)["data"]
    return found[0]["id"]


def _decision_id(world: World, _: Mapping[str, str]) -> str:
    return _decision(world)


_STRICT = {
    "card_country_unknown": "flag", "card_testing": "block", "countries_differ": "flag", "elevated": "flag",
    "highest": "review", "hourly_limit": 400_000, "block_lists": ["bad_people"],
}  # fmt: skip
"""As strict as it is from the start, or stricter where no other story here notices."""

PERSONAL = {"risk_settings.loosen"}
"""What only a person may do: asked beside what administers."""

LOOSENED: dict[str, Recipe] = {
    "risk_settings.loosen": Recipe(values={**_STRICT, "allow_lists": ["good_people"]}),
}
RISK: dict[str, Recipe] = {
    "collector.update": Recipe(values={"collector": "notice"}),
    "radar_session.delete": Recipe(path={"session": make.radar_session}),
    "radar_session.get": Recipe(path={"session": make.radar_session}),
    "risk_backtest.run": Recipe(
        always={"rule": RULE}, values={"rule": RULE, "risk_rule": _rule_id, "from": 1_700_000_000, "to": 1_800_000_000},
        apart=(("rule", "risk_rule"),),
    ),
    "risk_engine.create": Recipe(always=OFF, values={"url": URL, **OFF}, after=_no_engines),
    "risk_engine.delete": Recipe(path={"engine": _engine}),
    "risk_engine.get": Recipe(path={"engine": _engine}),
    "risk_engine.list": Recipe(values={"starting_after": _engine_id, "ending_before": _engine_id}),
    "risk_engine.update": Recipe(path={"engine": _engine}, values={"url": URL, **OFF}),
    "risk_decision.get": Recipe(path={"decision": _decision}),
    "risk_decision.list": Recipe(
        values={"starting_after": _decision_id, "ending_before": _decision_id, "verdict": "allow"}
    ),
    "risk_label.create": Recipe(
        never={"known_at": "a moment between the payment and now; tests/gateway/scoring ask for it"}
    ),
    "risk_settings.update": Recipe(values=_STRICT, never={"allow_lists": "more lists that let through are looser"}),
    "risk_rule.check": Recipe(values={"rule": RULE}),
    "risk_rule.create": Recipe(values={"rule": RULE}),
    "risk_rule.delete": Recipe(path={"risk_rule": _rule}),
    "risk_rule.get": Recipe(path={"risk_rule": _rule}),
    "risk_rule.list": Recipe(values={"starting_after": _rule_id, "ending_before": _rule_id}),
    "risk_rule.update": Recipe(path={"risk_rule": _rule}, values={"rule": RULE}),
    "risk_rule.versions": Recipe(
        path={"risk_rule": _rule}, values={"starting_after": _version, "ending_before": _version}
    ),
}
