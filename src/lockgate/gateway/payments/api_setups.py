"""The operations on setup intents and their attempts."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.payments import find_setups, render_setups, setup, setup_edit
from lockgate.gateway.payments.core import setup_params
from lockgate.gateway.payments.core.setup_attempts import SETUP_ATTEMPT
from lockgate.gateway.payments.core.setups import SETUP_INTENT
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.gateway.storage.rows import SetupIntentRow
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.principal import Principal


def operations(ports: Ports) -> list[Operation]:
    """Setup intents: create, get, update, confirm, cancel, list; setup attempts: list."""

    async def shown(row: SetupIntentRow) -> dict[str, Any]:
        return render_setups.setup_intent(await render_setups.opened(row, ports.box), ports.client_secrets)

    async def create(call: Call) -> Answer:
        return await setup.create(ports, call)

    async def get(call: Call) -> Mapping[str, Any]:
        row = await find_setups.setup_intent(ports.pool, call.principal, call.path["id"])
        return render_setups.for_principal(await shown(row), call.principal)

    async def update(call: Call) -> Answer:
        return await setup_edit.update(ports, call)

    async def confirm(call: Call) -> Answer:
        return await setup.confirm(ports, call)

    async def cancel(call: Call) -> Answer:
        return await setup_edit.cancel(ports, call)

    async def list_(call: Call) -> Mapping[str, Any]:
        params = dict(call.params)
        page = page_of(params)
        if params.get("attach_to_self"):
            return listing("/v1/setup_intents", [], has_more=False)
        rows = await find_setups.setup_page(
            ports.pool,
            call.principal,
            page,
            customer=params.get("customer"),
            payment_method=params.get("payment_method"),
            created=params.get("created", {}),
        )
        kept, has_more = cut(rows, page)
        return listing("/v1/setup_intents", [await shown(row) for row in kept], has_more=has_more)

    async def list_attempts(call: Call) -> Mapping[str, Any]:
        params = dict(call.params)
        page = page_of(params)
        intent = params["setup_intent"]
        await find_setups.setup_intent(ports.pool, call.principal, intent, param="setup_intent")
        rows = await find_setups.setup_attempt_page(
            ports.pool, call.principal, page, setup_intent_id=intent, created=params.get("created", {})
        )
        kept, has_more = cut(rows, page)
        data = [render_setups.setup_attempt(await render_setups.opened_try(row, ports.box)) for row in kept]
        return listing("/v1/setup_attempts", data, has_more=has_more)

    return [
        Operation(
            name="setup_intent.create", method="POST", path="/v1/setup_intents",
            resource="setup_intents", access="write", handler=create,
            params=setup_params.CREATE, returns=SETUP_INTENT, declines=True, audit="setup_intent.create",
            summary="Begin to save a card for later payments; with confirm=true, do it at once.",
        ),
        Operation(
            name="setup_intent.list", method="GET", path="/v1/setup_intents",
            resource="setup_intents", access="read", handler=list_,
            params=setup_params.LIST, returns=SETUP_INTENT, form="list",
            summary="Setup intents, newest first.",
        ),
        Operation(
            name="setup_intent.get", method="GET", path="/v1/setup_intents/{id}",
            resource="setup_intents", access="read", handler=get,
            params=setup_params.GET, returns=SETUP_INTENT, publishable=True, client_secret=True,
            summary="One setup intent.",
        ),
        Operation(
            name="setup_intent.update", method="POST", path="/v1/setup_intents/{id}",
            resource="setup_intents", access="write", handler=update,
            params=setup_params.UPDATE, returns=SETUP_INTENT, audit="setup_intent.update",
            summary="Change a setup intent that has not succeeded.",
        ),
        Operation(
            name="setup_intent.confirm", method="POST", path="/v1/setup_intents/{id}/confirm",
            resource="setup_intents", access="write", handler=confirm,
            params=setup_params.CONFIRM, returns=SETUP_INTENT, publishable=True, client_secret=True, declines=True,
            audit="setup_intent.confirm",
            summary="Verify the card and keep it with the cardholder's consent.",
        ),
        Operation(
            name="setup_intent.cancel", method="POST", path="/v1/setup_intents/{id}/cancel",
            resource="setup_intents", access="write", handler=cancel,
            params=setup_params.CANCEL, returns=SETUP_INTENT, audit="setup_intent.cancel",
            summary="Give up a setup intent.",
        ),
        Operation(
            name="setup_attempt.list", method="GET", path="/v1/setup_attempts",
            resource="setup_intents", access="read", handler=list_attempts,
            params=setup_params.LIST_ATTEMPTS, returns=SETUP_ATTEMPT, form="list",
            summary="The tries to set up one setup intent, newest first.",
        ),
    ]


def loaders(ports: Ports) -> dict[str, Loader]:
    """How ids of setup intents and setup attempts are expanded."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for row in await find_setups.setup_intents(ports.pool, principal, ids):
            opened = await render_setups.opened(row, ports.box)
            found[row.id] = render_setups.setup_intent(opened, ports.client_secrets)
        return found

    async def load_attempts(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find_setups.setup_attempts(ports.pool, principal, ids)
        return {row.id: render_setups.setup_attempt(await render_setups.opened_try(row, ports.box)) for row in rows}

    return {"setup_intent": load, "setup_attempt": load_attempts}
