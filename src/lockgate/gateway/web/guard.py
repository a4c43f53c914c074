"""The way of every request through the door: who, how fast, what for, with what; whatever fails, fails closed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from lockgate.gateway.identity.authenticate import Identity, Unauthenticated
from lockgate.gateway.storage.commit import CommitUnknown, KeyInUse
from lockgate.gateway.web import errors, headers
from lockgate.gateway.web.answers import Answers
from lockgate.gateway.web.headers import Header, Reply
from lockgate.gateway.web.idempotency import Idempotency, in_use, read_key
from lockgate.gateway.web.identify import identify, refuse_secrets_in_query, text_of
from lockgate.gateway.web.ports import Ports
from lockgate.gateway.web.request import Request, read
from lockgate.gateway.web.routes import Match
from lockgate.kernel import log
from lockgate.kernel.errors import Kind, Refusal, invalid, missing
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Array, Text, Tree, nest
from lockgate.kernel.principal import Principal

OLDEST_API_VERSION = date(2020, 8, 27)
_VERSION = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:\.[a-z]{1,20})?")
_EXPAND = Array(Text(200, pattern=r"[a-z0-9_.]+"))
_logger = log.get("web")


class Guard:
    """Takes a request that matched an operation to its answer."""

    def __init__(self, answers: Answers, idempotency: Idempotency, ports: Ports) -> None:
        self._answers = answers
        self._idempotency = idempotency
        self._ports = ports
        self._witness = ports.witness
        self._limits = ports.limits
        self._versions: dict[bytes, str] = {}

    async def answer(self, request: Request, match: Match) -> Reply:
        """The reply, whatever happens."""
        principal: Principal | None = None
        extra: tuple[Header, ...] = headers.CORS if match.operation.publishable and b"origin" in request.headers else ()
        try:
            given = request.headers.get(b"stripe-version")
            version = None if given is None else self._version(given)
            key = request.headers.get(b"idempotency-key") if request.method == "POST" else None
            if key is not None:
                read_key(key)
                extra += ((b"idempotency-key", key),)
            await refuse_secrets_in_query(self._ports, request)
            fields = read(request)
            identity = await identify(self._ports, request, fields)
            principal = identity.principal
            version = version or identity.api_version
            extra += ((b"stripe-version", version.encode()),)
            await self._ports.addresses.check(principal, match.operation, request=request.request_id)
            held = await self._limits.admit(principal, match.operation, match.path)
            try:
                await self._check_scope(request, principal, match.operation)
                if given is None and match.operation.needs_version:
                    raise invalid("Send the Stripe-Version header: the app that gets this key expects one version.")
                reply = await self._perform(request, identity, match, fields=fields, version=version, key=key)
            finally:
                self._limits.leave(held)
        except Refusal as refusal:
            reply = await self._refused(request, principal, refusal, operation=match.operation)
            if isinstance(refusal, Unauthenticated):
                extra += ((b"www-authenticate", refusal.challenge.encode()),)
        except Exception as fault:
            _logger.exception("request failed", operation=match.operation.name, request=request.request_id)
            reply = self.refuse(_of_fault(fault))
        return reply._replace(headers=reply.headers + extra)

    def refuse(self, refusal: Refusal, *, principal: Principal | None = None) -> Reply:
        """A refusal as a reply."""
        self._ports.counts.refused(refusal.kind)
        answer = self._answers.refused(refusal, principal=principal)
        return Reply(
            answer.status,
            answer.body,
            headers.retry(should=refusal.should_retry, after_s=refusal.retry_after_s, reason=refusal.reason),
        )

    async def _check_scope(self, request: Request, principal: Principal, operation: Operation) -> None:
        """Whether this key may be used here, for this account, from there."""
        for name in (b"stripe-account", b"stripe-context"):
            other = request.headers.get(name)
            if other is not None and other != principal.account.encode():
                raise await self._forbidden(
                    request, principal, "account.foreign", "This key belongs to another account than the header names."
                )
        if principal.kind == "publishable":
            if not operation.publishable:
                raise await self._forbidden(
                    request,
                    principal,
                    "permission.refused",
                    "A publishable key cannot do this: use a secret key on your server.",
                    code="secret_key_required",
                )
            return
        from_browser = b"origin" in request.headers or b"sec-fetch-site" in request.headers
        if from_browser and principal.kind not in ("person", "app"):  # their tokens are short, and are made for that
            raise await self._forbidden(
                request,
                principal,
                "key.in_browser",
                "A secret key was sent by a browser. Roll it now: whoever opens that page can read it.",
            )
        if principal.kind == "ephemeral":
            if operation.ephemeral is None:
                raise await self._forbidden(
                    request,
                    principal,
                    "permission.refused",
                    "An ephemeral key cannot do this: it reaches one customer and its payment methods only.",
                )
            return
        if not principal.may(operation.resource, operation.access):
            raise await self._forbidden(
                request,
                principal,
                "permission.refused",
                _lacking(principal, operation),
            )

    async def _forbidden(
        self, request: Request, principal: Principal, action: str, message: str, *, code: str | None = None
    ) -> Refusal:
        await self._witness.refused(principal, action, reason=action, request=request.request_id)
        return Refusal(Kind.FORBIDDEN, message, code=code)

    async def _perform(
        self,
        request: Request,
        identity: Identity,
        match: Match,
        *,
        fields: Sequence[tuple[str, str]],
        version: str,
        key: bytes | None,
    ) -> Reply:
        operation, principal = match.operation, identity.principal
        tree = nest([pair for pair in fields if pair[0] != "key"] if _by_field(request) else list(fields))
        secret = await self._client_secret(request, principal, match, tree=tree)
        expand = _expansions(tree)
        self._answers.check_expansions(operation, principal, expand, version=version)
        params = operation.params.parse(tree, "")
        if principal.kind == "ephemeral":
            _check_own_customer(principal, match, params)
        if operation.privilege is not None:
            await self._ports.approvals.require(
                principal,
                operation,
                path=match.path,
                params=params,
                approval=text_of(request, b"lockgate-approval"),
                request=request.request_id,
                key=None if key is None else read_key(key),
            )
        claim = None
        if key is not None:
            claim = await self._idempotency.claim(
                principal,
                read_key(key),
                method=request.method,
                path=request.path,
                fields=fields,
                owner=request.request_id,
            )
        call = Call(
            operation=operation,
            principal=principal,
            path=match.path,
            params=params,
            expand=expand,
            request_id=request.request_id,
            api_version=version,
            now=identity.now,
            claim=claim,
            concluding=self._answers,
            client_secret=secret,
            puzzle=text_of(request, b"lockgate-puzzle"),
            pinned_version=identity.api_version,
            ahead_s=identity.ahead_s,
        )
        answer, replayed = await self._handle(call)
        if operation.audit is None:
            self._witness.seen(principal, operation.name)
        extra = headers.encoded(answer.headers)
        if replayed:
            extra += ((b"idempotent-replayed", b"true"),)
            if answer.status >= 500:
                extra += headers.retry(should=False, after_s=None, reason=None)
        kind = headers.JSON if answer.content_type == "application/json" else (
            b"content-type", answer.content_type.encode("ascii")
        )
        return Reply(answer.status, answer.body, extra, kind)

    async def _handle(self, call: Call) -> tuple[Answer, bool]:
        """Run the operation; and whether the answer is a repeated one.

        The key is looked up only when the claim failed or the operation refused: the first use of a key, which is
        nearly all of them, costs no read. It is safe because an operation has no effect before the commit that claims.
        """
        again = replace(call, params=dict(call.params))
        try:
            return await _run(call), False
        except KeyInUse:
            earlier = await self._idempotency.existing(call)
            if earlier is not None:
                return earlier, True
            if not await self._idempotency.give_back(call):  # given back by another between our try and our look
                raise in_use() from None
            return await _run_with_free_key(again), False
        except Refusal:
            if call.claim is not None:
                earlier = await self._idempotency.existing(call)
                if earlier is not None:
                    return earlier, True
            raise

    async def _client_secret(
        self, request: Request, principal: Principal, match: Match, *, tree: Tree
    ) -> str | None:
        """The client secret that was sent, once it is proven; publishable keys must send one where it is asked for."""
        if not match.operation.client_secret:
            return None
        secret = tree.get("client_secret")
        if secret is None and principal.kind != "publishable":
            return None
        id_ = next(iter(match.path.values()))
        if secret is None:
            raise invalid("Missing required param: client_secret.", param="client_secret", code="parameter_missing")
        if not isinstance(secret, str) or not self._ports.client_secrets.matches(principal.account, id_, secret):
            await self._witness.refused(
                principal, "client_secret.refused", reason="mismatch", request=request.request_id, object_=id_
            )
            raise Refusal(
                Kind.FORBIDDEN, "The client secret does not belong to this object.", param="client_secret"
            )
        return secret

    async def _refused(
        self, request: Request, principal: Principal | None, refusal: Refusal, *, operation: Operation
    ) -> Reply:
        try:
            if principal is not None:
                self._witness.seen(principal, operation.name)
                if refusal.code == "resource_missing":
                    await self._witness.refused(
                        principal, "object.not_found", reason=operation.name, request=request.request_id
                    )
        except Exception:
            _logger.exception("a refusal could not be recorded", request=request.request_id)
            return self.refuse(errors.unexpected())
        return self.refuse(_by_parameter(refusal, operation), principal=principal)

    def _version(self, raw: bytes) -> str:
        known = self._versions.get(raw)
        if known is not None:
            return known
        match = _VERSION.fullmatch(raw.decode("latin-1"))
        try:
            day = date(int(match[1]), int(match[2]), int(match[3])) if match else None
        except ValueError:
            day = None
        if match is None or day is None or day < OLDEST_API_VERSION:
            raise invalid("The Stripe-Version header must be a version's date, 2020-08-27 or later.")
        if len(self._versions) < 1000:
            self._versions[raw] = match[0]
        return match[0]


async def _run(call: Call) -> Answer:
    result = await call.operation.handler(call)
    return result if isinstance(result, Answer) else await call.answer(result)


async def _run_with_free_key(call: Call) -> Answer:
    try:
        return await _run(call)
    except KeyInUse:  # two requests found it free, and the other was faster
        raise in_use() from None


def _check_own_customer(principal: Principal, match: Match, params: Mapping[str, Any]) -> None:
    """An ephemeral key's own customer, or nothing: of another it does not even learn whether it exists.

    Where a payment method is named, finding it looks only among the customer's own.
    """
    if match.operation.ephemeral == "payment_method":
        return
    named = match.path.get("customer", params.get("customer"))
    if named is None:
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    if named != principal.customer:
        raise missing("customer", str(named), param="customer")


def _by_parameter(refusal: Refusal, operation: Operation) -> Refusal:
    """Something missing that the path names is not there; something that a parameter names makes a wrong request."""
    root = (refusal.param or "").partition("[")[0]
    if refusal.kind is Kind.NOT_FOUND and refusal.code == "resource_missing" and root in operation.params.params:
        refusal.kind = Kind.INVALID
    return refusal


def _of_fault(fault: Exception) -> Refusal:
    """A lost commit may have happened, and its key will tell; of anything else nothing is said."""
    if isinstance(fault, CommitUnknown):
        return Refusal(
            Kind.INTERNAL,
            "We cannot tell yet whether this took effect. Retry with the same idempotency key: nothing happens twice.",
            should_retry=True,
        )
    return errors.unexpected()


def _by_field(request: Request) -> bool:
    """Whether the key came as a field: only then is ``key`` no parameter of the operation."""
    return b"authorization" not in request.headers


def _lacking(principal: Principal, operation: Operation) -> str:
    """What was missing, in words that tell this sort of caller what to do."""
    wanted = f"{operation.resource}={operation.access}"
    match principal.kind:
        case "secret":
            return f"A secret key cannot do this: sign in, or use a restricted key that was given {wanted}."
        case "restricted":
            return f"This restricted key lacks the permission {wanted}."
        case "app":
            return f"This app was not given the permission {wanted}."
        case _:
            return f"Your roles in this account do not give the permission {wanted}."


def _expansions(tree: Mapping[str, Any]) -> tuple[str, ...]:
    raw = tree.pop("expand", None) if isinstance(tree, dict) else None
    return () if raw is None else tuple(dict.fromkeys(_EXPAND.parse(raw, "expand")))
