"""The table of truth leaves nothing out: every action, adapter method and path; and its page says the same."""

import inspect
import re
from pathlib import Path

from tools import failures
from tools.contract.declared import operations

from lockgate.gateway.processors.contract import NOTICE_KINDS, Processor
from lockgate.simulator.faults import FAULTS as ORDERABLE
from lockgate.simulator.faults import NOTIFICATIONS
from tests.faults.reach import reaches_a_processor
from tests.faults.recipes import RECIPES
from tests.faults.truth import FAULTS, NOTICE_FAULTS
from tests.faults.truth_table import NEWS, QUESTIONS, TABLE

MIGRATIONS = Path(__file__).parents[2] / "src" / "lockgate" / "gateway" / "migrations"
VERBS = MIGRATIONS.parents[1] / "simulator" / "verbs.py"
_ACTIONS = r"constraint attempt_action_check check \(action in \(([^)]*)\)"
PURE = {"manifest", "fee", "notification"}
"""The adapter's methods that send nothing."""

OTHER_NAMES = {"http_500": "short for http_500_after", "decline": "an answer like any other"}
RENEWED = "docs/failures.md is out of date: run 'make contract'"


def test_every_kind_of_attempt_has_a_row() -> None:
    constraints = [
        allowed
        for migration in sorted(MIGRATIONS.glob("*.sql"))
        for allowed in re.findall(_ACTIONS, migration.read_text())
    ]
    actions = set(re.findall(r"'(\w+)'", constraints[-1]))
    assert {row.action for row in TABLE.values()} - {None} == actions - {"reverse"}, "reversing is recovery's own"


def test_every_method_of_an_adapter_that_sends_has_a_row_or_is_a_question() -> None:
    methods = {name for name, _ in inspect.getmembers(Processor, inspect.isfunction) if not name.startswith("_")}
    orders, questions = {row.order for row in TABLE.values()}, {asked.order for asked in QUESTIONS.values()}
    assert orders | questions == methods - PURE
    assert not orders & questions


def test_every_path_of_the_processor_has_a_row_or_is_a_question() -> None:
    paths = set(re.findall(r'^ +"(/[a-z/]+)": self\._', VERBS.read_text(), re.MULTILINE))
    assert len(paths) > 10
    assert {row.path for row in TABLE.values()} | {asked.path for asked in QUESTIONS.values()} == paths


# They order the capture and the void that have rows of their own; tests/gateway/payments/test_verdicts loses answers.
BY_REVIEW = {"review.approve", "review.refuse"}


def test_every_operation_that_can_reach_a_processor_has_a_row() -> None:
    reaching = {operation.name for operation in operations() if reaches_a_processor(operation.handler)}
    assert {row.operation for row in TABLE.values() if row.operation} == reaching - BY_REVIEW
    assert set(RECIPES) == set(TABLE)


def test_every_fault_that_can_be_ordered_is_in_it() -> None:
    assert set(FAULTS) | set(OTHER_NAMES) | (set(NOTICE_FAULTS) - {"forged"}) == set(ORDERABLE)
    assert set(NOTICE_FAULTS) - {"forged"} == set(NOTIFICATIONS)
    assert set(NEWS) == set(NOTICE_KINDS)


def test_the_page_is_as_the_table() -> None:
    assert failures.PAGE.read_text() == failures.text(), RENEWED
