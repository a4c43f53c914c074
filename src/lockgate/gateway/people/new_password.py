"""Whether a new password may be one, and its hash: strong enough, on no list, and none of the last four."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from lockgate.gateway.people.core.password_rules import LONGEST, REMEMBERED, SHORTEST, too_weak
from lockgate.gateway.people.ports import Ports
from lockgate.kernel.errors import invalid
from lockgate.kernel.params import Text

PARAM = Text(LONGEST, SHORTEST, secret=True)
_CODE = "password_too_weak"


async def checked(
    ports: Ports, password: str, *, about: Iterable[str], used: Iterable[str] = (), param: str = "password"
) -> str:
    """The hash of a good new password. ``used`` are the hashes that it may not match; a Refusal names the reason."""
    why = too_weak(password, context=[*about, urlsplit(ports.url).hostname or ""])
    if why is not None:
        raise invalid(why, param=param, code=_CODE)
    if await ports.breached.knows(password):
        raise invalid(
            "This password stands in a list of stolen ones. Choose another.", param=param, code="password_breached"
        )
    async with ports.passwords.place():
        for hash_ in list(used)[:REMEMBERED]:
            if await ports.passwords.matches(hash_, password):
                raise invalid(
                    f"This is one of your last {REMEMBERED} passwords. Choose another.",
                    param=param,
                    code="password_used",
                )
        return await ports.passwords.hash(password)
