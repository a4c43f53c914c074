"""The parameters of the operations on client certificates."""

from lockgate.gateway.certificates.core.read import MAX_PEM
from lockgate.gateway.certificates.core.words import DEFAULT_DAYS, MAX_DAYS, REASONS
from lockgate.kernel.params import Array, Boolean, Choice, Integer, Listing, Object, Text, optional, required

KEY_ID = Text(60, pattern=r"key_[0-9A-Za-z]{1,40}")
_NAME = Text(100, pattern=r"[^\x00-\x1f\x7f]+")
_DNS = Text(253, pattern=r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_CSR = required(Text(MAX_PEM), "A certificate request (PKCS #10) in PEM. Its key is taken; its names are not.")
_DAYS = optional(Integer(1, MAX_DAYS), f"How long it lives; {DEFAULT_DAYS} if not given.")

CREATE = Object(
    {
        "csr": _CSR,
        "api_key": optional(KEY_ID, "Only together with this API key; else with any of the account's in this mode."),
        "days": _DAYS,
        "name": optional(_NAME, "What it is for, in words of your own."),
    }
)
REGISTER = Object(
    {
        "certificate": required(
            Text(MAX_PEM), "A client certificate that others signed, or the authority that signs yours, in PEM."
        ),
        "api_key": optional(KEY_ID, "Only together with this API key."),
        "name": optional(_NAME),
        "names": optional(
            Array(_DNS, 20), "Of an authority that signs for others too: host names, one of which yours must hold."
        ),
    }
)
RENEW = Object({"csr": _CSR, "days": _DAYS})
REVOKE = Object({"reason": optional(Choice(*REASONS))})
LIST = Listing({"status": optional(Choice("active", "expired", "revoked"))}).object()
REQUIRE = Object(
    {
        "required": required(Boolean()),
        "api_key": optional(KEY_ID, "This key; else every secret and restricted key of the account in this mode."),
    }
)
NOTHING = Object({})
