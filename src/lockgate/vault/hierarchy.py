"""The middle of the key hierarchy: each merchant's key-encryption keys, by version, wrapped by the root."""

from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError
from lockgate.vault import crypto
from lockgate.vault.keystore import KeyStore, MerchantKeyRow
from lockgate.vault.providers import Roots

PLATFORM = "platform"  # the account of what belongs to no merchant; real accounts carry the prefix acct_
_ACTIVE_FOR_S = 60     # after this a vault process looks whether another one rotated
_KEKS_KEPT = 20_000
_ROOT_PROOF = crypto.bind("root proof")


class Retired(Exception):
    """A retired key version was asked to encrypt; it only decrypts."""


class Kek:
    """One version of one merchant's key-encryption key, in memory."""

    __slots__ = ("_key", "_record_key", "account", "retired", "version")

    def __init__(self, account: str, version: int, *, key: bytes, retired: bool) -> None:
        self.account = account
        self.version = version
        self.retired = retired
        self._key = key
        self._record_key = crypto.derive(key, info=crypto.bind("record keys"))

    def wrap(self, key: bytes, *, context: bytes) -> bytes:
        self._refuse_retired()
        return crypto.wrap_key(self._key, key, context=context)

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        return crypto.unwrap_key(self._key, wrapped, context=context)

    def wrap_record(self, key: bytes) -> bytes:
        """For keys of records, whose own associated data binds them to their row: one derivation serves all."""
        self._refuse_retired()
        return crypto.wrap_raw(self._record_key, key)

    def unwrap_record(self, wrapped: bytes) -> bytes:
        return crypto.unwrap_raw(self._record_key, wrapped)

    def _refuse_retired(self) -> None:
        if self.retired:
            raise Retired(f"key version {self.version} is retired: it decrypts and never encrypts")


class Hierarchy:
    """Loads, makes and rotates the merchants' keys."""

    def __init__(self, store: KeyStore, roots: Roots) -> None:
        self.store = store
        self._roots = roots
        self._keks: dict[tuple[str, int], Kek] = {}
        self._active: dict[str, tuple[Kek, float]] = {}

    @property
    def root_version(self) -> int:
        return self._roots.current.version

    async def prove_root(self) -> None:
        """Refuses to go on with a root that is not this database's; a root version seen for the first time is noted."""
        proofs = await self.store.root_proofs()
        current = self._roots.current
        if any(version > current.version for version in proofs):
            raise ConfigError("this database was used with a newer root key version than the one configured")
        if current.version not in proofs:
            proof = await current.wrap(crypto.new_key(), context=_ROOT_PROOF)
            await self.store.add_root(current.version, provider=current.name, proof=proof, now_ms=clock.now_ms())
            proofs = await self.store.root_proofs()
        try:
            await current.unwrap(proofs[current.version], context=_ROOT_PROOF)
        except crypto.Tampered:
            raise ConfigError("the configured root key is not the one this database was sealed with") from None

    async def sealing(self, account: str, *, at_least: int = 1) -> Kek:
        """The version that encrypts now, made when the merchant has none; ``at_least`` one known to exist."""
        held = self._active.get(account)
        if held is not None and clock.monotonic() < held[1] and held[0].version >= at_least:
            return held[0]
        version = await self.store.active_version(account)
        if version is None:
            await self._add(account, 1)
            version = await self.store.active_version(account)
            assert version is not None
        return await self._activate(account, version)

    async def opening(self, account: str, version: int) -> Kek:
        """The version that a row names, retired or not; raises `crypto.Tampered` for one that never was."""
        held = self._keks.get((account, version))
        if held is not None:
            return held
        row = await self.store.merchant_key(account, version)
        if row is None:
            raise crypto.Tampered("the row names a key version that does not exist")
        key = await self._roots.unwrap(row.root_version, row.wrapped, context=_context(account, version))
        if len(self._keks) >= _KEKS_KEPT:
            self._keks.clear()
            self._active.clear()
        return self._keks.setdefault(
            (account, version), Kek(account, version, key=key, retired=row.retired)
        )

    async def rotate(self, account: str) -> int:
        """Makes the next version; from now on it alone encrypts. Returns its number."""
        while True:
            version = (await self.sealing(account)).version + 1
            if await self._add(account, version):
                await self._activate(account, version)
                return version
            self._active.pop(account, None)  # another process was quicker: look again

    async def rewrap_roots(self, limit: int) -> int:
        """Re-wraps merchant keys that an earlier root version wrapped; how many."""
        done = 0
        for row in await self.store.keys_below_root(self._roots.current.version, limit=limit):
            context = _context(row.account, row.version)
            key = await self._roots.unwrap(row.root_version, row.wrapped, context=context)
            root_version, wrapped = await self._roots.wrap(key, context=context)
            done += await self.store.replace_root(row, root_version=root_version, wrapped=wrapped)
        return done

    async def _add(self, account: str, version: int) -> bool:
        root_version, wrapped = await self._roots.wrap(crypto.new_key(), context=_context(account, version))
        row = MerchantKeyRow(account, version, root_version, wrapped, False)
        return await self.store.add_merchant_key(row, now_ms=clock.now_ms())

    async def _activate(self, account: str, version: int) -> Kek:
        kek = await self.opening(account, version)
        held = self._active.get(account)
        if held is not None and held[0].version < version:
            held[0].retired = True
        self._active[account] = (kek, clock.monotonic() + _ACTIVE_FOR_S)
        return kek


def _context(account: str, version: int) -> bytes:
    return crypto.bind("merchant key", account, version)
