"""Whether the certificate that a connection showed may speak for who asks; asked at every request, known for a second.

The handshake has proved that the other side holds the key, and that somebody whom we believe signed. Whose it is, for
which key, and whether it still is: that is decided here, so that a revocation is felt on open connections.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from cryptography import x509

from lockgate.gateway.certificates import find
from lockgate.gateway.certificates.core import read
from lockgate.gateway.certificates.core.words import EVERY_KEY
from lockgate.gateway.certificates.find import CertificateRow
from lockgate.gateway.certificates.render import thumbprint as written
from lockgate.gateway.identity.authenticate import Unauthenticated
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal

REMEMBERED_S = 0.9  # how long a revoked certificate may still pass; with the look itself, less than a second
MAX_REMEMBERED = 10_000
_ON_SERVERS = ("secret", "restricted")  # the kinds of keys that can show a certificate at all


class Shown(NamedTuple):
    """A certificate that a connection showed. ``holders``: the rows that it is known by, none for a stranger's."""

    thumbprint: str
    subject: str
    names: frozenset[str]
    for_clients: bool
    not_before: int
    not_after: int
    holders: tuple[CertificateRow, ...]


class _Looked(NamedTuple):
    at: float
    shown: Shown


class _Demands(NamedTuple):
    at: float
    keys: frozenset[str]


class ClientCertificates:
    """Knows certificates by what the handshake hands over, and which keys demand one."""

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._looked: OrderedDict[bytes, _Looked] = OrderedDict()
        self._demands: OrderedDict[tuple[str, bool], _Demands] = OrderedDict()

    async def check(self, principal: Principal, certificate: bytes | None) -> None:
        """Raises Unauthenticated if the one shown is not good for this principal, or if it needs one and shows none."""
        if certificate is None:
            if principal.kind in _ON_SERVERS and await self._demanded(principal):
                raise _refused(
                    principal, "This API key can only be used with a client certificate.", why="certificate_missing"
                )
            return
        shown = await self.look(certificate)
        _check_life(shown, principal)
        if not any([await self._is_of(row, principal) for row in shown.holders]):
            raise _refused(
                principal, "The client certificate of this connection is not one for these credentials.",
                why="certificate_foreign",
            )  # fmt: skip

    async def identify(self, der: bytes | None) -> Shown:
        """The certificate itself, where it alone says who asks (an app's, or one that renews itself); or a refusal."""
        nobody = Principal("-", False, "internal", "unknown")
        if der is None:
            raise _refused(nobody, "This needs a client certificate.", why="certificate_missing")
        shown = await self.look(der)
        _check_life(shown, nobody)
        if not shown.holders:
            raise _refused(
                nobody, "The client certificate of this connection is not known here.", why="certificate_unknown"
            )
        return shown

    async def look(self, der: bytes) -> Shown:
        """What is known of a certificate, at most a second old."""
        looked = self._looked.get(der)
        if looked is not None and self._monotonic() - looked.at < REMEMBERED_S:
            return looked.shown
        at = self._monotonic()
        shown = await self._look(der)
        self._looked[der] = _Looked(at, shown)
        self._looked.move_to_end(der)
        while len(self._looked) > MAX_REMEMBERED:
            self._looked.popitem(last=False)
        return shown

    async def _look(self, der: bytes) -> Shown:
        try:
            found = x509.load_der_x509_certificate(der)
            facts = read.facts(read.checked(found, param="certificate"))
        except Exception as fault:  # whatever a handshake let through that this cannot read is nobody's
            raise Unauthenticated(
                "The client certificate of this connection cannot be read.", why="certificate_unreadable"
            ) from fault
        row = await find.by_thumbprint(self._pool, facts.thumbprint)
        holders = (row,) if row is not None else await self._through_authority(found)
        return Shown(
            thumbprint=written(facts.thumbprint),
            subject=facts.subject_text,
            names=frozenset(read.dns_names(found)),
            for_clients=read.is_for_clients(found),
            not_before=facts.not_before,
            not_after=facts.not_after,
            holders=holders,
        )

    async def _through_authority(self, found: x509.Certificate) -> tuple[CertificateRow, ...]:
        """The registered authorities that signed it themselves, and whose registration lets its names through."""
        if read.is_authority(found):
            return ()
        names = read.dns_names(found)
        return tuple(
            row
            for row in await find.authorities_named(self._pool, read.name_hash(found.issuer))
            if read.signed_by(found, x509.load_der_x509_certificate(row.certificate))
            and (not row.names or names.intersection(row.names))
        )

    async def _is_of(self, row: CertificateRow, principal: Principal) -> bool:
        """Whether ``row`` is good for this very caller: an app's only for the app, a key's only for the key.

        An app may also show a certificate of its maker, who has an account of their own here.
        """
        if row.revoked_at is not None or row.not_after <= clock.now():
            return False
        if row.app is not None:
            return principal.kind == "app" and row.app == principal.id
        if principal.kind == "app" and row.account != principal.account:
            return row.api_key is None and await find.makes_app(self._pool, account=row.account, app=principal.id)
        mine = (row.account, row.livemode) == (principal.account, principal.livemode)
        return mine and row.api_key in (None, principal.id)

    async def _demanded(self, principal: Principal) -> bool:
        place = (principal.account, principal.livemode)
        known = self._demands.get(place)
        if known is None or self._monotonic() - known.at >= REMEMBERED_S:
            at = self._monotonic()
            rows = await find.requirements(self._pool, *place)
            known = self._demands[place] = _Demands(at, frozenset(row.api_key for row in rows))
            self._demands.move_to_end(place)
            while len(self._demands) > MAX_REMEMBERED:
                self._demands.popitem(last=False)
        return EVERY_KEY in known.keys or principal.id in known.keys


def _check_life(shown: Shown, principal: Principal) -> None:
    now = clock.now()
    if shown.holders and all(row.revoked_at is not None for row in shown.holders):
        raise _refused(principal, "The client certificate of this connection was revoked.", why="certificate_revoked")
    if not shown.not_before <= now < shown.not_after:
        raise _refused(
            principal, "The client certificate of this connection has expired, or is not valid yet.",
            why="certificate_expired",
        )  # fmt: skip
    if not shown.for_clients:
        raise _refused(
            principal, "The client certificate of this connection is not meant for clients.", why="certificate_purpose"
        )


def _refused(principal: Principal, message: str, *, why: str) -> Unauthenticated:
    return Unauthenticated(
        message, why=why, named=principal.account, livemode=principal.livemode, code="client_certificate_invalid"
    )
