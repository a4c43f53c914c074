"""Whether a certificate names the subject that an app registered (RFC 8705 2.1.2). Its signer is judged elsewhere."""

import ipaddress
from collections.abc import Mapping

from cryptography import x509

from lockgate.kernel.errors import invalid

NAMES = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")


def check(subject: Mapping[str, str]) -> dict[str, str]:
    """The one name that is registered, in the form in which it is compared."""
    if len(subject) != 1:
        raise invalid("Name one subject: subject_dn, or one alternative name.", param="tls_client_auth")
    name, value = next(iter(subject.items()))
    try:
        if name == "subject_dn":
            value = x509.Name.from_rfc4514_string(value).rfc4514_string()
        elif name == "san_ip":
            value = str(ipaddress.ip_address(value))
        elif name == "san_dns":
            value = value.lower()
    except ValueError:
        raise invalid(f"Invalid {name}: it cannot be read.", param=f"tls_client_auth[{name}]") from None
    return {name: value}


def matches(subject: Mapping[str, str], der: bytes) -> bool:
    """Whether the certificate names ``subject``: the whole distinguished name, or one of its alternative names."""
    if len(subject) != 1:
        return False
    certificate = x509.load_der_x509_certificate(der)
    name, value = next(iter(subject.items()))
    if name == "subject_dn":
        return certificate.subject == x509.Name.from_rfc4514_string(value)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    found = {
        "san_dns": lambda: [one.lower() for one in names.get_values_for_type(x509.DNSName)],
        "san_uri": lambda: names.get_values_for_type(x509.UniformResourceIdentifier),
        "san_ip": lambda: [str(one) for one in names.get_values_for_type(x509.IPAddress)],
        "san_email": lambda: names.get_values_for_type(x509.RFC822Name),
    }
    return value in found[name]()
