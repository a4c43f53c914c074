"""A change of the contract fails here until it is recorded: the snapshot renewed, and docs/api-changes.md told."""

import pytest
from tools.contract import changelog, snapshot
from tools.contract.__main__ import CHANGELOG, SNAPSHOT
from tools.contract.compare import Change, changes
from tools.contract.declared import operations

HOW = "Record it with: make contract SAYS='what changed and why'"


def test_the_contract_is_as_recorded() -> None:
    new = snapshot.text(operations())
    found = changes(SNAPSHOT.read_text(), new)
    said = "\n".join(str(change) for change in found)
    assert SNAPSHOT.read_text() == new, f"The contract has changed:\n{said}\n{HOW}"


def test_the_changelog_names_the_recorded_contract() -> None:
    recorded = snapshot.digest(SNAPSHOT.read_text())
    assert changelog.newest(CHANGELOG.read_text()) == recorded, f"no entry for the contract {recorded}. {HOW}"


OLD = """operation refund.create
  path: POST /v1/refunds
  answer: refund
  permission: refunds=write
  parameter amount: integer from 1 to 999
  parameter charge: text of at most 255 characters
  parameter currency: refused
  parameter metadata: up to 50 pairs of keys and values; an empty value clears it
  parameter reason: one of duplicate, fraudulent, other
  parameter statement: text of 5 to 22 characters

operation refund.get
  path: GET /v1/refunds/{id}
  answer: refund
  permission: refunds=read

object refund
  field amount: integer
  field charge: text, expandable to charge or null
  field reason: one of duplicate, fraudulent or null

events
  event refund.created: refund
  event refund.failed: refund
"""
PLANTED = {
    "removed operation": (
        "operation refund.get\n  path: GET /v1/refunds/{id}\n  answer: refund\n  permission: refunds=read\n", "",
        "the operation refund.get is gone", True,
    ),
    "new operation": (
        "object refund\n", "operation refund.list\n  path: GET /v1/refunds\n\nobject refund\n",
        "new operation refund.list (GET /v1/refunds)", False,
    ),
    "other permission": (
        "permission: refunds=write", "permission: money=write",
        "operation refund.create: permission was: refunds=write; is: money=write", True,
    ),
    "new optional parameter": (
        "  parameter amount", "  parameter age: boolean\n  parameter amount",
        "operation refund.create: parameter age is new: boolean", False,
    ),
    "new required parameter": (
        "  parameter amount", "  parameter age: boolean; required\n  parameter amount",
        "operation refund.create: parameter age is new: boolean; required", True,
    ),
    "parameter that became required": (
        "parameter charge: text of at most 255 characters",
        "parameter charge: text of at most 255 characters; required", None, True,
    ),
    "removed parameter": ("  parameter charge: text of at most 255 characters\n", "", None, True),
    "parameter refused": ("charge: text of at most 255 characters", "charge: refused", None, True),
    "parameter supported": ("currency: refused", "currency: text of 3 characters", None, False),
    "enum narrowed": ("one of duplicate, fraudulent, other", "one of duplicate, other", None, True),
    "enum widened": ("one of duplicate, fraudulent, other", "one of duplicate, fraudulent, other, more", None, False),
    "range narrowed": ("integer from 1 to 999", "integer from 1 to 99", None, True),
    "range widened": ("integer from 1 to 999", "integer from 0 to 999", None, False),
    "text shortened": ("text of 5 to 22 characters", "text of 6 to 22 characters", None, True),
    "text lengthened": ("text of 5 to 22 characters", "text of at most 22 characters", None, False),
    "certain values only": ("5 to 22 characters", "5 to 22 characters; certain values only", None, True),
    "no longer clearable": ("; an empty value clears it", "", None, True),
    "required inside of what was refused": (
        "  parameter currency: refused\n", "  parameter currency: object\n  parameter currency[a]: text; required\n",
        None, False,
    ),
    "field that can be expanded now": ("field amount: integer", "field amount: integer, expandable to x", None, False),
    "field dropped": ("  field amount: integer\n", "", "object refund: field amount is gone; it was: integer", True),
    "new field": ("  field amount: integer\n", "  field amount: integer\n  field at: integer\n", None, False),
    "field of another type": ("field amount: integer", "field amount: text", None, True),
    "field that may be null": ("field amount: integer", "field amount: integer or null", None, True),
    "field that is always there": ("expandable to charge or null", "expandable to charge", None, False),
    "new word of a field": ("duplicate, fraudulent or null", "duplicate, fraudulent, odd or null", None, False),
    "removed event": ("  event refund.failed: refund\n", "", "event refund.failed is gone; it was: refund", True),
    "new event": ("  event refund.failed", "  event refund.expired: refund\n  event refund.failed", None, False),
}  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_change_is_told(planted: str) -> None:
    before, after, says, breaking = PLANTED[planted]
    new = OLD.replace(before, after, 1)
    assert new != OLD
    found = changes(OLD, new)
    assert found and {one.breaking for one in found} == {breaking}, found
    assert says is None or [one.says for one in found] == [says]
    assert str(found[0]).startswith("Breaking: ") is breaking


def test_nothing_changed_is_nothing_told() -> None:
    assert changes(OLD, OLD) == []
    assert changes(SNAPSHOT.read_text(), SNAPSHOT.read_text()) == []


def test_an_entry_needs_a_sentence_and_is_found_again() -> None:
    log = "# Changes\n\n## Unreleased\n\n* `000000000000` What was recorded first.\n"
    assert changelog.newest(log) == "000000000000"
    told = changelog.with_entry(log, "aaaabbbbcccc", says="Refunds can expire.", changes=[Change("event x", False)])
    assert changelog.newest(told) == "aaaabbbbcccc"
    assert "  * event x\n" in told and told.count("## Unreleased") == 1
    with pytest.raises(ValueError, match="sentence"):
        changelog.with_entry(log, "aaaabbbbcccc", says="oops", changes=[])
    assert changelog.newest(log.replace(" What was recorded first.", " short")) is None


def test_a_changed_operation_changes_the_snapshot() -> None:
    """The snapshot sees what the declarations say, not only what is written in this file."""
    declared = operations()
    assert snapshot.text(declared) == snapshot.text(list(reversed(declared)))
    first = changes(snapshot.text(declared), snapshot.text(declared[1:]))[0]
    assert first == Change(f"the operation {declared[0].name} is gone", True)
