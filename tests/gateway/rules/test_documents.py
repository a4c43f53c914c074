"""The pages for analysts say what is so: every attribute stands in one, every example of a rule is one."""

import re
from pathlib import Path

from tools.attributes import PAGE, page

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.lexer import LONGEST
from lockgate.gateway.rules.core.parser import DEEPEST, MOST_DIVISIONS, MOST_NODES, parse
from lockgate.gateway.rules.edit_rule import MOST_RULES

RULES_PAGE = PAGE.parent / "rules.md"


def test_the_page_of_attributes_is_up_to_date():
    assert PAGE.read_text() == page(), "run: python -m tools.attributes"
    assert all(f"| `{name}` |" in page() for name in ATTRIBUTES)


def test_every_rule_in_the_pages_is_one():
    examples = [
        line
        for path in (RULES_PAGE, Path(RULES_PAGE.parent / "risk.md"))
        for block in re.findall(r"```rule\n(.*?)```", path.read_text(), re.DOTALL)
        for line in block.strip().splitlines()
    ]
    assert len(examples) >= 8
    for example in examples:
        parse(example, convert=lambda minor, currency: minor)


def test_the_limits_are_those_that_hold():
    said = RULES_PAGE.read_text()
    for number in (LONGEST, DEEPEST, MOST_NODES, MOST_DIVISIONS, MOST_RULES):
        assert f"{number:,}" in said
