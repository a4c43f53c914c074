"""By what customers can be searched."""

from lockgate.kernel.search import Catalogue, Subject

SEALED = ("email", "name", "phone")
CUSTOMERS = Subject(
    "customer",
    Catalogue(
        {
            "created": "number",
            "email": "sealed",
            "metadata": "pairs",
            "name": "sealed",
            "phone": "sealed",
        }
    ),
    anchors=("email", "phone", "name", "metadata"),
)
