"""The words in which an API object declares its fields: what is nullable, expandable or personal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an API object.

    ``schema`` is its JSON Schema when not null. ``expands`` names the kind that an id here can be expanded to;
    ``inside`` does so for ids one step further in (``{"default_payment_method": "payment_method"}``). ``lists`` names
    the kind of a list's items: where the list is null a loader called ``<kind>.<field>`` gives it for the object's id
    when it is asked for, and its items can be expanded in turn. ``hollow`` may be asked for like these, and stays what
    it is: here it never holds an id.
    ``personal`` marks data about a person: it is stored only in the encrypted ``personal`` column.
    ``public`` marks what a publishable key may see.
    """

    schema: Mapping[str, Any]
    nullable: bool = False
    default: Any = None
    expands: str | None = None
    inside: Mapping[str, str] = field(default_factory=dict)
    lists: str | None = None
    hollow: bool = False
    personal: bool = False
    public: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of API object: every field it always has. ``former`` ones appear before the version that ended them."""

    kind: str
    fields: Mapping[str, Field]
    former: Mapping[str, tuple[str, Field]] = field(default_factory=dict)
    _nulls: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)
    _personal: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "_nulls", {name: f.default for name, f in self.fields.items()})
        object.__setattr__(self, "_personal", tuple(name for name, f in self.fields.items() if f.personal))

    def render(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """``values`` as a whole object: absent fields get their default, in the shape's order; strangers are a bug."""
        rendered = {**self._nulls, **values}
        assert len(rendered) == len(self._nulls), f"{self.kind} has no field {set(values) - set(self._nulls)}"
        return rendered

    def field(self, name: str, version: str) -> Field | None:
        """The field ``name`` as requests of ``version`` know it."""
        found = self.fields.get(name)
        if found is None and name in self.former:
            until, former = self.former[name]
            return former if version[:10] < until else None
        return found

    def split(self, rendered: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """``rendered`` without its personal values, and those values apart."""
        personal = {name: rendered[name] for name in self._personal if rendered[name] != self._nulls[name]}
        return {**rendered, **{name: self._nulls[name] for name in personal}}, personal

    def reduce(self, rendered: Mapping[str, Any]) -> dict[str, Any]:
        """Only what a publishable key may see."""
        return {name: rendered[name] for name, f in self.fields.items() if f.public}

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema 2020-12 of this object, closed."""
        return {
            "type": "object",
            "properties": {name: _schema(f) for name, f in self.fields.items()},
            "required": list(self.fields),
            "additionalProperties": False,
        }


def _schema(f: Field) -> dict[str, Any]:
    options = [dict(f.schema)] if f.schema else []
    if f.expands:
        options.append({"$ref": f"#/components/schemas/{f.expands}"})
    if f.nullable:
        options.append({"type": "null"})
    return options[0] if len(options) == 1 else {"anyOf": options}


STRING: Mapping[str, Any] = {"type": "string"}
INTEGER: Mapping[str, Any] = {"type": "integer"}
BOOLEAN: Mapping[str, Any] = {"type": "boolean"}
OBJECT: Mapping[str, Any] = {"type": "object"}
METADATA: Mapping[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}


def const(word: str) -> Mapping[str, Any]:
    """Always this word."""
    return {"type": "string", "const": word}


def one_of(*words: str) -> Mapping[str, Any]:
    """One word of a closed set."""
    return {"type": "string", "enum": list(words)}


def list_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """An array of one kind of item."""
    return {"type": "array", "items": dict(schema)}
