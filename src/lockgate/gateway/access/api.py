"""The operations on access reviews: who has what, and whether they should keep it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.access import complete, decide, find, render, start
from lockgate.gateway.access.core.shapes import ITEM, REVIEW
from lockgate.gateway.access.holders import people
from lockgate.gateway.access.ports import Ports
from lockgate.gateway.identity.core.params_access import PERMISSIONS
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Handler, Operation
from lockgate.kernel.params import Array, Choice, Listing, Object, Text, optional, required

_URL = "/v1/access_reviews"
_ONE = f"{_URL}/{{review}}"
_ITEMS = f"{_ONE}/items"
_DECIDE = Object(
    {
        "decision": required(Choice("attest", "reduce", "remove"), "Whether this access is right as it is."),
        "permissions": optional(PERMISSIONS, "To reduce a key or a role: what changes; none takes a permission away."),
        "roles": optional(Array(Text(60), maximum=20), "To reduce a person: the roles that are left."),
    }
)


def operations(ports: Ports) -> list[Operation]:
    """/v1/access_reviews and the items of each."""

    def flow(verb: Callable[[Ports, Call], Awaitable[Answer]]) -> Handler:
        async def handle(call: Call) -> Answer:
            return await verb(ports, call)

        return handle

    async def page(call: Call) -> Mapping[str, Any]:
        asked = page_of(dict(call.params))
        shown, more = cut(await find.reviews(ports.pool, call.principal.account, asked), asked)
        return listing(_URL, [render.review(one) for one in shown], has_more=more)

    async def one(call: Call) -> Mapping[str, Any]:
        return render.review(await find.review(ports.pool, call.principal.account, call.path["review"]))

    async def items(call: Call) -> Mapping[str, Any]:
        account, asked = call.principal.account, page_of(dict(call.params))
        review = await find.review(ports.pool, account, call.path["review"])
        shown, more = cut(await find.items(ports.pool, account, review.row.id, asked), asked)
        labels = {one.id: one.label for one in await people(ports.pool, ports.box, account)}
        url = f"{_URL}/{review.row.id}/items"
        return listing(url, [render.item(row, label=labels.get(row.holder)) for row in shown], has_more=more)

    async def item(call: Call) -> Mapping[str, Any]:
        account = call.principal.account
        row = await find.item(ports.pool, account, call.path["review"], call.path["item"])
        return render.item(row, label=await decide.label_of(ports, account, row))

    return [
        Operation(
            name="access_review.start", method="POST", path=_URL, resource="access_reviews", access="write",
            handler=flow(start.start), params=Object({}), returns=REVIEW, audit="access_review.start",
            summary="Begin a review of everybody and everything that may act for the account.",
        ),
        Operation(
            name="access_review.list", method="GET", path=_URL, resource="access_reviews", access="read",
            handler=page, params=Listing({}).object(), returns=REVIEW, form="list", summary="Reviews, newest first.",
        ),
        Operation(
            name="access_review.get", method="GET", path=_ONE, resource="access_reviews", access="read", handler=one,
            params=Object({}), returns=REVIEW, summary="One review, and how much of it is decided.",
        ),
        Operation(
            name="access_review.complete", method="POST", path=f"{_ONE}/complete", resource="access_reviews",
            access="write", handler=flow(complete.complete), params=Object({}), returns=REVIEW,
            audit="access_review.complete", summary="End a review in which everything is decided.",
        ),
        Operation(
            name="access_review_item.list", method="GET", path=_ITEMS, resource="access_reviews", access="read",
            handler=items, params=Listing({}).object(), returns=ITEM, form="list",
            summary="Who had what when the review began, and what was decided.",
        ),
        Operation(
            name="access_review_item.get", method="GET", path=f"{_ITEMS}/{{item}}", resource="access_reviews",
            access="read", handler=item, params=Object({}), returns=ITEM, summary="One item of a review.",
        ),
        Operation(
            name="access_review_item.decide", method="POST", path=f"{_ITEMS}/{{item}}", resource="access_reviews",
            access="write", handler=flow(decide.decide), params=_DECIDE, returns=ITEM,
            audit="access_review_item.decide", privilege="people",
            summary="Attest that this access is right, reduce it, or remove it: both happen at once.",
        ),
    ]  # fmt: skip
