"""The second factor of a sign-in: what can be proved, its challenge, its proof, and the first one of a newcomer."""

import secrets
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.factors import find, passkeys, recovery, totp
from lockgate.gateway.factors.core.proof import Proof
from lockgate.gateway.factors.ports import Ports
from lockgate.kernel.errors import invalid

_FIRST_NAME = {"totp": "Authenticator app", "passkey": "Passkey"}


class Factors:
    """What the people room sees of this one. ``method`` is totp, passkey or recovery_code."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def methods(self, person: str) -> tuple[str, ...]:
        """What ``person`` can prove, best first; empty where no factor is enrolled yet."""
        return await find.kinds(self._ports.pool, person)

    async def challenge(self, person: str, *, now: int) -> Mapping[str, Any] | None:
        """What the browser of ``person`` needs to prove a passkey; None where she has none."""
        if not await find.passkeys(self._ports.pool, person):
            return None
        return await passkeys.begin(self._ports, person, now=now)

    async def prove(self, person: str, *, method: str, proof: str, now: int) -> str:
        """The word of what was proved; NotProven otherwise."""
        return (await self.proved(person, method=method, proof=proof, now=now)).kind

    async def proved(self, person: str, *, method: str, proof: str, now: int, content: bytes = b"") -> Proof:
        """The same as a Proof. ``content`` is what an approval is about: a passkey signs it."""
        match method:
            case "totp":
                return await totp.verify(self._ports, person, proof, now=now)
            case "passkey":
                return await passkeys.finish(self._ports, person, proof, now=now, content=content)
            case "recovery_code":
                return await recovery.use(self._ports, person, proof, now=now)
        raise invalid("Invalid method: must be one of totp, passkey, recovery_code.", param="method")

    async def enroll(self, person: str, *, method: str, email: str, now: int) -> Mapping[str, Any]:
        """Begin the first factor of somebody who has none."""
        async with self._ports.pool.acquire() as connection:
            await totp.refuse_second(connection, person)
        if method == "passkey":
            return await passkeys.begin_registration(self._ports, person, email=email, now=now)
        if method != "totp":
            raise invalid("Invalid method: must be one of totp, passkey.", param="method")
        begun = await totp.begin(self._ports, person, email=email, name=_FIRST_NAME["totp"], now=now)
        return {"secret": begun.secret, "uri": begun.uri}

    async def confirm(self, person: str, *, method: str, proof: str, now: int) -> Mapping[str, Any]:
        """Finish the first factor; with it come the recovery codes, shown this once."""
        if method == "passkey":
            await passkeys.finish_registration(
                self._ports, person, proof, name=_FIRST_NAME["passkey"], now=now, first=True
            )
        elif method == "totp":
            await totp.confirm(self._ports, person, proof, now=now, first=True)
        else:
            raise invalid("Invalid method: must be one of totp, passkey.", param="method")
        return {"method": method, "recovery_codes": await recovery.renew(self._ports, person, now=now, tell=False)}

    async def begin_assertion(self, *, now: int) -> Mapping[str, Any]:
        """A sign-in by passkey alone: ``ceremony`` stays in the browser, ``options`` go to its authenticator."""
        ceremony = secrets.token_urlsafe(32)
        options = await passkeys.begin(self._ports, None, now=now, ceremony=ceremony)
        return {"ceremony": ceremony, "options": options}

    async def assertion(self, ceremony: str, proof: str, *, now: int) -> str:
        """Whose passkey it was; her device verified her, so this shows two factors at once."""
        person, _ = await passkeys.identify(self._ports, proof, ceremony=ceremony, now=now)
        return person
