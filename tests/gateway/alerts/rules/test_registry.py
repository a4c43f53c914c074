"""Every rule is in the registry, says what it is about, and has its own test."""

from pathlib import Path

import pytest

from lockgate.gateway.alerts import registry, rules
from lockgate.gateway.alerts.core.rule import SEVERITIES
from lockgate.gateway.alerts.registry import RULES

FILES = sorted(file.stem for file in Path(rules.__path__[0]).glob("[!_]*.py"))


def test_every_file_is_registered_and_tested():
    assert len(RULES) == len(FILES)
    here = {file.stem.removeprefix("test_") for file in Path(__file__).parent.glob("test_*.py")}
    assert set(FILES) <= here


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_every_rule_speaks_for_itself(rule):
    assert rule.title and len(rule.about) > 30 and len(rule.runbook) > 30 and rule.severity in SEVERITIES
    assert rule.threshold >= 1 and rule.window_s > 0


def test_the_index_leads_to_every_record_rule():
    indexed = {rule.name for found in registry.ON_RECORDS.values() for rule in found}
    assert indexed | {rule.name for rule in registry.ON_USES} == set(RULES)
