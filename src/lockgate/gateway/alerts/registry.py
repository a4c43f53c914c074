"""Every built-in rule, by its name, and the index from audit words to rules."""

from collections.abc import Mapping

from lockgate.gateway.alerts.core.rule import RecordRule, Rule, UseRule
from lockgate.gateway.alerts.rules import (
    access_review_due,
    audit_failing,
    certificate_expiring,
    clock_jumped,
    failed_by_account,
    failed_by_address,
    failed_by_credential,
    failed_overall,
    geography_stale,
    impossible_travel,
    key_in_browser,
    key_leaked,
    limiter_failing,
    mail_failing,
    many_refusals,
    new_address,
    new_country,
    passkey_cloned,
    privilege_granted,
    recovery_code_used,
    risk_degraded,
    risk_drifted,
    risk_engine_failing,
    risk_table_stale,
    route_failing,
    token_reused,
    watch_weakened,
)

_ALL: tuple[Rule, ...] = (
    access_review_due.RULE,
    audit_failing.RULE,
    certificate_expiring.RULE,
    clock_jumped.RULE,
    failed_by_account.RULE,
    failed_by_address.RULE,
    failed_by_credential.RULE,
    failed_overall.RULE,
    geography_stale.RULE,
    impossible_travel.RULE,
    key_in_browser.RULE,
    key_leaked.RULE,
    limiter_failing.RULE,
    mail_failing.RULE,
    many_refusals.RULE,
    new_address.RULE,
    new_country.RULE,
    passkey_cloned.RULE,
    privilege_granted.RULE,
    recovery_code_used.RULE,
    risk_degraded.RULE,
    risk_drifted.RULE,
    risk_engine_failing.RULE,
    risk_table_stale.RULE,
    route_failing.RULE,
    token_reused.RULE,
    watch_weakened.RULE,
)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL}
ON_RECORDS: Mapping[str, tuple[RecordRule, ...]] = {
    action: tuple(rule for rule in _ALL if isinstance(rule, RecordRule) and action in rule.actions)
    for action in sorted({action for rule in _ALL if isinstance(rule, RecordRule) for action in rule.actions})
}
ON_USES: tuple[UseRule, ...] = tuple(rule for rule in _ALL if isinstance(rule, UseRule))
