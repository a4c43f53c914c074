"""The official Node SDK against a started Lockgate."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.running import Running

NODE = Path(__file__).parent / "node"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules").is_dir(),
    reason="node or its packages are not installed: run 'npm ci' in tests/sdk/node",
)


def test_the_whole_lifecycle(lockgate: Running) -> None:
    done = subprocess.run(
        ["node", "lifecycle.mjs"],
        cwd=NODE, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "LOCKGATE_URL": lockgate["api"], "LOCKGATE_KEY": lockgate["secret_key"],
             "LOCKGATE_CA": lockgate["ca_file"]},
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["paid"] == {"status": "succeeded", "captured": True, "email": "grace@example.com"}
    assert seen["captured"] == {"before": "requires_capture", "after": "succeeded", "received": 4000}
    assert seen["refund"] == {"status": "succeeded", "amount": 1500}
    assert seen["tooMuch"]["type"] == "StripeInvalidRequestError" and seen["tooMuch"]["param"] == "amount"
    assert seen["declined"] == {"type": "StripeCardError", "code": "card_declined", "status": 402}
    assert seen["unknown"]["code"] == "parameter_unknown" and seen["unknown"]["param"] == "shoe_size"
    assert seen["idempotent"] is True
    assert seen["listed"] == 1
    assert seen["setup"] == "succeeded"
    assert seen["pages"] == {"forwards": True, "backwards": True, "searched": True}
