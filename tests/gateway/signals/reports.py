"""Reports as browsers send them: of a person who typed her e-mail address, and whatever a test changes about that."""

from typing import Any

from lockgate.gateway.signals.core import params
from lockgate.gateway.signals.core.fingerprint import agent_hash
from lockgate.kernel.params import nest, read_fields

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
DEVICE = {
    "timezone": "Europe/Berlin", "languages": "de-DE,de,en", "platform": "Linux x86_64", "vendor": "Google Inc.",
    "agent": agent_hash(AGENT), "hint_platform": "Linux", "hint_mobile": "false", "hint_brands": "Chromium",
    "cores": 8, "memory": 32, "screen": "1920x1080x24", "window": "1500x1000x1500x900", "ratio": 100, "touch": 0,
    "pointer": "fine", "hover": "true", "gamut": "srgb", "plugins": 5, "pdf": "true", "cookies": "true",
    "storage": "true", "math": "0a1b2c3d", "webdriver": "false", "automation": "false",
}  # fmt: skip
VISIT = {
    "form_ms": 41_250, "visible_ms": 40_900, "focus_ms": 30_000, "fields": 4, "blurs": 4, "keys": 40, "untrusted": 0,
    "injected": 0, "overlaps": 3, "corrections": 2, "pastes": 0, "autofills": 0,
}  # fmt: skip
HOLDS = "13_14_15_15_16_16_17_17_17_18_18_18_19_19_20_20_21_22_23_26"
GAPS = "17_20_22_24_25_27_28_30_31_33_35_38_41_44_49_56_70_98_150"
CARD = {"count": 19, "hold_mean": 18, "hold_deviation": 4, "gap_mean": 36, "gap_deviation": 19}
POINTER = {
    "moves": 220, "path": 2_400, "straightness": 870, "clicks": 4, "still": 0, "touches": 0, "scrolls": 1,
    "strokes": ".".join(
        ["40_620_510_902_310_640_990_1800_380_140_900_31_2_8_16_17_40_12_301_91",
         "38_540_430_940_280_600_950_1650_420_120_700_28_1_8_16_17_33_85_221_84",
         "40_700_620_880_330_690_1050_2100_350_180_1100_36_3_8_16_17_50_190_0_0"]
    ),
}  # fmt: skip


def person(**changes: Any) -> dict[str, Any]:
    """The fields of a person's report; ``device_touch=5`` changes one, None leaves it out."""
    parts = {"device": DEVICE, "visit": VISIT, "pointer": POINTER, "card": CARD}
    form: dict[str, Any] = {"signals[version]": 1}
    for part, values in parts.items():
        form |= {f"signals[{part}][{name}]": value for name, value in values.items()}
    form |= {"signals[typing][email][holds]": HOLDS, "signals[typing][email][gaps]": GAPS}
    for name, value in changes.items():
        part, _, rest = name.partition("_")
        key = f"signals[{part}][{rest}]" if rest else f"signals[{part}]"
        form.pop(key, None)
        if value is not None:
            form[key] = value
    return {name: str(value) for name, value in form.items()}


def report(**changes: Any) -> dict[str, Any]:
    """The same, read as the room reads it."""
    fields = [(name, value) for name, value in person(**changes).items()]
    return params.CREATE.parse(nest(fields), "")["signals"]


def body_size(form: dict[str, str]) -> int:
    """The bytes of a form as the collector writes it."""
    text = "&".join(f"{name}={value}" for name, value in form.items())
    assert read_fields(text.encode()) == list(form.items())
    return len(text)
