"""How events and stored answers are kept small: JSON, deflated against a dictionary of the words they all share."""

import json
import zlib
from typing import Any

_MARK = b"\x01"
# The words that every payment object repeats; changing them needs a new mark, for what is stored was made with these.
_WORDS = (
    b'"automatic_payment_methods":null,"canceled_at":null,"cancellation_reason":null,"livemode":false,"met'
    b'adata":{},"application":null,"application_fee_amount":null,"on_behalf_of":null,"transfer_data":null,'
    b'"transfer_group":null,"statement_descriptor":null,"statement_descriptor_suffix":null,"shipping":null'
    b',"source":null,"review":null,"setup_future_usage":null,"receipt_email":null,"processing":null,"payme'
    b'nt_method_options":{"card":{"installments":null,"mandate_options":null,"network":null,"request_three'
    b'_d_secure":"automatic"}},"payment_method_types":["card"],"object":"payment_intent","capture_method":'
    b'"automatic","confirmation_method":"automatic","last_payment_error":null,"next_action":null,"latest_c'
    b'harge":"ch_","client_secret":"pi_","status":"succeeded","amount_capturable":0,"amount_received":0,"a'
    b'mount_details":{"tip":{}},"description":null,"currency":"usd","customer":null,"invoice":null,"paymen'
    b't_method":"pm_","created":1,"object":"charge","paid":true,"captured":true,"refunded":false,"disputed'
    b'":false,"failure_code":null,"failure_message":null,"fraud_details":{},"failure_balance_transaction":'
    b'null,"balance_transaction":"txn_","receipt_number":null,"receipt_url":null,"radar_options":{},"calcu'
    b'lated_statement_descriptor":null,"source_transfer":null,"billing_details":{"address":{"city":null,"c'
    b'ountry":null,"line1":null,"line2":null,"postal_code":null,"state":null},"email":null,"name":null,"ph'
    b'one":null,"tax_id":null},"outcome":{"network_status":"approved_by_network","reason":null,"risk_level'
    b'":"normal","risk_score":0,"seller_message":"Payment complete.","type":"authorized"},"payment_method_'
    b'details":{"card":{"brand":"visa","checks":{"address_line1_check":null,"address_postal_code_check":nu'
    b'll,"cvc_check":"pass"},"country":"US","exp_month":12,"exp_year":2030,"fingerprint":"","funding":"cre'
    b'dit","last4":"4242","network":"visa","three_d_secure":null,"wallet":null},"type":"card"},"refunds":{'
    b'"object":"list","data":[],"has_more":false,"url":"/v1/charges/ch_'
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
