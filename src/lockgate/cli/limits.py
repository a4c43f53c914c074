"""``lockgate limits``: how fast each may be; and which limits recorded traffic would fit."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.web import api_limits, find_limits, set_limit
from lockgate.gateway.web.find_limits import LimitRow, TrafficRow
from lockgate.gateway.web.limits_rules import CLASSES, MODES, SCOPES, Rule
from lockgate.gateway.web.limits_suggest import DEFAULT_SHARE, Candidate, candidates, peaks, weigh
from lockgate.gateway.web.limits_traffic import unpacked
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

ModeOption = Annotated[str, typer.Option("--mode", help="test or live.")]
PlatformOption = Annotated[bool, typer.Option("--platform", help="For all accounts, in both modes.")]


@app.command("list")
def list_command(
    *, mode: ModeOption = "test", account: AccountOption = None, home: HomeOption = DEFAULT_HOME
) -> None:
    """Show every limit that holds for an account: defaults, what the operator set, what the account set."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> Sequence[dict[str, Any]]:
        who = await operator(desk, place, account, livemode=_live(mode))
        return await api_limits.all_of(desk.pool, who.account, who.livemode)

    for limit in at_desk(place, work):
        print(_line(limit))


@app.command("set")
def set_command(
    scope: Annotated[str, typer.Argument(help=f"{', '.join(SCOPES)}: whose requests are counted together.")],
    *,
    rate: Annotated[int, typer.Option(help="How many requests in --per seconds.", min=1, max=api_limits.MOST)],
    burst: Annotated[int, typer.Option(help="How many of them at once.", min=1, max=api_limits.MOST)],
    per: Annotated[int, typer.Option(help="In how many seconds.", min=1, max=api_limits.LONGEST_S)] = 1,
    subject: Annotated[str, typer.Option(help="One key, person or app; by default each of them.")] = "",
    class_: Annotated[str, typer.Option("--class", help=f"{', '.join(CLASSES)}; by default all requests.")] = "",
    at_once: Annotated[int | None, typer.Option(help="How many may be under way.", min=1)] = None,
    observe: Annotated[bool, typer.Option("--observe", help="Only count what it would refuse.")] = False,
    mode: ModeOption = "test",
    platform: PlatformOption = False,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Set a limit that the account itself cannot loosen. Every gateway process feels it within a second."""
    if scope not in SCOPES or (class_ and class_ not in CLASSES):
        raise ConfigError(f"a limit is of {', '.join(SCOPES)}, and of a class of {', '.join(CLASSES)}")
    place = Home(home.resolve())
    rule = Rule(new_id("rl"), scope, subject, class_, rate, per, burst, at_once, MODES[observe])

    async def work(desk: Desk) -> LimitRow:
        who = await _who(desk, place, account, mode=mode, platform=platform)
        async with desk.pool.acquire() as connection, connection.transaction():
            return await set_limit.put(connection, who, rule, now=clock.now())

    row = at_desk(place, work)
    print(_line(api_limits.shown(row.rule, set_by="operator", livemode=_live(mode), row=row)))


@app.command("remove")
def remove_command(
    limit: Annotated[str, typer.Argument(help="The limit's id, from 'limits list'.")],
    *,
    mode: ModeOption = "test",
    platform: PlatformOption = False,
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Remove a limit: what it replaced holds again."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> None:
        who = await _who(desk, place, account, mode=mode, platform=platform)
        async with desk.pool.acquire() as connection, connection.transaction():
            await set_limit.remove(connection, who, limit)

    at_desk(place, work)
    print(f"removed {limit}")


@app.command("suggest")
def suggest_command(
    *,
    days: Annotated[int, typer.Option(help="How many days of traffic to look at.", min=1, max=14)] = 7,
    share: Annotated[
        float, typer.Option(help="Of legitimate requests, the most that a limit may refuse.", min=0.0, max=0.1)
    ] = DEFAULT_SHARE,
    rate: Annotated[int | None, typer.Option(help="With --burst: weigh this limit instead.", min=1)] = None,
    burst: Annotated[int | None, typer.Option(help="With --rate: weigh this limit instead.", min=1)] = None,
    mode: ModeOption = "live",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Run candidates over recorded traffic again and say what each would have refused. Nothing is changed."""
    if (rate is None) != (burst is None):
        raise ConfigError("--rate and --burst are weighed together: give both, or none")
    place = Home(home.resolve())

    async def work(desk: Desk) -> Sequence[TrafficRow]:
        who = await operator(desk, place, account, livemode=_live(mode))
        return await find_limits.traffic(
            desk.pool, who.account, who.livemode, since_hour=clock.now() - days * 86_400
        )

    rows = at_desk(place, work)
    if not rows:
        print(f"no traffic of the last {days} days is recorded in {mode} mode: it is written once a minute")
    for (subject, cls), buckets in sorted(_kinds(rows).items()):
        asked = sum(row.asked for row in rows if (row.subject, row.cls) == (subject, cls))
        refused = sum(row.refused for row in rows if (row.subject, row.cls) == (subject, cls))
        second, minute = peaks(buckets.values())
        apart = "" if set(buckets) == {""} else f" from {len(buckets)} addresses, each limited apart"
        print(f"{subject}  {cls or 'all'}: {asked} requests{apart}; most in a second {second}, in a minute {minute};"
              f" refused until now {refused}")  # fmt: skip
        if rate is not None and burst is not None:
            found: Sequence[Candidate] = [weigh(buckets.values(), rate=rate, burst=burst)]
        else:
            found = candidates(buckets.values(), most=share)
        for one in found:
            print(f"    {one.rate:>5}/s burst {one.burst:<5} would have refused {one.refused} ({one.share:.4%})")
        if not found:
            print("    no limit of up to 5000/s refuses so few")


def _kinds(rows: Sequence[TrafficRow]) -> dict[tuple[str, str], dict[str, dict[int, int]]]:
    """By key and class, per sender that is limited apart, how many requests came in which second.

    The class '' is all requests of a key together: that is what its own limit counts.
    """
    found: dict[tuple[str, str], dict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        for second, count in unpacked(row).items():
            for cls in ("", row.cls):
                bucket = found[(row.subject, cls)][row.sender]
                bucket[second] = bucket.get(second, 0) + count
    return found


async def _who(desk: Desk, home: Home, account: str | None, *, mode: str, platform: bool) -> Principal:
    who = await operator(desk, home, account, livemode=_live(mode))
    return set_limit.platform(who) if platform else who


def _live(mode: str) -> bool:
    if mode not in ("test", "live"):
        raise ConfigError("--mode is test or live")
    return mode == "live"


def _line(limit: dict[str, Any]) -> str:
    about = f"{limit['scope']} {limit['subject'] or ''}".strip()
    per = "s" if limit["per_seconds"] == 1 else f"{limit['per_seconds']} s"
    words = [limit["id"], about, limit["class"] or "all", f"{limit['rate']}/{per} burst {limit['burst']}"]
    if limit["at_once"] is not None:
        words.append(f"{limit['at_once']} at once")
    words.append(limit["set_by"])
    if limit["observed"] is not None:
        words.append("observes: {would_refuse} of {asked} would have been refused".format(**limit["observed"]))
    return "  ".join(words)
