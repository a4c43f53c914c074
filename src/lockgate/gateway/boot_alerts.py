"""Constructs what tells people: mail, and the alerts that the audit log gives rise to."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lockgate.gateway.alerts import jobs as alerts_jobs
from lockgate.gateway.alerts.ports import Ports, Telling
from lockgate.gateway.geography.places import open_places
from lockgate.gateway.mail import jobs as mail_jobs
from lockgate.gateway.mail.routes import chosen
from lockgate.gateway.people.owners import Owners
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.gateway.webhooks.core import sign, url
from lockgate.gateway.webhooks.deliver import Sender
from lockgate.gateway.webhooks.secrets import new_secret
from lockgate.kernel import clock
from lockgate.kernel.config import Home


def ports(settings: Mapping[str, Any], *, pool: Pool, box: PersonalBox, poke: Callable[[], None]) -> Ports:
    """What the alert operations need."""
    return Ports(
        pool=pool,
        box=box,
        check_url=url.check,
        new_secret=new_secret,
        allow_private=_allows_private(settings),
        host=urlsplit(settings["api"]["url"]).hostname or "lockgate",
        poke=poke,
    )


def jobs(home: Path, settings: Mapping[str, Any], alerts: Ports, *, box: PersonalBox) -> list[Job]:
    """What the worker's clock calls: mail, judging, telling, and the watch over clock and tables."""
    route = chosen(settings, Home(home).secrets("worker"))
    telling = Telling(
        ports=alerts,
        places=open_places(settings),
        owners=Owners(box),
        post=Sender(allow_private=_allows_private(settings)).send,
        sign=sign.headers,
        now_ms=clock.now_ms,
    )
    return [
        *mail_jobs.jobs(mail_jobs.ports(alerts.pool, box, mail=route, folder=home / "mail")),
        *alerts_jobs.jobs(telling),
    ]


def _allows_private(settings: Mapping[str, Any]) -> bool:
    return bool(settings["allow_private_webhooks"]) and settings["profile"] == "sandbox"
