"""The fields of rules, their versions, checks and back-tests as the API shows them."""

from lockgate.gateway.rules.core.nodes import ACTIONS
from lockgate.gateway.rules.core.ruleset import STATES
from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, list_of, one_of

FAULT = {
    "type": "object",
    "properties": {
        "message": STRING, "line": INTEGER, "column": INTEGER, "length": INTEGER, "expected": list_of(STRING),
        "suggestion": {"type": ["string", "null"]},
    },
    "required": ["message", "line", "column", "length", "expected", "suggestion"],
    "additionalProperties": False,
}  # fmt: skip
_SUM = {
    "type": "object",
    "properties": {"count": INTEGER, "amount": INTEGER},
    "required": ["count", "amount"],
    "additionalProperties": False,
}
_BY_VERDICT = {"type": "object", "additionalProperties": _SUM}

RISK_RULE = Shape(
    "risk_rule",
    {
        "id": Field(STRING),
        "object": Field(const("risk_rule"), default="risk_rule"),
        "action": Field(one_of(*ACTIONS)),
        "created": Field(INTEGER),
        "description": Field(STRING, nullable=True),
        "livemode": Field(BOOLEAN),
        "rule": Field(STRING),
        "state": Field(one_of(*STATES)),
        "updated": Field(INTEGER),
        "version": Field(INTEGER),
    },
)

RISK_RULE_VERSION = Shape(
    "risk_rule_version",
    {
        "id": Field(STRING),
        "object": Field(const("risk_rule_version"), default="risk_rule_version"),
        "author": Field(STRING),
        "created": Field(INTEGER),
        "livemode": Field(BOOLEAN),
        "revision": Field(INTEGER),
        "risk_rule": Field(STRING),
        "rule": Field(STRING),
        "state": Field(one_of(*STATES, "deleted")),
        "version": Field(INTEGER),
    },
)

RISK_RULE_CHECK = Shape(
    "risk_rule_check",
    {
        "object": Field(const("risk_rule_check"), default="risk_rule_check"),
        "action": Field(one_of(*ACTIONS), nullable=True),
        "attributes": Field(list_of(STRING)),
        "error": Field(FAULT, nullable=True),
        "lists": Field(list_of(STRING)),
        "livemode": Field(BOOLEAN),
        "rule": Field(STRING, nullable=True),
        "valid": Field(BOOLEAN),
    },
)

RISK_BACKTEST = Shape(
    "risk_backtest",
    {
        "object": Field(const("risk_backtest"), default="risk_backtest"),
        "action": Field(one_of(*ACTIONS)),
        "by_verdict": Field(_BY_VERDICT),
        "changed": Field(_SUM),
        "decisions": Field(_SUM),
        "false_positives": Field(_SUM),
        "frauds": Field(_SUM),
        "frauds_caught": Field(_SUM),
        "frauds_missed": Field(_SUM),
        "from": Field(INTEGER),
        "known_good": Field(_SUM),
        "lists": Field(one_of("then", "now")),
        "livemode": Field(BOOLEAN),
        "matched": Field(_SUM),
        "rule": Field(STRING),
        "to": Field(INTEGER),
    },
)
