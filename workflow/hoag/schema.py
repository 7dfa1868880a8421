"""Configurations checked against a JSON schema, faults said in one line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hoag.options import ConfigError, unknown

_SCALARS = yaml.SafeLoader("")  # what a key is: 1 and "1" differ, yes and true do not

_MERGE, _INTEGER = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:int"


def check_text(path: Path) -> None:
    """Refuse what YAML reads otherwise than it looks.

    That is a mapping with a key twice, of which the first would be lost, and numbers that aren't
    decimal: an identifier 0123 without quotes would become 83, and 1:30 become 90.
    """
    try:
        pending = [yaml.compose(path.read_text(), yaml.SafeLoader)]
    except yaml.YAMLError:  # JSON with tabs, which Snakemake has read already
        return
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.MappingNode):
            lines: dict[Any, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                is_plain = isinstance(key, yaml.ScalarNode) and key.tag != _MERGE
                name = _SCALARS.construct_object(key) if is_plain else key
                if name in lines:
                    raise ConfigError(
                        f"{path}: found {name!r} in lines {lines[name]} and {line}, allowed: once"
                    )
                lines[name] = line
                pending.append(value)
        elif isinstance(node, yaml.ScalarNode) and node.tag == _INTEGER:
            if re.fullmatch(r"[-+]?0[0-7_]+|.*:.*", node.value):
                raise ConfigError(
                    f"{path}: found {node.value} in line {node.start_mark.line + 1}, which YAML "
                    f"reads as {_SCALARS.construct_object(node)}, allowed: a decimal number, or "
                    "text in quotes"
                )
        elif isinstance(node, yaml.SequenceNode):
            pending.extend(node.value)


def check_schema(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Check ``config`` against a JSON schema in YAML and fill in the schema's defaults."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    schema = yaml.safe_load(path.read_text())
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise ConfigError(_say(error))
    return _with_defaults(config, schema)


def _say(error: Any) -> str:
    """One line for a violation of the schema: path, value found, values allowed."""
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)[1:]
    rule, allowed = error.validator, error.validator_value
    if rule == "additionalProperties":
        names = error.schema.get("properties", {})
        extra = next(k for k in error.instance if k not in names)
        return unknown(f"{path}.{extra}".lstrip("."), extra, names)
    if rule == "required":
        missing = next(k for k in allowed if k not in error.instance)
        return f"{path}.{missing}".lstrip(".") + ": required, found nothing"
    words = {
        "type": lambda a: " or ".join(_WORDS[t] for t in ([a] if isinstance(a, str) else a)),
        "minItems": lambda a: f"at least {a} item(s)",
        "minProperties": lambda a: f"at least {a} entry",
        "minimum": lambda a: f"{a} or more",
        "exclusiveMinimum": lambda a: f"more than {a}",
        "uniqueItems": lambda _: "each value once",
        "pattern": lambda a: f"text like {a}",
        "enum": lambda a: ", ".join(map(str, a)),
    }
    found = re.sub(r"\s+", " ", repr(error.instance))[:80]
    return f"{path or 'config'}: found {found}, allowed: {words.get(rule, str)(allowed)}"


_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


def _with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        result = dict(value)
        for name, part in schema.get("properties", {}).items():
            if name in result:
                result[name] = _with_defaults(result[name], part)
            elif "default" in part:
                result[name] = _with_defaults(part["default"], part)
        other = schema.get("additionalProperties")
        if isinstance(other, Mapping):
            named = schema.get("properties", {})
            result = {k: v if k in named else _with_defaults(v, other) for k, v in result.items()}
        return result
    if isinstance(value, (list, tuple)) and "items" in schema:
        return [_with_defaults(v, schema["items"]) for v in value]
    return value
