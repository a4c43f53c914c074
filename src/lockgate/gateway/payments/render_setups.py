"""Setup intents from rows to records and back, and as the API shows them."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.payments.core import setup_attempts
from lockgate.gateway.payments.core.decline import for_shopper
from lockgate.gateway.payments.core.records import dumps
from lockgate.gateway.payments.core.setup_attempts import Tried
from lockgate.gateway.payments.core.setups import SETUP_INTENT, Setup
from lockgate.gateway.payments.ports import Box
from lockgate.gateway.storage.records import SetupAttemptRow
from lockgate.gateway.storage.rows import SetupIntentRow
from lockgate.kernel.principal import Principal

_SHOWN = ("last_setup_error",)


async def opened(row: SetupIntentRow, box: Box) -> Setup:
    """The setup intent in ``row``."""
    personal = await box.open(row.account, row.subject, row.personal) if row.personal else {}
    return Setup(row, json.loads(row.data), dict(personal or {}))  # nothing is left of what was erased


async def sealed(setup: Setup, box: Box) -> SetupIntentRow:
    """``setup`` as it is written."""
    row = setup.row
    personal = await box.seal(row.account, row.subject, dict(setup.personal)) if setup.personal else None
    return row._replace(data=dumps(setup.data), personal=personal)


async def opened_try(row: SetupAttemptRow, box: Box) -> Tried:
    """The setup attempt in ``row``."""
    personal = await box.open(row.account, row.subject, row.personal) if row.personal else {}
    return Tried(row, json.loads(row.data), dict(personal or {}))


async def sealed_try(tried: Tried, box: Box) -> SetupAttemptRow:
    """``tried`` as it is written."""
    row = setup_attempts.written(tried)
    personal = await box.seal(row.account, row.subject, dict(tried.personal)) if tried.personal else None
    return row._replace(personal=personal)


def setup_attempt(tried: Tried) -> dict[str, Any]:
    """The whole object; only a secret key ever sees it."""
    return setup_attempts.shown(tried)


def setup_intent(setup: Setup, secrets: ClientSecrets) -> dict[str, Any]:
    """The whole object, as a secret key sees it."""
    row = setup.row
    return SETUP_INTENT.render(
        {
            "id": row.id,
            "client_secret": secrets.of(row.account, row.id),
            "created": row.created,
            "customer": row.customer,
            "livemode": row.livemode,
            "payment_method": row.payment_method,
            "status": row.status,
            **setup.data,
            **{name: setup.personal[name] for name in _SHOWN if name in setup.personal},
        }
    )


def for_principal(rendered: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """A rendered setup intent as ``principal`` may see it: a browser learns that a card was refused, not always why."""
    if principal.sees_secrets:
        return dict(rendered)
    error = rendered["last_setup_error"]
    return {**rendered, "last_setup_error": for_shopper(error) if error else None}


def embedded(rendered: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """The same inside an error, where a publishable key sees only what it may see."""
    seen = for_principal(rendered, principal)
    return seen if principal.sees_secrets else SETUP_INTENT.reduce(seen)
