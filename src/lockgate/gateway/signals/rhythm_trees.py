"""The trees that tell a person's rhythm from a program's, read once from the file that ships with Lockgate."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def trees() -> Mapping[str, Any]:
    """The trees for ``core/rhythm.machine``."""
    return json.loads(resources.files("lockgate.gateway.signals").joinpath("static", "rhythm.json").read_text("utf-8"))
