"""The operations on client certificates, and on which API keys demand one."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.certificates import find, issue, register, render, require, revoke
from lockgate.gateway.certificates.core import params
from lockgate.gateway.certificates.core.shapes import CERTIFICATE_REQUIREMENT, CLIENT_CERTIFICATE
from lockgate.gateway.certificates.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel import clock
from lockgate.kernel.operations import Answer, Call, Handler, Operation

_PATH = "/v1/client_certificates"
_ONE = f"{_PATH}/{{client_certificate}}"
_REQUIREMENTS = "/v1/certificate_requirements"
_RESOURCE, _PRIVILEGE = "certificates", "certificates"


def operations(ports: Ports) -> list[Operation]:
    """Every operation of this room."""

    def to(flow: Callable[[Ports, Call], Awaitable[Answer | Mapping[str, Any]]]) -> Handler:
        async def handle(call: Call) -> Answer | Mapping[str, Any]:
            return await flow(ports, call)

        return handle

    return [
        Operation(
            name="client_certificate.create", method="POST", path=_PATH, resource=_RESOURCE, access="write",
            handler=to(issue.create), params=params.CREATE, returns=CLIENT_CERTIFICATE, audit="certificate.create",
            summary="Issue a client certificate for the key of a certificate request", privilege=_PRIVILEGE,
        ),
        Operation(
            name="client_certificate.register", method="POST", path=f"{_PATH}/register", resource=_RESOURCE,
            access="write", handler=to(register.register), params=params.REGISTER, returns=CLIENT_CERTIFICATE,
            audit="certificate.register", privilege=_PRIVILEGE,
            summary="Believe a client certificate, or an authority, that is not ours",
        ),
        Operation(
            name="client_certificate.list", method="GET", path=_PATH, resource=_RESOURCE, access="read",
            handler=to(_list), params=params.LIST, returns=CLIENT_CERTIFICATE, form="list",
            summary="List client certificates, newest first",
        ),
        Operation(
            name="client_certificate.get", method="GET", path=_ONE, resource=_RESOURCE, access="read",
            handler=to(_get), params=params.NOTHING, returns=CLIENT_CERTIFICATE, summary="Look at a client certificate",
        ),
        Operation(
            name="client_certificate.revoke", method="POST", path=f"{_ONE}/revoke", resource=_RESOURCE, access="write",
            handler=to(revoke.revoke), params=params.REVOKE, returns=CLIENT_CERTIFICATE, audit="certificate.revoke",
            summary="End a client certificate, also on open connections",
        ),
        Operation(
            name="certificate_requirement.set", method="POST", path=_REQUIREMENTS, resource=_RESOURCE, access="write",
            handler=to(require.require), params=params.REQUIRE, returns=CERTIFICATE_REQUIREMENT,
            audit="certificate.require", privilege=_PRIVILEGE,
            summary="Demand a client certificate with an API key, or with all of the account's, or no longer",
        ),
        Operation(
            name="certificate_requirement.list", method="GET", path=_REQUIREMENTS, resource=_RESOURCE, access="read",
            handler=to(_requirements), params=params.NOTHING, returns=CERTIFICATE_REQUIREMENT, form="list",
            summary="List what demands a client certificate",
        ),
    ]  # fmt: skip


async def _get(ports: Ports, call: Call) -> Mapping[str, Any]:
    row = await find.certificate(ports.pool, call.principal, call.path["client_certificate"])
    return render.certificate(row, now=clock.now())


async def _list(ports: Ports, call: Call) -> Mapping[str, Any]:
    given, now = dict(call.params), clock.now()
    page = page_of(given)
    rows = await find.certificate_page(ports.pool, call.principal, page, status=given.get("status"), now=now)
    kept, more = cut(rows, page)
    return listing(_PATH, [render.certificate(row, now=now) for row in kept], has_more=more)


async def _requirements(ports: Ports, call: Call) -> Mapping[str, Any]:
    rows = await find.requirements(ports.pool, call.principal.account, call.principal.livemode)
    shown = [render.requirement(row, livemode=call.principal.livemode) for row in rows]
    return listing(_REQUIREMENTS, shown, has_more=False)
