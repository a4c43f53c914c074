"""A whole Lockgate whose test mode enforces what live mode does, and that believes what loopback says of addresses."""

import json
import ssl
import subprocess
import tempfile
from pathlib import Path

from lockgate.simulator.shoppers.door import Door
from tests.support.running import Running, lockgate_command, start_lockgate


def start_enforced() -> Running:
    """Start it; stop it with ``discard``."""
    directory = Path(tempfile.mkdtemp(prefix="lockgate-", dir="/tmp"))
    directory.chmod(0o755)
    home = directory / "home"
    subprocess.run([*lockgate_command(), "init", "--home", str(home)], check=True, capture_output=True, timeout=60)
    file = home / "settings.json"
    settings = json.loads(file.read_text())
    settings["risk"] = {"enforce_in_test": True, "deadline_ms": 1000}  # a busy machine's tests judge the verdicts
    settings["proxies"] = {"networks": ["127.0.0.0/8"], "header": "X-Forwarded-For"}
    file.write_text(json.dumps(settings))
    return start_lockgate(directory)


def open_door(running: Running) -> Door:
    """The way to its API."""
    keys = json.loads((running.home / "secrets" / "keys.json").read_text())
    tls = ssl.create_default_context(cafile=str(running.home / "ca" / "ca.pem"))
    return Door(running["api"], keys["secret_key"], keys["publishable_key"], tls)
