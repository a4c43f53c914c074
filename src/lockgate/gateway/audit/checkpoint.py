"""Has the vault sign what the log is by now: after a minute with new seals, or after a thousand of them."""

from lockgate.gateway.audit import find_seals, store
from lockgate.gateway.audit.find_seals import CheckpointRow
from lockgate.gateway.audit.ports import Ports
from lockgate.gateway.audit.seal import Broken
from lockgate.gateway.vaultlink.client import VaultRefused
from lockgate.kernel import clock, merkle, notes

EVERY_MS = 60_000
EVERY_SEALS = 1_000
_RACED = "raced"


async def make_if_due(ports: Ports) -> CheckpointRow | None:
    """The new checkpoint, when it is time for one."""
    last = await find_seals.last_seal(ports.sealing)
    newest = await find_seals.checkpoint(ports.sealing)
    if last is None or (newest is not None and newest.size > last.seq):
        return None
    if newest is not None and last.seq + 1 - newest.size < EVERY_SEALS and clock.now_ms() - newest.at_ms < EVERY_MS:
        return None
    return await make(ports)


async def make(ports: Ports) -> CheckpointRow | None:
    """A checkpoint over all seals, signed and kept; None when there is nothing new, or another sealer was quicker.

    Raises Broken when the vault has signed more than is here, or something else.
    """
    last = await find_seals.last_seal(ports.sealing)
    newest = await find_seals.checkpoint(ports.sealing)
    if last is None or (newest is not None and newest.size == last.seq + 1):
        return None
    size, origin = last.seq + 1, ports.policy.origin
    said = await ports.vault.checkpoint_key(origin)
    signed = said["last"]["size"] if said["last"] else 0
    if signed > size:
        raise Broken(f"the vault has signed {signed} records, and there are seals of {size}")
    try:
        root = (await find_seals.frontier(ports.sealing, size)).root()
        proof = await find_seals.ranges(ports.sealing, merkle.consistency(signed, size)) if 0 < signed < size else []
    except KeyError as error:
        raise Broken(f"seals or nodes below number {size} are missing") from error
    try:
        note = await ports.vault.sign_checkpoint(origin, size=size, root=root, chain=last.chain, proof=proof)
    except VaultRefused as refusal:
        if refusal.reason == _RACED:
            return None
        raise Broken(f"the vault did not sign {size} records: {refusal}") from refusal
    made = notes.checkpoint(note, said["key"])
    row = CheckpointRow(made.size, made.root, made.chain, made.at_ms, note)
    await store.insert_checkpoint(ports.sealing, row)
    return row
