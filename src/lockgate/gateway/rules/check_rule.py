"""Says whether a text is a rule for an account: with its value lists, and at today's rates."""

from lockgate.gateway.rules import find, render
from lockgate.gateway.rules.core.faults import RuleFault
from lockgate.gateway.rules.core.nodes import Rule
from lockgate.gateway.rules.core.parser import parse
from lockgate.gateway.rules.ports import Ports
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def read(ports: Ports, principal: Principal, text: str) -> Rule | RuleFault:
    """The rule that ``text`` says, or the first thing that is wrong with it."""
    lists = await find.lists(ports.pool, principal)
    convert = await ports.rates()
    try:
        return parse(text, convert=convert, lists=lists)
    except RuleFault as fault:
        return fault


async def check(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/rules/check: nothing is changed by it."""
    result = await read(ports, call.principal, call.params["rule"])
    shown = render.check(result, livemode=call.principal.livemode)
    return await transact(ports.pool, call, rendered=shown, work=_nothing)


async def _nothing(_connection: Connection) -> None:
    """Only the idempotency key, if there is one, is answered."""
