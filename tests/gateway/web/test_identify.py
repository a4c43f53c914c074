"""Whose failures count against whom: a credential that fails without what it is bound to is not its owner's fault."""

from types import SimpleNamespace
from typing import Any

import pytest

from lockgate.gateway.identity.authenticate import Identity, Unauthenticated
from lockgate.gateway.web.identify import identify
from lockgate.gateway.web.limits import Limits
from lockgate.gateway.web.request import Request
from lockgate.kernel.errors import Refusal
from lockgate.kernel.principal import Principal

OWNER = Principal("acct_1", False, "app", "ca_1")


class Door:
    """All that `identify` asks: an authenticator and a look at certificates that do as the test says."""

    def __init__(self, *, proof: Unauthenticated | None = None, certificate: Unauthenticated | None = None) -> None:
        self.limits, self.public_url, self.seen = Limits(now_ns=lambda: 10), "https://pay.example", []
        self.proof, self.certificate = proof, certificate
        self.authenticator = self.witness = SimpleNamespace(
            identify=self._identify, refused=self._refused, mark=lambda text: text
        )
        self.client_certificates = SimpleNamespace(check=self._check)

    async def _identify(self, presented: Any, *, before_unknown: Any) -> Identity:
        await before_unknown()
        if self.proof is not None:
            raise self.proof
        return Identity(OWNER, "2024-06-20", 0)

    async def _check(self, principal: Principal, certificate: bytes | None) -> None:
        if self.certificate is not None:
            raise self.certificate

    async def _refused(self, who: Principal, action: str, **_more: Any) -> None:
        self.seen.append(who.address)

    async def ask(self, address: str) -> Identity:
        request = Request("GET", "/v1/balance", b"", {b"authorization": b"DPoP a.b.c"}, b"", address, "req_1")
        return await identify(self, request, [])  # type: ignore[arg-type]


def stolen() -> Unauthenticated:
    refusal = Unauthenticated("no", why="dpop_no_proof")
    refusal.stolen = True
    return refusal


@pytest.mark.parametrize("fails", [{"proof": stolen()}, {"certificate": Unauthenticated("no", why="certificate")}])
async def test_a_thief_without_the_key_does_not_hold_the_owner_at_429(fails):
    door = Door(**fails)
    for n in range(60):
        with pytest.raises(Unauthenticated):
            await door.ask(f"192.0.2.{n % 5}")
    door.proof = door.certificate = None
    assert (await door.ask("198.51.100.1")).principal is OWNER
    assert len(door.seen) == 60


async def test_the_thiefs_own_address_is_held_all_the_same():
    door = Door(proof=stolen())
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await door.ask("192.0.2.1")
    with pytest.raises(Refusal) as refused:
        await door.ask("192.0.2.1")
    assert not isinstance(refused.value, Unauthenticated)


async def test_what_nobody_knows_is_still_counted_wherever_it_comes_from():
    door = Door(proof=Unauthenticated("no", why="unknown_key"))
    for n in range(20):
        with pytest.raises(Unauthenticated):
            await door.ask(f"192.0.2.{n}")
    with pytest.raises(Refusal) as refused:
        await door.ask("198.51.100.1")
    assert not isinstance(refused.value, Unauthenticated)
