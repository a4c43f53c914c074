"""What the clock calls for outside engines: telling them how payments ended."""

from lockgate.gateway.risk.engines.ports import Telling
from lockgate.gateway.risk.engines.tell import Teller
from lockgate.gateway.storage.jobs import Job


def jobs(telling: Telling) -> list[Job]:
    """The jobs of outside engines."""
    return [Job("risk.tell_engines", 1_000, Teller(telling).tell)]
