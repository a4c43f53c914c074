"""Loads onnxruntime, told to report to nobody.

Once loaded it would keep an id of this machine in the user's home and send its maker what runs here, and its own switch
for that comes too late: only the environment is read before.
"""

import importlib
from typing import Any

from lockgate.kernel.config import set_environment

set_environment("ORT_DISABLE_TELEMETRY", "1")
onnxruntime: Any = importlib.import_module("onnxruntime")
onnxruntime.disable_telemetry_events()
