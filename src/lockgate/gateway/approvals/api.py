"""The operations on approvals, on an account's rules for them, and on a session that proves its person again."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.approvals import agree, change_policy, find, render, step_up
from lockgate.gateway.approvals.behind import actor
from lockgate.gateway.approvals.core import params
from lockgate.gateway.approvals.core.shapes import APPROVAL, CHALLENGE, POLICY, STEP_UP
from lockgate.gateway.approvals.ports import Ports
from lockgate.gateway.approvals.require import Approvals
from lockgate.gateway.storage.paging import cut, listing, no_cursor, page_of
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, missing
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Object


def operations(ports: Ports, approvals: Approvals) -> list[Operation]:
    """Approvals: create, list, get, challenge, prove, approve, refuse; the policy; and stepping up."""

    async def create(call: Call) -> Mapping[str, Any]:
        operation, ids = approvals.find_operation(call.params["method"], call.params["path"])
        if not call.principal.may(operation.resource, operation.access):
            raise Refusal(Kind.FORBIDDEN, f"This lacks the permission {operation.resource}={operation.access}.")
        asked = operation.params.parse(call.params.get("params", {}), "params")
        row = await approvals.ask(call.principal, operation, path=ids, params=asked, request=call.request_id)
        return await render.approval(ports.box, row, now=clock.now())

    async def get(call: Call) -> Mapping[str, Any]:
        row = await find.approval(ports.pool, call.principal, call.path["approval"])
        if row is None or not agree.sees(call.principal, row):
            raise missing("approval", call.path["approval"], param="approval")
        return await render.approval(ports.box, row, now=clock.now())

    async def list_(call: Call) -> Mapping[str, Any]:
        asked, now = dict(call.params), clock.now()
        page = page_of(asked)
        cursor = page.before if page.backwards else page.after
        if cursor is not None:
            known = await find.approval(ports.pool, call.principal, cursor)
            if known is None or not agree.sees(call.principal, known):
                raise no_cursor("approval", page)
        mine = None if call.principal.may("approvals", "read") else actor(call.principal)
        rows = await find.approvals(
            ports.pool, call.principal, page, status=asked.get("status"), maker=mine, now=now
        )
        kept, has_more = cut(rows, page)
        shown = [await render.approval(ports.box, row, now=now) for row in kept]
        return listing("/v1/approvals", shown, has_more=has_more)

    async def challenge(call: Call) -> Mapping[str, Any]:
        row = await agree.pending(ports, call.principal, call.path["approval"])
        options = await agree.challenge(ports, call.principal, row, request=call.request_id)
        return CHALLENGE.render({"options": options, "summary": row.summary})

    async def taken(call: Call, step: agree.Step) -> Answer:
        shown = await render.approval(ports.box, step.row, now=clock.now())
        return await transact(ports.pool, call, rendered=shown, work=step.work)

    async def prove(call: Call) -> Answer:
        return await taken(
            call,
            await agree.prove(ports, call.principal, call.path["approval"], **call.params, request=call.request_id),
        )

    async def approve(call: Call) -> Answer:
        return await taken(
            call,
            await agree.approve(ports, call.principal, call.path["approval"], **call.params, request=call.request_id),
        )

    async def refuse(call: Call) -> Answer:
        return await taken(
            call, await agree.refuse(ports, call.principal, call.path["approval"], request=call.request_id)
        )

    async def policy(call: Call) -> Mapping[str, Any]:
        return render.policy(await find.rules(ports.pool, call.principal.account))

    async def set_policy(call: Call) -> Answer:
        return await change_policy.change_policy(ports, call)

    async def ask_again(call: Call) -> Mapping[str, Any]:
        return await step_up.challenge(ports, call)

    async def prove_again(call: Call) -> Mapping[str, Any]:
        return await step_up.prove_again(ports, call)

    return [
        Operation(
            name="approval.create", method="POST", path="/v1/approvals", resource="profile", access="write",
            handler=create, params=params.CREATE, returns=APPROVAL, audit="approval.create",
            summary="Ask for an approval of one operation with just these parameters.",
        ),
        Operation(
            name="approval.list", method="GET", path="/v1/approvals", resource="profile", access="read",
            handler=list_, params=params.LIST, returns=APPROVAL, form="list",
            summary="Approvals, newest first: one's own, or all of the account's for whoever may read them.",
        ),
        Operation(
            name="approval.get", method="GET", path="/v1/approvals/{approval}", resource="profile", access="read",
            handler=get, params=Object({}), returns=APPROVAL, summary="One approval.",
        ),
        Operation(
            name="approval.challenge", method="POST", path="/v1/approvals/{approval}/challenge", resource="profile",
            access="write", handler=challenge, params=Object({}), returns=CHALLENGE, audit="approval.challenge",
            summary="What a passkey must sign to agree to just this.",
        ),
        Operation(
            name="approval.prove", method="POST", path="/v1/approvals/{approval}/prove", resource="profile",
            access="write", handler=prove, params=params.PROVE, returns=APPROVAL, audit="approval.prove",
            limit="proof",
            summary="Confirm one's own request with a second factor.",
        ),
        Operation(
            name="approval.approve", method="POST", path="/v1/approvals/{approval}/approve", resource="approvals",
            access="write", handler=approve, params=params.PROVE, returns=APPROVAL, audit="approval.approve",
            limit="proof",
            summary="Agree to what somebody else asks for, with a second factor of one's own.",
        ),
        Operation(
            name="approval.refuse", method="POST", path="/v1/approvals/{approval}/refuse", resource="approvals",
            access="write", handler=refuse, params=Object({}), returns=APPROVAL, audit="approval.refuse",
            summary="Refuse what somebody asks for, or take back one's own request.",
        ),
        Operation(
            name="approval_policy.get", method="GET", path="/v1/approval_policy", resource="approvals", access="read",
            handler=policy, params=Object({}), returns=POLICY,
            summary="Which operations wait for a confirmation or for a second person.",
        ),
        Operation(
            name="approval_policy.update", method="POST", path="/v1/approval_policy", resource="roles", access="write",
            handler=set_policy, params=params.POLICY, returns=POLICY, audit="approval_policy.update",
            privilege="approval_policy",
            summary="Change which operations wait for a confirmation or for a second person.",
        ),
        Operation(
            name="session.challenge", method="POST", path="/v1/sessions/challenge", resource="profile",
            access="write", handler=ask_again, params=Object({}), returns=CHALLENGE, audit="session.challenge",
            summary="What a passkey is asked for to prove its person again.",
        ),
        Operation(
            name="session.prove_again", method="POST", path="/v1/sessions/prove_again", resource="profile",
            access="write", handler=prove_again, params=params.PROVE, returns=STEP_UP, audit="session.step_up",
            limit="proof",
            summary="Prove a second factor again; the session goes on under new tokens.",
        ),
    ]  # fmt: skip
