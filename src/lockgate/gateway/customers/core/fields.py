"""How given parameters become a customer's stored fields: what is cleared, merged, or kept about a person."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers.core.shapes import NO_ADDRESS
from lockgate.kernel.errors import invalid

MAX_METADATA = 50
PERSONAL = ("address", "business_name", "email", "individual_name", "name", "phone", "shipping")


def merged_metadata(before: Mapping[str, str], given: Mapping[str, str] | Any) -> dict[str, str]:
    """``before`` with ``given`` laid over it; an empty value deletes its key, an unset mapping deletes all."""
    if not given:
        return {}
    after = {key: value for key, value in {**before, **given}.items() if value}
    if len(after) > MAX_METADATA:
        raise invalid(f"metadata can hold at most {MAX_METADATA} keys.", param="metadata")
    return after


def public_fields(params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The stored fields that are not about a person, after ``params``."""
    fields = dict(before)
    if "description" in params:
        fields["description"] = params["description"] or None
    if "preferred_locales" in params:
        fields["preferred_locales"] = params["preferred_locales"] or []
    if "metadata" in params:
        fields["metadata"] = merged_metadata(before.get("metadata", {}), params["metadata"])
    if "default_source" in params:
        fields["default_source"] = params["default_source"]
    settings = params.get("invoice_settings", {})
    if "default_payment_method" in settings:
        fields["invoice_settings"] = {"default_payment_method": settings["default_payment_method"] or None}
    return fields


def personal_fields(params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The stored fields about a person, after ``params``; what is null is not kept."""
    fields = dict(before)
    for name in PERSONAL:
        if name in params:
            fields[name] = _value(name, params[name])
    return {name: value for name, value in fields.items() if value is not None}


def _value(name: str, given: Any) -> Any:
    if not given and given != {}:
        return None
    if name == "address":
        return _address(given)
    if name == "shipping":
        return {
            "address": _address(given["address"]),
            "carrier": given.get("carrier"),
            "name": given["name"],
            "phone": given.get("phone") or None,
            "tracking_number": given.get("tracking_number"),
        }
    return given


def _address(given: Mapping[str, Any]) -> dict[str, Any]:
    return {**NO_ADDRESS, **{name: value or None for name, value in given.items()}}
