"""The roles that every account has: what each of them may do, in the words of permissions."""

from collections.abc import Iterable, Mapping

from lockgate.gateway.identity.core.permissions import MERCHANT, RESOURCES, union
from lockgate.kernel.principal import Access

Permissions = Mapping[str, Access]


def _all(access: Access, resources: Iterable[str]) -> dict[str, Access]:
    return dict.fromkeys(resources, access)


# What everybody has who signs in: their own name, password and sessions.
OWN: Permissions = {"profile": "write"}
_READ_BUSINESS = _all("read", (name for name in MERCHANT if name not in ("ephemeral_keys", "test_clock", "tokens")))

BUILT_IN: Mapping[str, Permissions] = {
    "owner": _all("write", RESOURCES),
    # As strong as an owner, or admins could not give others what these need; but only owners make and remove owners.
    "admin": _all("write", RESOURCES),
    "developer": {
        **OWN,
        **_READ_BUSINESS,
        **_all(
            "write",
            ("webhook_endpoints", "test_clock", "ephemeral_keys", "tokens", "checkout_sessions", "apps", "certificates",
             "api_keys"),
        ),
        **_all("read", ("authorizations", "address_rules", "limits", "alerts", "metrics", "roles")),
    },
    "analyst": {
        **OWN,
        **_READ_BUSINESS,
        **_all(
            "write",
            ("reviews", "value_lists", "early_fraud_warnings", "risk", "risk_rules", "risk_settings"),
        ),
        "alerts": "write",
    },
    # Helps shoppers, and sends no money out.
    "support": {
        **OWN,
        **_all(
            "read",
            ("account", "charges", "checkout_sessions", "disputes", "events", "mandates", "payment_intents",
             "payment_methods", "refunds", "setup_intents"),
        ),
        "customers": "write",
    },
    "finance": {
        **OWN,
        **_READ_BUSINESS,
        **_all("write", ("refunds", "payouts", "disputes", "balance", "approvals")),
    },
    "auditor": {**_all("read", RESOURCES), **OWN},
}
DESCRIPTIONS: Mapping[str, str] = {
    "owner": "Everything, with the last word on who else may.",
    "admin": "Everything, but for making and removing owners.",
    "developer": "Keys, webhooks, apps and certificates; reads the business.",
    "analyst": "Reviews, value lists, rules and alerts; reads the business.",
    "support": "Customers and their payments; sends no money out.",
    "finance": "Refunds, disputes and payouts; reads the business.",
    "auditor": "Reads everything and changes nothing.",
}


def permissions(names: Iterable[str], custom: Mapping[str, Permissions]) -> dict[str, Access]:
    """What holders of these roles may do, and what everybody may. A name that is neither built in nor in ``custom``
    gives nothing.
    """
    return union([OWN, *(BUILT_IN.get(name) or custom.get(name, {}) for name in names)])
