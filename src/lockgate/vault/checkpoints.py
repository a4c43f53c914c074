"""Signs what the audit log is, and remembers it: a log that forgets or rewrites anything gets no second signature."""

from collections.abc import Sequence

from lockgate.kernel import clock, merkle, notes
from lockgate.vault.hierarchy import PLATFORM
from lockgate.vault.keys import Keyring
from lockgate.vault.policy import CHECKPOINT_KEY
from lockgate.vault.refusal import Refused
from lockgate.vault.store import CheckpointRow, Store

_MAX_PROOF = 128
_MAX_SIZE = 1 << 62


class Checkpoints:
    """The one key that signs checkpoints and exports of the installation's audit log; it never leaves the vault."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def sign(self, origin: str, *, size: int, root: bytes, chain: bytes, proof: Sequence[bytes]) -> str:
        """The signed note for a log of ``size`` records. ``proof`` shows that it continues the one signed last.

        The time is the vault's own, and the text too: nothing else can be signed with this key.
        """
        hashes = (root, chain, *proof)
        if not notes.is_name(origin) or not 0 < size < _MAX_SIZE or len(proof) > _MAX_PROOF:
            raise Refused("refused", "the checkpoint is not well formed", reason="argument")
        if any(not isinstance(hash_, bytes) or len(hash_) != merkle.HASH_BYTES for hash_ in hashes):
            raise Refused("refused", "a hash has 32 bytes", reason="argument")
        last = await self._store.checkpoint()
        if last is not None:
            if last.origin != origin:
                raise Refused("refused", "this vault signs another log", reason="origin")
            if not merkle.extends(last.size, last.root, new=size, new_root=root, proof=proof):
                raise Refused("refused", "the log does not continue what was signed last", reason="rollback")
        row = CheckpointRow(origin, size, root, clock.now_ms())
        if not await self._store.put_checkpoint(row, after=last.size if last else None):
            raise Refused("refused", "another checkpoint was signed meanwhile: try again", reason="raced")
        return await self._note(notes.Checkpoint(origin, size, root, chain, row.at_ms).text(), origin)

    async def sign_export(self, origin: str, *, records: int, digest: bytes) -> str:
        """The signed note for one exported file."""
        if not notes.is_name(origin) or not 0 <= records < _MAX_SIZE or len(digest) != merkle.HASH_BYTES:
            raise Refused("refused", "the export is not well formed", reason="argument")
        return await self._note(notes.Export(origin, records, digest).text(), origin)

    async def public_key(self, origin: str) -> str:
        """The key that verifies both, as text."""
        if not notes.is_name(origin):
            raise Refused("refused", "the log's name is not well formed", reason="argument")
        return notes.verifier(origin, await self._keyring.public_key(PLATFORM, CHECKPOINT_KEY))

    async def last(self) -> CheckpointRow | None:
        """What was signed last."""
        return await self._store.checkpoint()

    async def _note(self, text: str, origin: str) -> str:
        signature = await self._keyring.sign(PLATFORM, CHECKPOINT_KEY, text.encode())
        return notes.attach(
            text, signature, name=origin, public=await self._keyring.public_key(PLATFORM, CHECKPOINT_KEY)
        )
