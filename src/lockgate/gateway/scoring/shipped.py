"""The model that comes with Lockgate: trained on our own simulator, and believed only as this source pins it."""

from importlib import resources

from lockgate.gateway.scoring.core.model import Model, Unreadable, read

SHA256 = "a3c58295fb6d285d4503c4eddce52ffcb5300f6e8a2a5e8109affe9c987886fc"
"""What ``python -m tools.train_default`` printed when it was made."""


def shipped() -> Model:
    """The default model. Raises Unreadable when the file is not the one that was shipped."""
    model = read((resources.files("lockgate.gateway.scoring") / "default" / "model.bin").read_bytes())
    if model.sha256 != SHA256:
        raise Unreadable("the shipped model is not the one that this version of Lockgate came with")
    return model
