"""GET /metrics: for whoever may read the metrics of the installation's own account, and for nobody else."""

import asyncio
from importlib.metadata import PackageNotFoundError, version

from lockgate.gateway.audit import backlog
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.web import find_metrics
from lockgate.gateway.web.metrics import CONTENT_TYPE, Counts, Gauge, text
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Object
from lockgate.kernel.shapes import Shape

_SEVERITIES = ("low", "medium", "high", "critical")


def operation(pool: Pool, counts: Counts, *, account: str) -> Operation:
    """The operation. It is no part of the merchants' API, but stands behind the same guard.

    Metrics speak of all accounts together: only keys and people of ``account``, the installation's own, read them.
    """

    async def read(call: Call) -> Answer:
        if call.principal.account != account:
            raise Refusal(Kind.FORBIDDEN, "Metrics are the installation's own: this account may not read them.")
        return Answer(200, text(counts, await _gauges(pool)), content_type=CONTENT_TYPE)

    return Operation(
        name="metrics.read", method="GET", path="/metrics", resource="metrics", access="read", handler=read,
        params=Object({}), returns=Shape("metrics", {}), summary="How the installation is, in Prometheus' text format.",
    )  # fmt: skip


async def _gauges(pool: Pool) -> list[Gauge]:
    now_ms = clock.now_ms()
    queues, alerts, endings, jobs, unsealed_ms = await asyncio.gather(
        find_metrics.queues(pool),
        find_metrics.open_alerts(pool),
        find_metrics.endings(pool, now=now_ms // 1000),
        find_metrics.jobs(pool),
        backlog.age_ms(pool),
    )
    return [
        Gauge("lockgate_build_info", "Always 1; the version is its label.", 1, (("version", _version()),)),
        Gauge("lockgate_pool_connections", "Connections of this process.", pool.get_size(), (("state", "open"),)),
        Gauge("lockgate_pool_connections", "", pool.get_size() - pool.get_idle_size(), (("state", "used"),)),
        Gauge("lockgate_pool_connections", "", pool.get_max_size(), (("state", "most"),)),
        Gauge("lockgate_audit_unsealed_age_seconds", "Age of the oldest record not sealed yet.", unsealed_ms / 1000),
        Gauge("lockgate_mail_waiting", "Mail that waits to be sent.", queues.mail),
        Gauge("lockgate_mail_oldest_age_seconds", "How long the oldest waits.", _age(queues.mail_since_ms, now_ms)),
        Gauge("lockgate_outbox_waiting", "Events that wait to be handed out.", queues.outbox),
        Gauge("lockgate_webhook_deliveries_waiting", "Deliveries that wait.", queues.deliveries),
        Gauge("lockgate_alert_deliveries_waiting", "Alerts that wait to be told.", queues.alert_deliveries),
        Gauge("lockgate_attempts_unknown", "Orders to processors whose outcome is not known.", queues.attempts),
        Gauge("lockgate_attempts_overdue_seconds", "For how long.", _age(queues.attempts_due_ms, now_ms)),
        *(
            Gauge("lockgate_alerts_open", "Alerts not resolved.", alerts.get(severity, 0), (("severity", severity),))
            for severity in _SEVERITIES
        ),
        *(
            Gauge(
                "lockgate_certificate_expiry_days",
                "Days until a certificate ends; below 0 it has.",
                (ending.not_after - now_ms / 1000) / 86_400,
                (("name", ending.name), ("purpose", ending.purpose)),
            )
            for ending in endings
        ),
        *(
            Gauge("lockgate_job_age_seconds", "How long ago a job last ran.", _age(ran_ms, now_ms), (("job", name),))
            for name, ran_ms in sorted(jobs.items())
        ),
    ]


def _age(since_ms: int | None, now_ms: int) -> float:
    return 0.0 if since_ms is None else max(0.0, (now_ms - since_ms) / 1000)


def _version() -> str:
    try:
        return version("lockgate")
    except PackageNotFoundError:
        return "unknown"
