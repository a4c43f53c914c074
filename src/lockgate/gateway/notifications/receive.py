"""Takes in what a processor tells us: verified, stored durably, answered; nothing of it is believed here.

Whatever is wrong with a message, its sender learns only that it was not accepted.
"""

from lockgate.gateway.notifications import store
from lockgate.gateway.notifications.core import place
from lockgate.gateway.notifications.core.place import Place
from lockgate.gateway.notifications.ports import Ports
from lockgate.gateway.processors.contract import Notice
from lockgate.gateway.vaultlink.client import VaultRefused, VaultUnavailable
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Hook, Posted
from lockgate.kernel.principal import Principal

MAX_BYTES = 64 * 1024
PATH = "/processors/{processor}/{account}/{mode}/notify"
_RECEIVED = b'{"received":true}'
_MESSAGE = "This notification was not accepted."


def hooks(ports: Ports) -> list[Hook]:
    """Where processors post to."""

    async def handler(posted: Posted) -> Answer:
        return await receive(ports, posted)

    return [Hook(PATH, handler, MAX_BYTES)]


async def receive(ports: Ports, posted: Posted) -> Answer:
    """Store one message, if its signature is the processor's; one that is known already is fine too."""
    where = place.read(posted.path)
    if where is None or not await _verified(ports, where, posted):
        raise await _refused(ports, posted, "unverified", Refusal(Kind.UNAUTHENTICATED, _MESSAGE))
    notice = _understood(ports, where, posted.body)
    if notice is None:
        raise await _refused(ports, posted, "unreadable", invalid(_MESSAGE))
    fresh = await store.keep(ports.pool, where, notice, now_ms=clock.now_ms())
    if fresh:
        ports.poke()
    return Answer(200, _RECEIVED)


async def _verified(ports: Ports, where: Place, posted: Posted) -> bool:
    adapter = ports.processors.get(where.processor)
    described = adapter.manifest(ports.settings[where.processor]).get("notifications") if adapter is not None else None
    signature = posted.headers.get(described["header"]) if described is not None else None
    if described is None or signature is None:
        return False
    try:
        return await ports.vault.verify_notification(
            where.account,
            where.livemode,
            processor=where.processor,
            headers={described["header"]: signature},
            body=posted.body,
        )
    except VaultRefused:  # it keeps no secret for this account
        return False
    except VaultUnavailable as fault:
        raise Refusal(
            Kind.UNAVAILABLE, "This notification cannot be checked now. Send it again.", should_retry=True
        ) from fault


def _understood(ports: Ports, where: Place, body: bytes) -> Notice | None:
    notice = ports.processors[where.processor].notification(ports.settings[where.processor], body)
    return notice if notice is not None and notice.kind in ports.handlers else None


async def _refused(ports: Ports, posted: Posted, reason: str, refusal: Refusal) -> Refusal:
    """The refusal, once it is on record."""
    who = Principal("-", False, "internal", "processor", address=posted.address)
    await ports.witness.refused(who, "notification.refused", reason=reason, request=posted.request_id)
    return refusal
