"""Rules, versions, checks and back-tests as the API shows them."""

from typing import Any

from lockgate.gateway.rules.core.faults import RuleFault
from lockgate.gateway.rules.core.nodes import Attribute, Listed, Missing, Rule, walk
from lockgate.gateway.rules.core.shapes import RISK_BACKTEST, RISK_RULE, RISK_RULE_CHECK, RISK_RULE_VERSION
from lockgate.gateway.rules.core.tally import Tally
from lockgate.gateway.rules.core.text import written
from lockgate.gateway.rules.find import RuleRow, VersionRow
from lockgate.kernel.errors import Kind, Refusal


def rule(row: RuleRow) -> dict[str, Any]:
    """One rule."""
    return RISK_RULE.render(
        {
            "id": row.id,
            "action": row.action,
            "created": row.created,
            "description": row.description,
            "livemode": row.livemode,
            "rule": row.text,
            "state": row.state,
            "updated": row.updated,
            "version": row.version,
        }
    )


def gone(row: RuleRow) -> dict[str, Any]:
    """All that is left to say about a deleted rule."""
    return {"id": row.id, "object": "risk_rule", "deleted": True}


def version(row: VersionRow) -> dict[str, Any]:
    """One version of a rule."""
    return RISK_RULE_VERSION.render(
        {
            "id": f"{row.rule}-{row.version}",
            "author": row.author,
            "created": row.created,
            "livemode": row.livemode,
            "revision": row.revision,
            "risk_rule": row.rule,
            "rule": row.text,
            "state": row.state,
            "version": row.version,
        }
    )


def fault(one: RuleFault) -> dict[str, Any]:
    """What is wrong with a text, and where."""
    return {
        "message": one.message,
        "line": one.line,
        "column": one.column,
        "length": one.length,
        "expected": list(one.expected),
        "suggestion": one.suggestion,
    }


def no_rule(one: RuleFault) -> Refusal:
    """What a text that is no rule is refused with: the fault in words, and in parts for an editor to point at."""
    return Refusal(
        Kind.INVALID,
        f"This is no rule: {one}",
        code="risk_rule_invalid",
        param="rule",
        embed={"risk_rule_error": fault(one)},
    )


def check(result: Rule | RuleFault, *, livemode: bool) -> dict[str, Any]:
    """Whether a text is a rule: how it is written properly and what it names, or what is wrong."""
    if isinstance(result, RuleFault):
        shown = {"valid": False, "action": None, "rule": None, "attributes": [], "lists": [], "error": fault(result)}
        return RISK_RULE_CHECK.render({**shown, "livemode": livemode})
    nodes = list(walk(result.when))
    return RISK_RULE_CHECK.render(
        {
            "action": result.action,
            "attributes": sorted({node.name for node in nodes if isinstance(node, Attribute | Listed | Missing)}),
            "error": None,
            "lists": sorted({node.alias for node in nodes if isinstance(node, Listed)}),
            "livemode": livemode,
            "rule": written(result),
            "valid": True,
        }
    )


def backtest(
    asked: Rule, tally: Tally, *, first: int, last: int, lists: str, livemode: bool
) -> dict[str, Any]:
    """What a rule would have done. Amounts are in US cents."""
    sums = {name: {"count": one.count, "amount": one.amount} for name, one in tally.sums().items()}
    by_verdict = {
        verdict: {"count": one.count, "amount": one.amount} for verdict, one in tally.by_verdict.items()
    }
    return RISK_BACKTEST.render(
        {
            **sums,
            "action": asked.action,
            "by_verdict": by_verdict,
            "from": first,
            "lists": lists,
            "livemode": livemode,
            "rule": written(asked),
            "to": last,
        }
    )
