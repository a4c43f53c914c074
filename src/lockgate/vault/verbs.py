"""What each verb takes and does: arguments are checked here, strictly, and outcomes put into words of the wire."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.kernel.orders import Answered, NotSent, Reply
from lockgate.vault.cards import Cards
from lockgate.vault.checkpoints import Checkpoints
from lockgate.vault.claims import Claims
from lockgate.vault.cvc import CvcMemory
from lockgate.vault.forward import Forwarder
from lockgate.vault.hierarchy import PLATFORM
from lockgate.vault.keys import Gone, Keyring
from lockgate.vault.notify import MAX_BODY_BYTES, MAX_HEADERS, Notifications
from lockgate.vault.policy import OWN_KEYS
from lockgate.vault.refusal import Refused
from lockgate.vault.secret import PURPOSE, Secrets

Args = Mapping[str, Any]
_MAX_REWRAP = 10_000
_MAX_TOKENS = 1_000
_MAX_STATUS = 1_000


@dataclass(frozen=True, slots=True)
class _Verb:
    run: Callable[[Any], Awaitable[dict[str, Any]]]
    takes: Mapping[str, Any]
    optional: Mapping[str, Any]


class Verbs:
    """One method per verb. ``call`` raises Refused for what is not in order."""

    def __init__(
        self,
        keyring: Keyring,
        *,
        cards: Cards,
        secrets: Secrets,
        claims: Claims,
        forwarder: Forwarder,
        notifications: Notifications,
        checkpoints: Checkpoints,
        cvcs: CvcMemory,
        profile: str,
    ) -> None:
        self._keyring = keyring
        self._cards = cards
        self._secrets = secrets
        self._claims = claims
        self._forwarder = forwarder
        self._notifications = notifications
        self._checkpoints = checkpoints
        self._cvcs = cvcs
        self._profile = profile
        account, token = {"account": str}, {"account": str, "token": str}
        self._verbs = {
            "status": _Verb(self._status, {}, {}),
            "seal_keys": _Verb(self._seal_keys, {}, {}),
            "tokenize_sealed": _Verb(
                self._tokenize_sealed, account | {"livemode": bool, "blob": str}, {"context": dict}
            ),
            "tokenize_test": _Verb(self._tokenize_test, account | {"card": dict}, {}),
            "describe": _Verb(self._describe, token, {}),
            "commit_token": _Verb(self._commit_token, account | {"tokens": list}, {"subject": str | None}),
            "revoke_token": _Verb(self._revoke_token, token, {}),
            "wipe_cvc": _Verb(self._wipe_cvc, token, {}),
            "data_key": _Verb(self._data_key, account | {"purpose": str, "subject": str}, {}),
            "sign": _Verb(self._sign, account | {"key": str, "digest": bytes}, {}),
            "mac": _Verb(self._mac, account | {"key": str, "data": bytes}, {}),
            "checkpoint_key": _Verb(self._checkpoint_key, {"origin": str}, {}),
            "sign_checkpoint": _Verb(
                self._sign_checkpoint,
                {"origin": str, "size": int, "root": bytes, "chain": bytes, "proof": list},
                {},
            ),
            "sign_export": _Verb(self._sign_export, {"origin": str, "records": int, "digest": bytes}, {}),
            "claim": _Verb(self._claim, account | {"step": str, "send_before": int}, {}),
            "tombstone": _Verb(self._tombstone, account | {"step": str}, {}),
            "forward": _Verb(
                self._forward,
                account | {"livemode": bool, "order": dict},
                {"intent": str | None, "keep_cvc": bool},
            ),
            "verify_notification": _Verb(
                self._verify_notification,
                account | {"livemode": bool, "processor": str, "headers": list, "body": bytes},
                {},
            ),
            "put_secret": _Verb(self._put_secret, account | {"livemode": bool, "name": str, "blob": str}, {}),
            "put_manifest": _Verb(self._put_manifest, {"manifest": dict}, {}),
            "shred": _Verb(self._shred, account | {"subject": str}, {}),
            "rotate": _Verb(self._rotate, {"account": str | None}, {}),
            "rewrap": _Verb(self._rewrap, {"batch": int}, {}),
            "key_status": _Verb(self._key_status, {}, {}),
        }

    async def call(self, verb: str, args: Args) -> dict[str, Any]:
        """Do ``verb``. Only call it for a caller that may."""
        known = self._verbs[verb]
        _check_args(known, args)
        try:
            return await known.run(args)
        except Gone:
            raise Refused("gone", "the subject's keys were destroyed") from None
        except ValueError:
            # The keyring's and the encoders' word for a malformed name; its text may quote what it was given.
            raise Refused("refused", "an argument is not well formed", reason="argument") from None

    async def _status(self, _args: Args) -> dict[str, Any]:
        return {"state": "open", "profile": self._profile, "verify_key": self._keyring.verify_key}

    async def _seal_keys(self, _args: Args) -> dict[str, Any]:
        return {"keys": self._keyring.sealing_keys(), "verify_key": self._keyring.verify_key}

    async def _tokenize_sealed(self, args: Args) -> dict[str, Any]:
        context = args.get("context", {})
        intent = context.get("intent")
        if set(context) - {"intent", "account"} or context.get("account", args["account"]) != args["account"]:
            raise Refused("refused", "the context is another account's, or has unknown fields", reason="context")
        if not isinstance(intent, str | None):
            raise Refused("refused", "an intent is an id", reason="context")
        return await self._cards.tokenize_sealed(
            args["account"], args["livemode"], blob=args["blob"], intent=intent
        )

    async def _tokenize_test(self, args: Args) -> dict[str, Any]:
        return await self._cards.tokenize_test(args["account"], args["card"])

    async def _describe(self, args: Args) -> dict[str, Any]:
        return await self._cards.describe(args["account"], args["token"])

    async def _commit_token(self, args: Args) -> dict[str, Any]:
        tokens = args["tokens"]
        if len(tokens) > _MAX_TOKENS or not all(isinstance(token, str) for token in tokens):
            raise Refused("refused", "tokens is a list of at most a thousand tokens", reason="argument")
        return {"committed": await self._cards.commit(args["account"], tokens, subject=args.get("subject"))}

    async def _revoke_token(self, args: Args) -> dict[str, Any]:
        return {"revoked": await self._cards.revoke(args["account"], args["token"])}

    async def _wipe_cvc(self, args: Args) -> dict[str, Any]:
        self._cvcs.wipe(args["account"], args["token"])
        return {}

    async def _data_key(self, args: Args) -> dict[str, Any]:
        if args["purpose"] == PURPOSE:
            raise Refused("refused", "this purpose is the vault's own", reason="purpose")
        key, kid = await self._keyring.data_key(args["account"], args["purpose"], args["subject"])
        return {"key": key, "kid": kid}

    async def _sign(self, args: Args) -> dict[str, Any]:
        _refuse_own_key(args)
        return {"signature": await self._keyring.sign(args["account"], args["key"], args["digest"])}

    async def _mac(self, args: Args) -> dict[str, Any]:
        _refuse_own_key(args)
        return {"mac": await self._keyring.mac(args["account"], args["key"], args["data"])}

    async def _checkpoint_key(self, args: Args) -> dict[str, Any]:
        last = await self._checkpoints.last()
        signed = None if last is None else {"size": last.size, "root": last.root}
        return {"key": await self._checkpoints.public_key(args["origin"]), "last": signed}

    async def _sign_checkpoint(self, args: Args) -> dict[str, Any]:
        return {"note": await self._checkpoints.sign(**args)}

    async def _sign_export(self, args: Args) -> dict[str, Any]:
        return {"note": await self._checkpoints.sign_export(**args)}

    async def _claim(self, args: Args) -> dict[str, Any]:
        claimed = await self._claims.claim(args["account"], args["step"], send_before_ms=args["send_before"])
        return {"state": "tombstoned" if claimed.tombstone else "claimed", "won": claimed.won}

    async def _tombstone(self, args: Args) -> dict[str, Any]:
        claimed = await self._claims.tombstone(args["account"], args["step"])
        return {"state": "tombstoned" if claimed.tombstone else "claimed", "won": claimed.won}

    async def _forward(self, args: Args) -> dict[str, Any]:
        reply = await self._forwarder.forward(
            args["account"],
            args["livemode"],
            order=args["order"],
            intent=args.get("intent"),
            keep_cvc=args.get("keep_cvc", False),
        )
        return _reply(reply)

    async def _verify_notification(self, args: Args) -> dict[str, Any]:
        """Whoever sent it, the answer is the same yes or no."""
        headers, body = args["headers"], args["body"]
        pairs = [tuple(pair) for pair in headers if isinstance(pair, list | tuple) and len(pair) == 2]
        texts = all(isinstance(text, str) for pair in pairs for text in pair)
        if len(pairs) != len(headers) or len(pairs) > MAX_HEADERS or not texts:
            raise Refused("refused", "headers are at most a hundred pairs of strings", reason="argument")
        if len(body) > MAX_BODY_BYTES:
            raise Refused("refused", "the body is too long", reason="argument")
        return {
            "valid": await self._notifications.is_sound(
                args["account"], args["livemode"], processor=args["processor"], headers=pairs, body=body
            )
        }

    async def _put_secret(self, args: Args) -> dict[str, Any]:
        await self._secrets.put(args["account"], args["livemode"], name=args["name"], blob=args["blob"])
        return {}

    async def _put_manifest(self, args: Args) -> dict[str, Any]:
        await self._forwarder.put_manifest(args["manifest"])
        return {}

    async def _shred(self, args: Args) -> dict[str, Any]:
        destroyed = await self._keyring.shred(args["account"], args["subject"])
        return {"destroyed": sum(destroyed), **destroyed._asdict()}

    async def _rotate(self, args: Args) -> dict[str, Any]:
        return {"version": await self._keyring.rotate(args["account"] or PLATFORM)}

    async def _rewrap(self, args: Args) -> dict[str, Any]:
        if not 1 <= args["batch"] <= _MAX_REWRAP:
            raise Refused("refused", "a batch has 1 to 10000 rows", reason="argument")
        return {"rewrapped": await self._keyring.rewrap(args["batch"])}

    async def _key_status(self, _args: Args) -> dict[str, Any]:
        """Counts over all rows: for operators, not for the path of a payment."""
        rotated = await self._keyring.rotations()
        root_version, below_root = await self._keyring.root_state()
        return {
            "root_version": root_version,
            "below_root": below_root,
            "stale": sum(row.stale for row in rotated) + below_root,
            "accounts": [row._asdict() for row in rotated[:_MAX_STATUS]],
        }


def _refuse_own_key(args: Args) -> None:
    """No caller signs as the vault itself: a taken gateway could otherwise sign a card script of its own."""
    if args["account"] == PLATFORM or args["key"] in OWN_KEYS:
        raise Refused("refused", "this key is the vault's own", reason="own_key")


def _check_args(verb: _Verb, args: Args) -> None:
    if not set(verb.takes) <= set(args) <= set(verb.takes) | set(verb.optional):
        raise Refused("refused", "the verb takes other arguments", reason="argument")
    for name, value in args.items():
        wanted = verb.takes.get(name) or verb.optional[name]
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise Refused("refused", "an argument has the wrong type", reason="argument")
        if isinstance(value, str) and "\0" in value:
            raise Refused("refused", "an argument holds a NUL", reason="argument")


def _reply(reply: Reply) -> dict[str, Any]:
    if isinstance(reply, Answered):
        headers = [list(header) for header in reply.headers]
        return {"state": "answered", "status": reply.status, "headers": headers, "body": reply.body}
    return {"state": "not_sent" if isinstance(reply, NotSent) else "unknown", "reason": reply.reason}
