"""Which paths mean an operation: ids with dots within are ids, dots alone lead nowhere."""

import pytest
from tools.contract.declared import operations

from lockgate.gateway.alerts.registry import RULES
from lockgate.gateway.web.routes import Match, Routes


@pytest.fixture(scope="module")
def routes() -> Routes:
    return Routes(operations())


def test_every_alert_rule_can_be_asked_for_by_its_name(routes: Routes) -> None:
    for name in RULES:
        for method in ("GET", "POST"):
            found = routes.find(method, f"/v1/alert_rules/{name}")
            assert isinstance(found, Match) and found.path == {"rule": name}


@pytest.mark.parametrize(
    "id_", ["", ".", "..", "a..b", ".a", "a.", "a/b", "a%2eb", "a b", "é", "a\n", "x" * 256, "x." * 128]
)
def test_what_is_no_id_leads_nowhere(routes: Routes, id_: str) -> None:
    assert routes.find("GET", f"/v1/alert_rules/{id_}") == ()
