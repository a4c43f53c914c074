"""What every operation may be answered instead of success: statuses, headers, and an example of each."""

from typing import Any, NamedTuple

from lockgate.kernel.operations import Operation


class _Status(NamedTuple):
    said: str
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    decline_code: str | None = None
    headers: tuple[str, ...] = ()


_EVERY_OPERATION = {
    400: _Status(
        "The request cannot be right as it stands; `param` names the parameter.",
        "Invalid integer: amount must be a whole number.", code="parameter_invalid_integer", param="amount",
    ),
    401: _Status("No valid API key.", "Invalid API Key provided."),
    403: _Status("The key may not do this.", "This restricted key lacks the permission refunds=write."),
    404: _Status(
        "No such object for this key.", "No such customer: 'cus_example'", code="resource_missing", param="id"
    ),
    405: _Status("The path exists, the method does not.", "Here only GET, POST can be used.", headers=("Allow",)),
    408: _Status("The request did not arrive in time.", "The request did not arrive in time."),
    409: _Status(
        "Another request holds the idempotency key or the object; try again.",
        "Another request with this idempotency key is still under way. Try again in a moment.",
        code="idempotency_key_in_use", headers=("Stripe-Should-Retry",),
    ),
    411: _Status("A body came without a Content-Length.", "A body needs a Content-Length."),
    413: _Status("The body is too large.", "A request's body can have at most 1048576 bytes."),
    414: _Status("The request's target is too long.", "The request's target is too long."),
    415: _Status(
        "The body is not application/x-www-form-urlencoded.",
        "Send parameters as application/x-www-form-urlencoded.",
    ),
    429: _Status(
        "Too fast: wait as Retry-After says.", "Too many requests with this key.", code="rate_limit",
        headers=("Retry-After", "Stripe-Rate-Limited-Reason", "Stripe-Should-Retry"),
    ),
    431: _Status("The headers are too large.", "The request's headers are too large."),
    500: _Status(
        "Something broke on our side; a repeated request with the same idempotency key is safe.",
        "Something went wrong on our side. Retry with the same idempotency key: nothing happens twice.",
        type="api_error", headers=("Stripe-Should-Retry",),
    ),
    503: _Status(
        "Certainly without effect; try again.", "The processor cannot be reached. Nothing happened: try again.",
        type="api_error", headers=("Stripe-Should-Retry",),
    ),
}  # fmt: skip
_DECLINED = {
    402: _Status(
        "The card was declined.", "Your card has insufficient funds.", type="card_error", code="card_declined",
        decline_code="insufficient_funds",
    )
}  # fmt: skip
HEADERS: dict[str, Any] = {
    name: {"description": text, "schema": {"type": kind}, "example": example}
    for name, kind, example, text in (
        ("Request-Id", "string", "req_0NMWSYfKVwOvp10YwtBpk9", "Names this request, in our logs too."),
        ("Stripe-Version", "string", "2026-09-30.dahlia", "The version that was applied."),
        ("Idempotency-Key", "string", "order-6735", "The key that was sent."),
        ("Idempotent-Replayed", "string", "true", "There if this is the answer of an earlier request."),
        ("Stripe-Should-Retry", "string", "true", "Whether the same request, with the same key, is worth another try."),
        ("Retry-After", "integer", 1, "How many seconds to wait."),
        (
            "Stripe-Rate-Limited-Reason", "string", "endpoint-rate",
            "Which limit was passed; not there if an object was locked.",
        ),
        ("Allow", "string", "GET, POST", "The methods that there are."),
    )
}  # fmt: skip


def references(operation: Operation) -> dict[str, Any]:
    """Refusals of this operation."""
    statuses = sorted([*_EVERY_OPERATION, *(_DECLINED if operation.declines else ())])
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def success_headers(operation: Operation) -> dict[str, Any]:
    """Headers of an answer that is a success."""
    own = ("Idempotency-Key", "Idempotent-Replayed") if operation.method == "POST" else ()
    return {name: _header(name) for name in ("Request-Id", "Stripe-Version", *own)}


def refusals() -> dict[str, Any]:
    """All refusals, by status."""
    return {str(number): _refusal(status) for number, status in sorted({**_EVERY_OPERATION, **_DECLINED}.items())}


def said() -> dict[int, str]:
    """What each status means."""
    return {number: status.said for number, status in sorted({**_EVERY_OPERATION, **_DECLINED}.items())}


def _refusal(status: _Status) -> dict[str, Any]:
    error = {"type": status.type, "message": status.message}
    error |= {
        name: value for name in ("code", "param", "decline_code") if (value := getattr(status, name)) is not None
    }
    return {
        "description": status.said,
        "headers": {name: _header(name) for name in ("Request-Id", *status.headers)},
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/error"}, "example": {"error": error}}
        },
    }


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
