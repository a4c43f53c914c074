"""Renews the shipped list of domains that give throw-away e-mail addresses (disposable-email-domains, CC0).

    pip download disposable-email-domains --no-deps
    python tools/renew_domains.py disposable_email_domains-*.whl
"""

import ast
import sys
import zipfile
from pathlib import Path

from lockgate.gateway.geography.core import domains

TARGET = Path(__file__).parents[1] / "src/lockgate/gateway/geography/data/disposable_domains.txt"


def main(wheel: Path) -> None:
    """Write the list that ``wheel`` holds as a set called blocklist."""
    with zipfile.ZipFile(wheel) as archive:
        tree = ast.parse(archive.read("disposable_email_domains/__init__.py"))
        day = max(info.date_time for info in archive.infolist() if info.filename.endswith("__init__.py"))
    [listed] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "blocklist"
    ]
    table = domains.read(sorted(ast.literal_eval(listed)))
    TARGET.write_text("".join(f"{domain}\n" for domain in table.rows))
    date = f"{day[0]}-{day[1]:02d}-{day[2]:02d}"
    sys.stdout.write(f"{TARGET}: {len(table.rows)} domains of {date}: put that into editions.json\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
