"""The composition root of risk: the engine that judges payments, the rooms it reads from, and what the clock calls."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.geography import jobs as geography_jobs
from lockgate.gateway.geography.places import open_places
from lockgate.gateway.geography.tables import Tables
from lockgate.gateway.identity.remembered import Remembered
from lockgate.gateway.risk import api, assess, defend, find_settings, jobs, pages
from lockgate.gateway.risk.assess import Engine
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.verdict import Assessment, Verdict
from lockgate.gateway.risk.defend import Defence
from lockgate.gateway.risk.engines import api as engines_api
from lockgate.gateway.risk.engines import jobs as engines_jobs
from lockgate.gateway.risk.engines.consult import Engines
from lockgate.gateway.risk.engines.ports import Ports as EnginesPorts
from lockgate.gateway.risk.engines.ports import RaiseReview, Telling, Way
from lockgate.gateway.risk.find_settings import Kept
from lockgate.gateway.risk.gather import Sources
from lockgate.gateway.risk.memberships import Lists
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.rules import api as rules_api
from lockgate.gateway.rules.active import Active
from lockgate.gateway.rules.core.parser import Convert
from lockgate.gateway.rules.ports import Ports as RulesPorts
from lockgate.gateway.scoring import api as scoring_api
from lockgate.gateway.scoring import jobs as scoring_jobs
from lockgate.gateway.scoring.scorer import Scorer
from lockgate.gateway.scoring.seal import sealing_key
from lockgate.gateway.signals import api as signals_api
from lockgate.gateway.signals import jobs as signals_jobs
from lockgate.gateway.signals import pages as signals_pages
from lockgate.gateway.signals.ports import Ports as SignalsPorts
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.gateway.velocity import jobs as velocity_jobs
from lockgate.gateway.webhooks.core import sign, url
from lockgate.gateway.webhooks.deliver import Sender
from lockgate.gateway.webhooks.secrets import new_secret
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError
from lockgate.kernel.operations import Call, Loader, Operation, Page

_SETTINGS_FRESH_S = 0.5
_PLATFORM = "platform"
_WARM = 4
"""Connections that are made ready before the door is open."""


class Risk:
    """All of risk that a program has: ``assess`` is what judges a payment attempt."""

    def __init__(
        self, settings: Mapping[str, Any], ports: Ports, *, pool: Pool, box: PersonalBox, puzzle_key: bytes
    ) -> None:
        enforce_in_test, deadline_s = _said(settings.get("risk") or {})
        self.ports = ports
        self.active = Active(pool)
        self.tables = Tables(pool)
        self.scorer = Scorer(pool, lambda: sealing_key(box))
        self.defence = Defence(pool, box, puzzle_key, enforce_in_test=enforce_in_test)
        self._signals = SignalsPorts(pool, box, settings["api"]["url"])
        self._rules = RulesPorts(pool, self.active, self._rates)
        allow_private = bool(settings["allow_private_webhooks"]) and settings["profile"] == "sandbox"
        self._way = Way(pool, box, Sender(allow_private=allow_private).send, sign.headers)
        self._engines = EnginesPorts(pool, box, url.check, new_secret, allow_private)

        async def read(place: tuple[str, bool]) -> Kept:
            return await find_settings.settings(pool, *place)

        self._engine = Engine(
            sources=Sources(
                pool=pool,
                box=box,
                lists=Lists(box),
                settings=Remembered(read, seconds=_SETTINGS_FRESH_S),
                active=self.active,
                tables=self.tables,
                places=open_places(settings),
            ),
            scores=self.scorer,
            defence=self.defence,
            consult=Engines(self._way).consult,
            enforce_in_test=enforce_in_test,
            deadline_s=deadline_s,
        )

    async def assess(self, subject: Subject, *, stricter: Verdict | None = None) -> Assessment:
        """The verdict on ``subject``, with every row that commit 1 must hold."""
        return await assess.assess(self._engine, subject, stricter=stricter)

    async def before_a_card(self, call: Call) -> None:
        """Refuse a browser that gives a card, where it has to do some work first."""
        await defend.before_a_card(self.defence, call)

    async def _rates(self) -> Convert:
        return (await self.tables.now()).rates.to_usd_cents

    async def warm(self) -> None:
        """Have the first payments find statements prepared and a model loaded: nothing is written."""
        now_ms = clock.now_ms()
        nobody = Subject(
            account=_PLATFORM, livemode=False, now=now_ms // 1000, now_ms=now_ms, attempt="pa_warm", intent=None,
            charge=None, amount=0, currency="usd", card=None, kind="internal", address="127.0.0.1", setup=True,
        )  # fmt: skip
        await asyncio.gather(*(self.assess(nobody) for _ in range(_WARM)))

    def operations(self) -> Sequence[Operation]:
        """Everything that the API offers of risk."""
        return [
            *api.operations(self.ports),
            *rules_api.operations(self._rules),
            *scoring_api.operations(self.ports.pool),
            *signals_api.operations(self._signals),
            *engines_api.operations(self._engines),
        ]

    def loaders(self) -> Mapping[str, Loader]:
        """How ids of this floor are expanded."""
        return api.loaders(self.ports)

    def pages(self) -> Sequence[Page]:
        """What browsers load of risk: the collector."""
        return [*signals_pages.pages(), *pages.pages()]

    def jobs(self, pool: Pool, *, raise_review: RaiseReview) -> Sequence[Job]:
        """What the clock calls. ``raise_review`` is the payments room's: it has a person look at a charge."""
        telling = Telling(self._way, self.ports.committer, clock.now_ms, raise_review)
        return [
            *jobs.jobs(pool),
            *velocity_jobs.jobs(pool),
            *scoring_jobs.jobs(pool, self.scorer),
            *geography_jobs.jobs(pool),
            *signals_jobs.jobs(self._signals),
            *engines_jobs.jobs(telling),
        ]


def _said(given: Mapping[str, Any]) -> tuple[bool, float]:
    """What settings.json says of risk: whether test mode is enforced, and the deadline of a verdict in seconds."""
    enforce_in_test = given.get("enforce_in_test", False)
    deadline_ms = given.get("deadline_ms", assess.DEADLINE_S * 1000)
    if set(given) - {"enforce_in_test", "deadline_ms"} or not isinstance(enforce_in_test, bool):
        raise ConfigError("risk in settings.json holds enforce_in_test (true or false), deadline_ms, and nothing else")
    if isinstance(deadline_ms, bool) or not isinstance(deadline_ms, int | float) or not 10 <= deadline_ms <= 1000:
        raise ConfigError("risk.deadline_ms in settings.json must be between 10 and 1000")
    return enforce_in_test, deadline_ms / 1000
