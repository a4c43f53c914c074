"""What a payment page's collector would send of a simulated visit, as form fields of POST /v1/radar/sessions."""

import zlib
from collections.abc import Mapping

from lockgate.simulator.shoppers.payment import Visit

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
_ZONES = {
    "US": "America/Chicago", "GB": "Europe/London", "DE": "Europe/Berlin", "FR": "Europe/Paris",
    "NL": "Europe/Amsterdam", "IT": "Europe/Rome", "ES": "Europe/Madrid", "AT": "Europe/Vienna",
    "CH": "Europe/Zurich", "CA": "America/Toronto", "AU": "Australia/Sydney", "JP": "Asia/Tokyo",
    "NG": "Africa/Lagos", "RO": "Europe/Bucharest", "VN": "Asia/Ho_Chi_Minh", "BR": "America/Sao_Paulo",
    "ID": "Asia/Jakarta", "UA": "Europe/Kyiv",
}  # fmt: skip
_FAR = {"Asia/Tokyo": "America/Chicago"}


def fields(visit: Visit, *, country: str, device_token: str | None) -> Mapping[str, str]:
    """The report of ``visit`` from an address in ``country``; ``device_token`` is what an earlier answer gave."""
    zone = _ZONES[country]
    if visit.is_timezone_foreign:
        zone = _FAR.get(zone, "Asia/Tokyo")
    kind = zlib.crc32(visit.device.encode())
    agent = _fnv(AGENT)
    device = {
        "timezone": zone, "agent": agent, "platform": "Linux x86_64", "hint_platform": "Linux", "languages": "en",
        "cores": 2 + kind % 15, "screen": f"{1200 + kind % 900}x{700 + kind % 500}x24", "pointer": "fine",
        "touch": 0, "webdriver": visit.is_webdriver, "plugins": 5, "cookies": True, "storage": True,
        "math": f"{kind:08x}",
    }  # fmt: skip
    if visit.device_conflicts > 0:
        device["platform"] = "Win32"
    if visit.device_conflicts > 1:
        device["touch"], device["hint_mobile"] = 5, True
    keys = 0 if visit.is_card_autofilled else 4 if visit.is_card_pasted else 22
    seen = {"form_ms": int(visit.form_seconds * 1000), "keys": keys, "fields": 4}
    if visit.bot_score > 50:
        seen["injected"] = 4
        seen["untrusted"] = int(visit.bot_score > 80) * 20
    report = {f"signals[device][{name}]": value for name, value in device.items()}
    report |= {f"signals[visit][{name}]": value for name, value in seen.items()}
    report |= {
        "signals[version]": 1, "signals[card][pasted]": visit.is_card_pasted,
        "signals[card][autofilled]": visit.is_card_autofilled,
    }  # fmt: skip
    if visit.pointer_straightness is not None:
        report |= {
            "signals[pointer][moves]": 120, "signals[pointer][path]": 2400,
            "signals[pointer][straightness]": int(visit.pointer_straightness * 1000), "signals[pointer][clicks]": 3,
        }  # fmt: skip
    if device_token is not None:
        report["device"] = device_token
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in report.items()}


def _fnv(text: str) -> str:
    """FNV-1a as the collector takes it."""
    total = 0x811C9DC5
    for letter in text:
        total = (total ^ ord(letter)) * 0x01000193 & 0xFFFFFFFF
    return f"{total:08x}"
