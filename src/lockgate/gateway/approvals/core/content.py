"""The exact content of an operation in one canonical form, so that an approval is for it and for nothing else."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from lockgate.gateway.approvals.core.stake import Stake
from lockgate.kernel import money
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Unset
from lockgate.kernel.principal import Principal


def canonical(value: Any) -> Any:
    """Typed parameters as plain JSON; what clears a value is told apart from every value."""
    if isinstance(value, Unset):
        return {"": "cleared"}
    if isinstance(value, Mapping):
        return {str(name): canonical(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(inner) for inner in value]
    assert value is None or isinstance(value, bool | int | str), f"a parameter of type {type(value).__name__}"
    return value


def hashed(
    principal: Principal, operation: Operation, *, path: Mapping[str, str], params: Mapping[str, Any]
) -> bytes:
    """The hash that an approval is bound to: account, mode, operation, ids and every parameter."""
    whole = {
        "account": principal.account,
        "livemode": principal.livemode,
        "operation": operation.name,
        "path": dict(path),
        "params": canonical(params),
    }
    return sha256(json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()).digest()


def filled(pattern: str, ids: Mapping[str, str]) -> str:
    """An operation's path with its ids."""
    for name, id_ in ids.items():
        pattern = pattern.replace(f"{{{name}}}", id_)
    return pattern


def summary(operation: Operation, ids: Mapping[str, str], stake: Stake | None) -> str:
    """What is shown to whoever agrees, made by the server from what it will do: never by the one who asks."""
    if stake is not None:
        return f"{_VERBS.get(operation.name, 'Move')} {money.shown(stake.amount, stake.currency)} {stake.about}"
    named = ", ".join(ids.values())
    said = operation.summary.rstrip(".")
    return f"{said} ({named})" if named else said


_VERBS = {
    "refund.create": "Refund", "charge.refund": "Refund", "payout.create": "Pay out",
    "payout.cancel": "Cancel the payout of", "payout.reverse": "Fetch back",
}  # fmt: skip
