"""``lockgate certs acme``: a public authority's certificate for the public name; renewed from then on."""

from pathlib import Path
from typing import Annotated

import typer

from lockgate.cli import acme, listeners
from lockgate.cli import home as homes
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.kernel.config import ConfigError, Home

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


def obtain(
    domain: Annotated[list[str], typer.Option("--domain", help="The public name; repeatable.")],
    *,
    email: Annotated[str | None, typer.Option(help="Where the authority writes to.")] = None,
    directory: Annotated[str, typer.Option(help="The authority's ACME directory.")] = LETS_ENCRYPT,
    directory_ca: Annotated[Path | None, typer.Option(help="What to trust there, of your own authority.")] = None,
    http: Annotated[
        str, typer.Option(help="Where to answer the challenge: the name's port 80 must lead here.", metavar="HOST:PORT")
    ] = "0.0.0.0:80",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Get a certificate for the API's public name. By this you agree to the authority's terms."""
    place = Home(home.resolve())
    names = tuple(dict.fromkeys(name.lower() for name in domain))
    if not directory.startswith("https://"):
        raise ConfigError("--directory takes an https URL")
    order = acme.Order(
        names, directory, email, listeners.parse(http), None if directory_ca is None else str(directory_ca.resolve())
    )
    made = acme.obtain(place, order)
    settings = place.settings()
    settings["api"]["acme"] = order.settings()
    homes.write_json(place.settings_file, settings, 0o644)
    print(f"{', '.join(names)} until {made.not_valid_after_utc:%Y-%m-%d}: shown to whoever asks for the name")
