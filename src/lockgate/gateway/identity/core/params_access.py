"""How permissions are sent: ``permissions[refunds]=write``, by a closed set of resources."""

from lockgate.gateway.identity.core.permissions import GIVEN
from lockgate.kernel.params import Choice, Object, optional

PERMISSIONS = Object({resource: optional(Choice("none", "read", "write")) for resource in GIVEN})
