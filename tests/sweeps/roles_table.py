"""Who may do what: one line for each operation, computed from its declaration. ``python -m tests.sweeps.roles_table``
writes it to roles.txt, where a change of it is read in the diff.
"""

from pathlib import Path

from tools.contract.declared import operations

from lockgate.gateway.identity.core.roles import BUILT_IN
from lockgate.gateway.identity.core.strength import permissions_of_key
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import Kind, Principal

FILE = Path(__file__).with_name("roles.txt")
HEADING = (
    "# Which roles may do what, and which keys: made by `python -m tests.sweeps.roles_table` from the declared\n"
    "# operations. A key of the kind restricted, or an app, may do what it was given by name.\n"
)


def role_may(role: str, operation: Operation) -> bool:
    """Whether somebody of this role may."""
    return Principal("acct_x", False, "person", "x", BUILT_IN[role]).may(operation.resource, operation.access)


def key_may(kind: Kind, operation: Operation) -> bool:
    """Whether a key or app of this kind may, with everything given to it that can be."""
    if kind == "publishable":
        return operation.publishable
    if kind == "ephemeral":
        return operation.ephemeral is not None
    return Principal("acct_x", False, kind, "x", permissions_of_key("secret", {})).may(
        operation.resource, operation.access
    )


def table() -> str:
    """The whole file."""
    lines = []
    for operation in operations():
        roles = " ".join(role if role_may(role, operation) else "." * len(role) for role in BUILT_IN)
        kinds: tuple[Kind, ...] = ("secret", "publishable", "ephemeral", "app")
        keys = " ".join(kind for kind in kinds if key_may(kind, operation))
        asked = f"{operation.resource}={operation.access}"
        lines.append(f"{operation.name:34} {asked:27} {roles} | {keys}".rstrip())
    return HEADING + "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(table())
    print(f"wrote {FILE}: read the difference")
