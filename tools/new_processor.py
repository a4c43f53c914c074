"""Writes the files of a new processor adapter from templates: ``python tools/new_processor.py NAME``.

Makes the adapter, its own test and the example settings beside its transcripts. Nothing else needs an edit: the
registry finds the adapter, and the contract test then fails point by point, which is the checklist.
"""

import argparse
import keyword
import re
import sys
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_RESERVED = {"contract", "registry", "contracts", "transcripts", "driving"}


def problem_with(name: str) -> str | None:
    """Why ``name`` cannot be a processor's name, or None."""
    if len(name) > 40 or not _NAME.fullmatch(name):
        return "a name has lower-case letters, digits and single underscores, and begins with a letter"
    if name in _RESERVED or name.endswith("_answers") or keyword.iskeyword(name):
        return "that name has another use"
    return None


def files_of(name: str, root: Path) -> dict[Path, str]:
    """Where each new file goes, and what it says."""
    tests = root / "tests" / "gateway" / "processors"
    places = {
        root / "src" / "lockgate" / "gateway" / "processors" / f"{name}.py": "processor.py.tmpl",
        tests / f"test_{name}.py": "test_processor.py.tmpl",
        tests / "transcripts" / name / "settings.json": "settings.json.tmpl",
    }
    class_name = "".join(part.capitalize() for part in name.split("_"))
    words = {"@NAME@": name, "@CLASS@": class_name, "@HOST@": name.replace("_", "-")}
    written = {}
    for place, template in places.items():
        text = (TEMPLATES / template).read_text()
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        written[place] = text
    return written


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write a new processor adapter and its test from templates.")
    parser.add_argument("name", help="the processor's name, such as acme_pay")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="the project (default: this one)")
    options = parser.parse_args(arguments)
    problem = problem_with(options.name)
    if problem:
        sys.stderr.write(f"{options.name!r}: {problem}\n")
        return 2
    files = files_of(options.name, options.root)
    for place in files:
        if place.exists():
            sys.stderr.write(f"{place} exists already; nothing was written\n")
            return 1
    for place, text in files.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        sys.stdout.write(f"wrote {place.relative_to(options.root)}\n")
    sys.stdout.write(
        f"Next: read docs/processors.md, then let this be the checklist:\n"
        f"  .venv/bin/pytest tests/gateway/processors -k {options.name}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
