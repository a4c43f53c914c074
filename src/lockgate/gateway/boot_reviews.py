"""Constructs what looks after keys and access: reports of leaked keys, and access reviews over all other rooms."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lockgate.gateway.access import api, holders
from lockgate.gateway.access.jobs import jobs as review_jobs
from lockgate.gateway.access.ports import Ports, Way
from lockgate.gateway.identity import leak
from lockgate.gateway.identity.leak import POLICIES, LeakPorts
from lockgate.gateway.identity.roles import Roles
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.kernel.config import ConfigError
from lockgate.kernel.operations import Hook, Operation

KEEPERS = ("owner", "admin", "developer")  # who is told of a key that leaked
# By what a review finds: the operation that takes the access away, and the name that its path has for the holder.
REDUCE = {
    "key": ("api_key.update", "api_key"),
    "person": ("person.update", "person"),
    "role": ("role.update", "role"),
}
REMOVE = {
    "app": ("authorization.revoke", "authorization"),
    "certificate": ("client_certificate.revoke", "client_certificate"),
    "key": ("api_key.revoke", "api_key"),
    "person": ("person.remove", "person"),
    "role": ("role.delete", "role"),
}


def operations(pool: Pool, box: PersonalBox, others: Sequence[Operation]) -> list[Operation]:
    """Access reviews; ``others`` are the operations by which they do what is decided."""
    by_name = {operation.name: operation for operation in others}
    ports = Ports(pool, box, Roles(pool), reduce=_ways(REDUCE, by_name), remove=_ways(REMOVE, by_name))
    return api.operations(ports)


def hooks(
    settings: Mapping[str, Any],
    *,
    pool: Pool,
    box: PersonalBox,
    pepper: bytes,
    witness: Witness,
    forget: Callable[[str], None],
) -> list[Hook]:
    """Where scanners report keys that they found in the open."""
    policy = settings.get("leaked_keys", "revoke")
    if policy not in POLICIES:
        raise ConfigError(f"settings.json: leaked_keys must be one of {', '.join(POLICIES)}")

    async def addressees(account: str) -> list[str]:
        return await holders.addresses(pool, box, account, KEEPERS)

    return leak.hooks(LeakPorts(pool, pepper, witness, box, policy, addressees, forget))


def jobs(pool: Pool) -> list[Job]:
    """What the clock calls."""
    return review_jobs(pool)


def _ways(names: Mapping[str, tuple[str, str]], by_name: Mapping[str, Operation]) -> dict[str, Way]:
    return {kind: Way(by_name[name], path) for kind, (name, path) in names.items() if name in by_name}
