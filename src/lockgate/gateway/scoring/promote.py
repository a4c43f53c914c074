"""Gives models their roles: which one is served, which scores beside it. On record, and felt within a second."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.scoring import find, store
from lockgate.gateway.scoring.core.model import Model, Unreadable
from lockgate.gateway.scoring.score import Served
from lockgate.gateway.scoring.seal import opened, sealed
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.principal import Principal

ROLES = ("serving", "shadow")


class NotThere(LookupError):
    """The account has no such model."""


async def add_within(
    connection: Connection, who: Principal, account: str, model: Model, *, key: bytes, now: int
) -> bool:
    """Keep a new model under the installation's seal; False when it is there already. ``account`` may be ``-``."""
    kept = await store.insert_model(
        connection, account=account, id_=model.id, file=sealed(model, key).file,
        metrics={**model.header["metrics"], "trained": model.header["trained"], "origin": model.header["origin"]},
        now=now, created_by=who.id,
    )  # fmt: skip
    if kept:
        told = {"metrics": model.header["metrics"], "data_sha256": model.header["trained"]["data_sha256"]}
        await insert_audits(connection, [record(who, "risk_model.create", object_=model.id, request=None, detail=told)])
    return kept


async def give_role_within(
    connection: Connection, who: Principal, account: str, model: str | None, *, role: str, key: bytes
) -> str | None:
    """Have a model play ``role``, or none (then what is below it serves again); returns which one did before.

    Raises NotThere, and Unreadable for a model that could not be served.
    """
    assert role in ROLES, "a role that nobody plays"
    if model is not None:
        file = await find.file(connection, account, model)
        if file is None:
            raise NotThere(model)
        trusted = opened(file, key)
        if trusted.id != model:
            raise Unreadable("its file is another model's")
        Served(trusted)
    before = await store.set_role(connection, account, model, role=role)
    word = "risk_model.promote" if role == "serving" else "risk_model.shadow"
    detail = {"before": before, "after": model, "whose": account}
    await insert_audits(connection, [record(who, word, object_=model or before, request=None, detail=detail)])
    return before
