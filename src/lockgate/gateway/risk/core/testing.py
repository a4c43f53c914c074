"""What a payment looks like by which somebody finds out whether a stolen card still works: conditions of our rules.

A try is a declined attempt. Raw counts alone would stop a carrier's address or a popular bank's first six digits, behind
which many honest people stand: so each condition asks for declines, for many cards, and for a share of what was tried.
"""

from collections.abc import Mapping

CONDITIONS: Mapping[str, str] = {
    # One card tried again and again, with other codes and dates.
    "card_tried": ":card_declines_1h: >= 5 or :card_declines_24h: >= 10",
    # Many cards from one address or device.
    "ip_tests_cards": ":ip_cards_1h: >= 4 and :ip_declines_1h: >= 4 and :ip_declines_1h: * 2 >= :ip_attempts_1h:",
    "device_tests_cards": (
        ":device_cards_1h: >= 4 and :device_declines_1h: >= 4 and :device_declines_1h: * 2 >= :device_attempts_1h:"
    ),
    # One bank's cards from many addresses.
    "bin_tested": (
        ":bin_cards_1h: >= 12 and :bin_ips_1h: >= 8 and :bin_declines_1h: >= 12"
        " and :bin_declines_1h: * 10 >= :bin_attempts_1h: * 7"
    ),
    # The same, slowly.
    "ip_drips": ":ip_cards_24h: >= 8 and :ip_declines_24h: >= 10 and :ip_declines_24h: * 10 >= :ip_attempts_24h: * 7",
    "device_drips": (
        ":device_cards_24h: >= 8 and :device_declines_24h: >= 10"
        " and :device_declines_24h: * 10 >= :device_attempts_24h: * 7"
    ),
}
"""Name -> when it is so."""
