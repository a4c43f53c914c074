"""The fields of alerts, their rules, routes, silences and deliveries as the API shows them."""

from lockgate.gateway.alerts.core.rule import SEVERITIES
from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const, list_of, one_of

STATES = ("open", "acknowledged", "resolved")
_SEVERITY = one_of(*SEVERITIES)

ALERT = Shape(
    "alert",
    {
        "id": Field(STRING),
        "object": Field(const("alert"), default="alert"),
        "acknowledged_at": Field(INTEGER, nullable=True),
        "acknowledged_by": Field(STRING, nullable=True),
        "count": Field(INTEGER),
        "created": Field(INTEGER),
        "evidence": Field(list_of(OBJECT)),
        "first_at": Field(INTEGER),
        "last_at": Field(INTEGER),
        "resolved_at": Field(INTEGER, nullable=True),
        "resolved_by": Field(STRING, nullable=True),
        "rule": Field(STRING),
        "runbook": Field(STRING),
        "severity": Field(_SEVERITY),
        "silence": Field(STRING, nullable=True),
        "state": Field(one_of(*STATES)),
        "subject": Field(STRING),
        "summary": Field(STRING),
        "title": Field(STRING),
    },
)

ALERT_RULE = Shape(
    "alert_rule",
    {
        "id": Field(STRING),
        "object": Field(const("alert_rule"), default="alert_rule"),
        "about": Field(STRING),
        "enabled": Field(BOOLEAN),
        "quiet_s": Field(INTEGER, nullable=True),
        "runbook": Field(STRING),
        "scope": Field(one_of("account", "platform")),
        "severity": Field(_SEVERITY),
        "threshold": Field(INTEGER),
        "title": Field(STRING),
        "window_s": Field(INTEGER),
    },
)

ALERT_ROUTE = Shape(
    "alert_route",
    {
        "id": Field(STRING),
        "object": Field(const("alert_route"), default="alert_route"),
        "created": Field(INTEGER),
        "email": Field(STRING, nullable=True, personal=True),
        "enabled": Field(BOOLEAN),
        "kind": Field(one_of("email", "webhook", "syslog")),
        "min_severity": Field(_SEVERITY),
        "secret": Field(STRING, nullable=True),
        "syslog": Field(STRING, nullable=True),
        "url": Field(STRING, nullable=True),
    },
)

ALERT_SILENCE = Shape(
    "alert_silence",
    {
        "id": Field(STRING),
        "object": Field(const("alert_silence"), default="alert_silence"),
        "created": Field(INTEGER),
        "created_by": Field(STRING),
        "ended_at": Field(INTEGER, nullable=True),
        "reason": Field(STRING),
        "rule": Field(STRING, nullable=True),
        "subject": Field(STRING, nullable=True),
        "until": Field(INTEGER),
    },
)

ALERT_DELIVERY = Shape(
    "alert_delivery",
    {
        "id": Field(STRING),
        "object": Field(const("alert_delivery"), default="alert_delivery"),
        "alert": Field(STRING),
        "created": Field(INTEGER),
        "next_attempt_at": Field(INTEGER, nullable=True),
        "outcome": Field(STRING, nullable=True),
        "route": Field(STRING),
        "status": Field(one_of("waiting", "delivered", "failed")),
        "tries": Field(INTEGER),
    },
)
