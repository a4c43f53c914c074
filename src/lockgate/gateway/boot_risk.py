"""The composition root of risk: the engine that judges payments, the rooms it reads from, and what the clock calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.geography import shipped
from lockgate.gateway.risk import api, assess, jobs
from lockgate.gateway.risk.assess import Engine
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.verdict import Assessment, Verdict
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.rules import api as rules_api
from lockgate.gateway.rules.active import Active
from lockgate.gateway.rules.core.parser import Convert
from lockgate.gateway.rules.ports import Ports as RulesPorts
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.gateway.velocity import jobs as velocity_jobs
from lockgate.kernel.config import ConfigError
from lockgate.kernel.operations import Loader, Operation

_KNOWN = {"enforce_in_test"}


class Risk:
    """All of risk that a program has: ``assess`` is what judges a payment attempt."""

    def __init__(self, settings: Mapping[str, Any], ports: Ports, *, pool: Pool, box: PersonalBox) -> None:
        given = settings.get("risk") or {}
        if set(given) - _KNOWN or not isinstance(given.get("enforce_in_test", False), bool):
            raise ConfigError("risk in settings.json holds enforce_in_test (true or false), and nothing else")
        self.ports = ports
        self.active = Active(pool)
        self._rules = RulesPorts(pool, self.active, _rates)
        self._engine = Engine(pool, box, enforce_in_test=given.get("enforce_in_test", False))

    async def assess(self, subject: Subject, *, stricter: Verdict | None = None) -> Assessment:
        """The verdict on ``subject``, with every row that commit 1 must hold."""
        return await assess.assess(self._engine, subject, stricter=stricter)

    def operations(self) -> Sequence[Operation]:
        """Everything that the API offers of risk."""
        return [*api.operations(self.ports), *rules_api.operations(self._rules)]

    def loaders(self) -> Mapping[str, Loader]:
        """How ids of this floor are expanded."""
        return api.loaders(self.ports)

    def jobs(self, pool: Pool) -> Sequence[Job]:
        """What the clock calls."""
        return [*jobs.jobs(pool), *velocity_jobs.jobs(pool)]


async def _rates() -> Convert:
    return shipped.known().rates.to_usd_cents
