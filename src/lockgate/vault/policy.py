"""Which program may call which verb: everything that is not written here is refused. Pure."""

READ = frozenset({"seal_keys", "describe", "status", "checkpoint_key"})
KEYS = frozenset({"data_key", "sign", "mac"})
SEND = frozenset({"claim", "tombstone", "forward", "wipe_cvc"})
TOKENS = frozenset({"tokenize_sealed", "tokenize_test", "commit_token", "revoke_token"})
SEAL = frozenset({"sign_checkpoint"})
ADMIN = frozenset({"put_secret", "put_manifest", "shred", "rotate", "rewrap"})

CALLERS: dict[str, frozenset[str]] = {
    "gateway": READ | KEYS | SEND | TOKENS | {"verify_notification"},
    "worker": READ | KEYS | SEND | SEAL | frozenset({"commit_token", "revoke_token"}),
    "admin": READ | ADMIN | SEAL | {"key_status", "sign_export"},
}
VERBS = frozenset().union(*CALLERS.values())
AUDITED = ADMIN | {"revoke_token", "sign_export"}
"""Verbs that are written to the audit table before they take effect; if that cannot be done they do not happen."""

FROM_AFAR = frozenset({"gateway", "worker"})
"""Who may call from another host. What the operator alone may do is done on the vault's own."""

MANIFEST_KEY = "static-manifest"
CHECKPOINT_KEY = "audit-checkpoints"
OWN_KEYS = frozenset({MANIFEST_KEY, CHECKPOINT_KEY})
"""Names of signing keys that only the vault itself uses, whatever account is asked for; nor any of the platform's."""

# One Unix user may run more than one caller: the admin caller is the operator's command line.
SECRETS_OF = {"gateway": "gateway", "worker": "worker", "admin": "owner"}
"""Which program's secrets file holds a caller's key: its owner is the user expected at the socket's other end."""


def may(caller: str, verb: str) -> bool:
    """Whether ``caller`` may call ``verb``."""
    return verb in CALLERS.get(caller, frozenset())
