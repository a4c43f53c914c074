"""What each type of value list takes, and in which form it keeps it."""

import pytest

from lockgate.gateway.risk.core.values import ITEM_TYPES, accepted, index_name, normal
from lockgate.kernel.errors import Refusal

KEPT = [
    ("email", "Some.Body@Example.COM", "some.body@example.com"),
    ("string", "Blue Shoes", "blue shoes"),
    ("case_sensitive_string", "Blue Shoes", "Blue Shoes"),
    ("country", "de", "DE"),
    ("ip_address", "203.0.113.9", "203.0.113.9"),
    ("ip_address", "2001:DB8:0:0::1", "2001:db8::1"),
    ("ip_address", "::ffff:203.0.113.9", "203.0.113.9"),
    ("ip_address", "203.0.113.0/24", "203.0.113.0/24"),
    ("ip_address", "203.0.113.9/32", "203.0.113.9"),
    ("ip_address", "2001:DB8:0::/48", "2001:db8::/48"),
    ("ip_address", "::ffff:203.0.113.0/120", "203.0.113.0/24"),
    ("ip_address", "0.0.0.0/0", "0.0.0.0/0"),
    ("card_bin", "424242", "424242"),
    ("card_fingerprint", "Xt5EWLLDS7FJjR1c", "Xt5EWLLDS7FJjR1c"),
    ("customer_id", "cus_9s6XKzkNRiz8i3", "cus_9s6XKzkNRiz8i3"),
    ("account", "acct_1032D82eZvKYlo2C", "acct_1032D82eZvKYlo2C"),
    ("string", "  padded ", "padded"),
]
REFUSED = [
    ("email", "nobody"),
    ("email", "a b@example.com"),
    ("country", "XX"),
    ("country", "DEU"),
    ("ip_address", "203.0.113.1/24"),
    ("ip_address", "203.0.113.0/33"),
    ("ip_address", "203.0.113.0/255.255.255.0"),
    ("ip_address", "203.0.113.0/"),
    ("ip_address", "203.0.113.0/+8"),
    ("ip_address", "fe80::%eth0/64"),
    ("ip_address", "::ffff:203.0.113.0/24"),
    ("ip_address", "203.0.113"),
    ("ip_address", "fe80::1%eth0"),
    ("card_bin", "42424"),
    ("card_bin", "4242424"),
    ("card_bin", "42424x"),
    ("card_bin", "".join(chr(0xFF10 + digit) for digit in (4, 2, 4, 2, 4, 2))),
    ("customer_id", "pm_1"),
    ("account", "cus_9s6XKzkNRiz8i3"),
    ("card_fingerprint", "a b"),
    ("string", "   "),
]


@pytest.mark.parametrize(("item_type", "given", "kept"), KEPT)
def test_a_value_is_kept_in_one_form(item_type, given, kept):
    assert accepted(item_type, given) == kept
    assert normal(item_type, kept) == kept, "the form is its own form"


@pytest.mark.parametrize(("item_type", "given"), REFUSED)
def test_what_is_no_such_value_is_refused_without_repeating_it(item_type, given):
    with pytest.raises(Refusal) as caught:
        accepted(item_type, given)
    assert caught.value.param == "value"
    assert given.strip() not in caught.value.message or not given.strip()


def test_equal_values_of_two_types_have_nothing_in_common():
    assert len({index_name(item_type) for item_type in ITEM_TYPES}) == len(ITEM_TYPES) == 12
