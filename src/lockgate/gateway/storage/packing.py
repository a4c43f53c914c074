"""How events and stored answers are kept small: JSON, deflated against a dictionary of the words they all share."""

import json
import zlib
from typing import Any

_MARK = b"\x01"
# The words that every payment object repeats; changing them needs a new mark, for what is stored was made with these.
_WORDS = (
    b'"automatic_payment_methods":null,"canceled_at":null,"cancellation_reason":null,"livemode":false,"metadata":{},'
    b'"application":null,"application_fee_amount":null,"on_behalf_of":null,"transfer_data":null,"transfer_group":null,'
    b'"statement_descriptor":null,"statement_descriptor_suffix":null,"shipping":null,"source":null,"review":null,'
    b'"setup_future_usage":null,"receipt_email":null,"processing":null,"payment_method_options":{"card":'
    b'{"installments":null,"mandate_options":null,"network":null,"request_three_d_secure":"automatic"}},'
    b'"payment_method_types":["card"],"object":"payment_intent","capture_method":"automatic","confirmation_method":'
    b'"automatic","last_payment_error":null,"next_action":null,"latest_charge":"ch_","client_secret":"pi_","status":'
    b'"succeeded","amount_capturable":0,"amount_received":0,"amount_details":{"tip":{}},"description":null,"currency":'
    b'"usd","customer":null,"invoice":null,"payment_method":"pm_","created":1,"object":"charge","paid":true,'
    b'"captured":true,"refunded":false,"disputed":false,"failure_code":null,"failure_message":null,"fraud_details":{},'
    b'"failure_balance_transaction":null,"balance_transaction":"txn_","receipt_number":null,"receipt_url":null,'
    b'"radar_options":{},"calculated_statement_descriptor":null,"source_transfer":null,"billing_details":{"address":'
    b'{"city":null,"country":null,"line1":null,"line2":null,"postal_code":null,"state":null},"email":null,"name":'
    b'null,"phone":null,"tax_id":null},"outcome":{"network_status":"approved_by_network","reason":null,"risk_level":'
    b'"normal","risk_score":0,"seller_message":"Payment complete.","type":"authorized"},"payment_method_details":{"card":'
    b'{"brand":"visa","checks":{"address_line1_check":null,"address_postal_code_check":null,"cvc_check":"pass"},"country":"US",'
    b'"exp_month":12,"exp_year":2030,"fingerprint":"","funding":"credit","last4":"4242","network":"visa",'
    b'"three_d_secure":null,"wallet":null},"type":"card"},"refunds":{"object":"list","data":[],"has_more":false,"url":'
    b'"/v1/charges/ch_'
)


def pack(value: Any) -> bytes:
    """``value`` (JSON) or ready bytes, deflated."""
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    squeezer = zlib.compressobj(1, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, _WORDS)
    return _MARK + squeezer.compress(raw) + squeezer.flush()


def unpack_bytes(packed: bytes) -> bytes:
    """The bytes that were packed."""
    assert packed[:1] == _MARK, "an unknown packing"
    return zlib.decompressobj(-15, _WORDS).decompress(packed[1:])


def unpack(packed: bytes) -> Any:
    """The JSON value that was packed."""
    return json.loads(unpack_bytes(packed))
