"""All pages of the portal."""

from lockgate.gateway.portal import approvals, change_factors, recover, security, sign_in, sign_up, step_up
from lockgate.gateway.portal.ports import Ports
from lockgate.kernel.operations import Page


def pages(ports: Ports) -> list[Page]:
    """What browsers open to sign up, sign in, get back in, and look after their account."""
    return [
        *sign_up.pages(ports),
        *sign_in.pages(ports),
        *recover.pages(ports),
        *step_up.pages(ports),
        *security.pages(ports),
        *change_factors.pages(ports),
        *approvals.pages(ports),
    ]
