"""Write the reference part of config/README.md from the schema and the plug-ins' dataclasses.

Run it after any change of an option: ``.venv/bin/python docs/generate_config_reference.py``.
A test compares the page with what this module gives.
"""

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from hoag import registry  # noqa: E402
from hoag.active.interest import Weights  # noqa: E402
from hoag.active.protocol import Arrivals, Protocol  # noqa: E402
from hoag.metrics import Truth  # noqa: E402

PAGE = ROOT / "config" / "README.md"
SCHEMA = ROOT / "config" / "schemas" / "config.schema.yaml"
COLLECTION = ROOT / "config" / "schemas" / "collection.schema.yaml"
BEGIN = "<!-- written by docs/generate_config_reference.py, from here -->\n"
END = "<!-- to here -->\n"

_HEAD = "| key | type | unit | default | allowed | meaning |\n|---|---|---|---|---|---|\n"
_TYPES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    dict: "mapping",
    Any: "any",
    type(None): "null",
}
_SCHEMA_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "null": "null",
}
_PLACES = {
    "surveys": ("Surveys", "`survey: {kind: ..., <options>}`"),
    "transforms": ("Transforms", "`images: [{kind: ..., <options>}, ...]`, in order"),
    "features": ("Features", "`features: {<name>: {kind: ..., <options>}}`"),
    "detectors": ("Detectors", "`detectors: {<name>: {kind: ..., <options>}}`"),
    "embeddings": ("Embeddings", "`embeddings: {<name>: {kind: ..., <options>}}`"),
    "learners": ("Learners", "`experiments: {<name>: {learner: {kind: ..., <options>}}}`"),
    "strategies": ("Strategies", "`experiments: {<name>: {strategy: {kind: ..., <options>}}}`"),
}


def reference() -> str:
    """The whole generated part, in Markdown."""
    schema = yaml.safe_load(SCHEMA.read_text())
    parts = ["## Keys of the workflow\n\n" + _HEAD + "".join(_rows_of_schema(schema, schema, ""))]
    parts.append(
        "## Truth\n\nUnder `truth:`. What the labels mean; the metrics need it.\n\n"
        + _table(Truth, "truth.")
    )
    parts.append(
        "## Protocol\n\nUnder `protocol:`, for all `experiments`; one may differ from it under "
        "its own `protocol:`.\n\n"
        + _table(Protocol, "protocol.")
        + "\nAn entry of `arrivals`:\n\n"
        + _table(Arrivals, "protocol.arrivals[].")
        + "\nAn entry of `interest`:\n\n"
        + _table(Weights, "protocol.interest[].")
    )
    parts.append("## Models\n\nTrained once for each seed where a detector needs them.\n")
    for name in schema["properties"]["models"]["properties"]:
        module = registry.load("models", name)
        parts.append(f"### `models.{name}`\n\n{_about(module)}\n\n" + _table(module.Options))
    for family, (title, place) in _PLACES.items():
        parts.append(f"## {title}\n\nNamed as {place}.\n")
        parts += [_plugin(family, kind) for kind in registry.names(family)]
    schema = yaml.safe_load(COLLECTION.read_text())
    parts.append(
        "## Collections\n\nA file with a section `collect:` is no run: it puts finished runs of "
        "several data sets together, in figures and a table.\n\n"
        + _HEAD
        + "".join(_rows_of_schema(schema, schema, ""))
    )
    return "\n".join(parts)


def written(page: str) -> str:
    """``page`` with its generated part replaced by the present one."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


def _plugin(family: str, kind: str) -> str:
    """Heading, purpose and options of one plug-in."""
    module = registry.load(family, kind)
    text = f"### `{kind}`\n\n{_about(module)} {_takes(module)}".rstrip()
    text += f"\n\n{_table(module.Options)}"
    if family == "surveys":
        own = _table(module.Batch, "batches[].", empty="None; a batch needs a `catalogue`.\n")
        text += f"\nIts own keys of a batch:\n\n{own}"
    return text


def _takes(module: types.ModuleType) -> str:
    """What goes into a plug-in and what comes out, where its family says so."""
    takes = getattr(module, "TAKES", getattr(module, "INPUT", None))
    if takes is None:
        return ""
    takes = takes if isinstance(takes, str) else " or ".join(takes)
    if getattr(module, "NEEDS_COLUMNS", False):
        takes += " and columns of the catalogue"
    gives = getattr(module, "GIVES", "")
    if isinstance(gives, tuple):  # a learner's
        gives = ", ".join(("a score", *gives))
    else:
        gives = gives or ("the same" if hasattr(module, "GIVES") else "")
    gives = f", gives {gives}" if gives else ""
    return f"Takes {takes}{gives}."


def _about(module: types.ModuleType) -> str:
    """First paragraph of a plug-in's docstring."""
    return " ".join(inspect.getdoc(module).partition("\n\n")[0].split())


def _table(options: type, prefix: str = "", empty: str = "No options.\n") -> str:
    """One row for each option of a dataclass."""
    hints = typing.get_type_hints(options)
    rows = [_row_of_option(prefix, f, hints[f.name]) for f in dataclasses.fields(options)]
    return _HEAD + "".join(rows) if rows else empty


def _row_of_option(prefix: str, field: dataclasses.Field, hint: Any) -> str:
    if field.default is not dataclasses.MISSING:
        default = _value(field.default)
    elif field.default_factory is not dataclasses.MISSING:
        default = _value(field.default_factory())
    else:
        default = "required"
    limits = field.metadata
    allowed = _allowed(limits["choices"], limits["minimum"], limits["maximum"])
    key = f"`{prefix}{field.name}`"
    return _row(key, _type(hint), limits["unit"] or "", default, allowed, limits["doc"])


def _rows_of_schema(node: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """One row for each property of a schema's object, and for those inside it."""
    for name, part in node.get("properties", {}).items():
        yield from _rows_of_property(
            part, schema, f"{path}{name}", name in node.get("required", ())
        )
    other = node.get("additionalProperties")
    if isinstance(other, Mapping):
        parts = [_resolved(other, schema), *([other] if "$ref" in other else [])]
        for part in parts:
            yield from _rows_of_schema(part, schema, f"{path}<name>.")


def _rows_of_property(
    part: Mapping[str, Any], schema: Mapping[str, Any], path: str, required: bool
) -> Iterator[str]:
    whole = {**_resolved(part, schema), **part}
    items = _resolved(whole.get("items", {}), schema)
    default = _value(whole["default"]) if "default" in whole else ("required" if required else "")
    allowed = _allowed(whole.get("enum"), whole.get("minimum", items.get("minimum")), None)
    if "pattern" in whole:
        allowed = f"`{whole['pattern']}`"
    n_least = whole.get("minItems", whole.get("minProperties"))
    rules = [
        allowed,
        n_least and f"at least {n_least} {'entry' if n_least == 1 else 'entries'}",
        whole.get("uniqueItems") and "no repeats",
    ]
    allowed = ", ".join(rule for rule in rules if rule)
    key, meaning = f"`{path}`", " ".join(whole.get("description", "").split())
    if path.endswith(".kind") or path == "kind":
        meaning = "Which plug-in; its options stand beside it."
    yield _row(key, _schema_type(whole), "", default, allowed, meaning)
    yield from _rows_of_schema(whole, schema, f"{path}.")
    yield from _rows_of_schema(items, schema, f"{path}[].")


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a ``$ref`` points to; the part itself without one."""
    if "$ref" not in part:
        return part
    return schema["$defs"][part["$ref"].rpartition("/")[2]]


def _schema_type(part: Mapping[str, Any]) -> str:
    found = part.get("type", "string" if "enum" in part else "object")
    if found == "array":
        return "list"
    names = found if isinstance(found, list) else [found]
    return " or ".join(_SCHEMA_TYPES[n] for n in names)


def _type(hint: Any) -> str:
    """A type hint in words."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(a) for a in args)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return f"list ({_type(args[0])})"
        return f"list of {len(args)} ({_type(args[0])})"
    return _TYPES[origin or hint]


def _value(value: Any) -> str:
    """A default as the user would write it in YAML."""
    words = {None: "null", True: "true", False: "false", "": '""'}
    if isinstance(value, (tuple, list)):
        return f"`[{', '.join(_value(v).strip('`') for v in value)}]`"
    if isinstance(value, dict):
        return "`{}`" if not value else f"`{value}`"
    if value is None or isinstance(value, (bool, str)):
        return f"`{words.get(value, value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _allowed(choices: Any, minimum: float | None, maximum: float | None) -> str:
    if choices:
        return ", ".join(_value(c) for c in choices)
    if minimum is not None and maximum is not None:
        return f"{minimum:g} to {maximum:g}"
    if minimum is not None:
        return f"{minimum:g} or more"
    return "" if maximum is None else f"at most {maximum:g}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(c.replace("|", r"\|") for c in cells) + " |\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
