"""``lockgate risk simulate``: shoppers and fraudsters who pay at a sandbox's API in test mode."""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from lockgate.cli.merchant import ApiOption, CaOption, KeyOption, Merchant, open_merchant
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.kernel.config import ConfigError, Home
from lockgate.simulator.shoppers.attacks import ATTACKS
from lockgate.simulator.shoppers.door import Door
from lockgate.simulator.shoppers.drive import Broken, Play, Played
from lockgate.simulator.shoppers.stream import Plan, stream

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_A_DAY_EACH = 0.16
_PAGE = 100
_UNJUDGED = ("puzzled", "capped")
_TOLD_EVERY = 20


@app.command()
def simulate(  # noqa: PLR0917 - typer reads the options from the parameters
    home: HomeOption = DEFAULT_HOME,
    api: ApiOption = None,
    key: KeyOption = None,
    ca: CaOption = None,
    publishable: Annotated[
        str | None, typer.Option("--publishable-key", help="By default the sandbox's own.", envvar="LOCKGATE_PUBLIC")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed plays the same shop.")] = 1,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many tries to pay, in all.")] = 200,
    attack: Annotated[list[str] | None, typer.Option(help=f"One or more of {', '.join(ATTACKS)}.")] = None,
    size: Annotated[int, typer.Option(min=1, max=10_000, help="Cards that an attack tries out.")] = 40,
    give_up: Annotated[bool, typer.Option("--give-up", help="Browsers do no work that they are asked for.")] = False,
    machine: Annotated[bool, typer.Option("--json", help="Write the summary as JSON.")] = False,
) -> None:
    """Play a day of a shop: real requests, in test mode, with the test clock moved along. Shows what was decided.

    Velocity and card-testing rules act on it only where settings.json has risk.enforce_in_test; else they are shadows.
    """
    attacks = tuple(attack or ())
    unknown = sorted(set(attacks) - set(ATTACKS))
    if unknown:
        raise ConfigError(f"--attack is one of {', '.join(ATTACKS)}")
    merchant = open_merchant(home, api=api, key=key, ca=ca)
    public = publishable or _publishable(home)
    if "_test_" not in merchant.key or "_test_" not in public:
        raise ConfigError("a play uses test cards and moves the test clock: give test mode keys")
    door = Door(merchant.api, merchant.key, public, merchant.tls)
    play = Play(door, serials=seed * 7_919, solves=not give_up)
    plan = Plan(seed, shoppers=max(10, round(count / _A_DAY_EACH)), days=60, campaigns={}, openings=attacks, size=size)
    told: list[Played] = []

    def tell(one: Played) -> None:
        told.append(one)
        if len(told) % _TOLD_EVERY == 0 and sys.stderr.isatty():
            print(f"\r{len(told)} of {count}", end="", file=sys.stderr, flush=True)

    try:
        play.run(islice(stream(plan), count), tell)
    except (Broken, OSError) as error:
        raise ConfigError(f"the play broke off after {len(told)} tries: {error}") from None
    finally:
        door.close()
    judged = [one.intent for one in told if one.result not in _UNJUDGED]
    verdicts = _verdicts(merchant, judged)
    _show(told, verdicts, machine=machine)


def _publishable(home: Path) -> str:
    place = Home(home.resolve())
    if not place.secrets_file("keys").exists():
        raise ConfigError("there is no kept key: give one with --publishable-key")
    return str(place.secrets("keys")["publishable_key"])


def _verdicts(merchant: Merchant, judged: list[str]) -> Mapping[str, list[str]]:
    """What was decided of each try of the intents ``judged``, the last first."""
    found: dict[str, list[str]] = defaultdict(list)
    wanted, missing, after = set(judged), len(judged), None
    while missing > 0:
        page: dict[str, Any] = {"limit": _PAGE, **({"starting_after": after} if after else {})}
        got = merchant.get("/v1/risk/decisions", page)
        for decision in got["data"]:
            if decision["payment_intent"] in wanted:
                found[decision["payment_intent"]].append(decision["verdict"])
                missing -= 1
        if not got["has_more"]:
            break
        after = got["data"][-1]["id"]
    return found


def _show(told: list[Played], verdicts: Mapping[str, list[str]], *, machine: bool) -> None:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    left = {intent: list(reversed(words)) for intent, words in verdicts.items()}
    for one in told:
        kind, words = kinds[one.payment.kind], left.get(one.intent)
        kind["tries"] += 1
        kind[one.result] += 1
        kind["puzzles"] += one.puzzles
        kind["fraud"] += one.payment.fraud
        if one.result not in _UNJUDGED and words:
            kind[f"verdict {words.pop(0)}"] += 1
    if machine:
        print(json.dumps({kind: dict(sorted(counts.items())) for kind, counts in sorted(kinds.items())}))
        return
    columns = ("tries", "approved", "declined", "reviewed", "challenged", "puzzled", "capped", "puzzles",
               "verdict allow", "verdict flag", "verdict challenge", "verdict review", "verdict block")  # fmt: skip
    shown = [column for column in columns if any(counts[column] for counts in kinds.values())]
    width = max(map(len, kinds))
    print("  ".join([" " * width, *(column.removeprefix("verdict ").rjust(10) for column in shown)]))
    for kind in sorted(kinds, key=lambda name: (name in ATTACKS, name)):
        print("  ".join([kind.ljust(width), *(str(kinds[kind][column]).rjust(10) for column in shown)]))
