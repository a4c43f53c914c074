"""How each operation of risk is asked."""

from tests.contract import world as make
from tests.contract.recipes import Recipe
from tests.contract.world import World

ENGINES = "/v1/risk/engines"
URL = "https://risk.example.com/judge"
OFF = {"enabled": "false"}
"""An engine that nobody runs must not be asked about what else is paid here."""


def _no_engines(world: World) -> None:
    """An account has three at most."""
    for engine in world.get(ENGINES)["data"]:
        assert world.client.request("DELETE", f"{ENGINES}/{engine['id']}").status == 200


def _engine(world: World) -> str:
    _no_engines(world)
    return world.post(ENGINES, name="Third party", url=URL, **OFF)["id"]


RISK: dict[str, Recipe] = {
    "collector.update": Recipe(values={"collector": "notice"}),
    "radar_session.delete": Recipe(path={"session": make.radar_session}),
    "radar_session.get": Recipe(path={"session": make.radar_session}),
    "risk_engine.create": Recipe(always=OFF, values={"url": URL, **OFF}, after=_no_engines),
    "risk_engine.delete": Recipe(path={"engine": _engine}),
    "risk_engine.get": Recipe(path={"engine": _engine}),
    "risk_engine.update": Recipe(path={"engine": _engine}, values={"url": URL, **OFF}),
}
