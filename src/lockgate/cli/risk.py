"""``lockgate risk``: models, rules, tables and simulated shoppers; each command is loaded when it is called."""

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from lockgate.kernel.config import ConfigError

_MODELS = "lockgate.cli.risk_models:app"
_TRAINING = "lockgate.cli.risk_train:app"
COMMANDS = {  # name -> where its app stands, and one line of help; models' commands stand in one app together
    "models": (_MODELS, "List the models that there are, and which one scores."),
    "train": (_TRAINING, "Train a model on stored decisions, or on an imported history."),
    "evaluate": (_MODELS, "Judge a model by what became known of payments."),
    "backtest": (_TRAINING, "Train and judge week after week, on what was known then."),
    "promote": (_MODELS, "Have a model score payments."),
    "shadow": (_MODELS, "Have a model score beside the one that counts."),
    "drift": (_MODELS, "Say how far payments have moved from what a model was trained on."),
    "explain": (_MODELS, "Say what moved the score of one decision."),
    "import-history": (_MODELS, "Make a table to train on of a CSV file with past payments."),
    "label": (_MODELS, "Say that a payment was fraud, or was not."),
    "rules": ("lockgate.cli.risk_rules:app", "Write, try and follow rules."),
    "tables": ("lockgate.cli.risk_tables:app", "Import card ranges, rates and domains."),
    "simulate": ("lockgate.cli.risk_simulate:app", "Send simulated shoppers and fraudsters through the API."),
}


class _Deferred(TyperCommand):
    """Stands for a command in lists and help; the real one is imported when it is called."""

    def __init__(self, name: str, place: str, help_: str) -> None:
        super().__init__(name, help=help_)
        self._place = place

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        module, attribute = self._place.split(":")
        try:
            command: Any = typer.main.get_command(getattr(importlib.import_module(module), attribute))
        except ModuleNotFoundError as error:
            if error.name not in ("lightgbm", "onnx"):
                raise
            raise ConfigError("training needs packages that are not installed: run 'make setup-train'") from error
        if self._place in (_MODELS, _TRAINING):
            command = command.commands[self.name]
        return command.make_context(info_name, args, parent=parent, **extra)


class _Table(TyperGroup):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        return _Deferred(cmd_name, *entry) if entry else None


app = typer.Typer(cls=_Table, rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback()
def risk() -> None:
    """Models, rules, tables and simulated shoppers."""
