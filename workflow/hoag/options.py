"""Options of plug-ins: documented, typed, checked while the workflow is being planned.

A plug-in declares ``class Options`` as a frozen dataclass whose fields are made by `option`.
`build` turns one section of the configuration into such an object and names, in one line,
the key, the value found and the values allowed whenever they don't agree.
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any


class ConfigError(ValueError):
    """A value of the configuration that can't be used; the message is one line for the user."""


def option(
    default: Any = dataclasses.MISSING,
    *,
    doc: str,
    unit: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[Any] | None = None,
) -> Any:
    """Declare one documented option of a plug-in.

    Parameters
    ----------
    default
        Value where the user gives none; without it the option is required.
    doc
        One sentence for the documentation.
    unit
        Unit of the value ("px", "arcsec", ...), or None for a pure number or text.
    minimum, maximum
        Inclusive limits; for a sequence they hold for each element.
    choices
        The values allowed; for a sequence they hold for each element.
    """
    metadata = {
        "doc": doc,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "choices": None if choices is None else tuple(choices),
    }
    if isinstance(default, (dict, list)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def build(cls: type, section: Mapping[str, Any], key: str) -> Any:
    """Build ``cls`` from one section of the configuration.

    Parameters
    ----------
    cls
        A frozen dataclass whose fields come from `option`.
    section
        The user's keys and values.
    key
        Path of the section in the configuration, for the error message.

    Raises
    ------
    ConfigError
        For an unknown key, a missing key, a wrong type, or a value outside its limits.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    for name in section:
        if name not in fields:
            raise ConfigError(unknown(f"{key}.{name}", name, fields))
    values = {}
    for name, field in fields.items():
        if name in section:
            values[name] = _checked(section[name], hints[name], field.metadata, f"{key}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{key}.{name}: required, found nothing ({field.metadata['doc']})")
    try:
        return cls(**values)
    except ConfigError as error:  # raised by the dataclass's own __post_init__
        raise ConfigError(f"{key}: {error}") from None


def unknown(path: str, found: str, allowed: typing.Iterable[str]) -> str:
    """Message for a name that does not exist: what was found, the nearest, all that exist."""
    allowed = sorted(allowed)
    near = difflib.get_close_matches(str(found), allowed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{path}: found {found!r}, allowed: {', '.join(allowed) or 'nothing'}{hint}"


def as_plain(options: Any) -> dict[str, Any]:
    """The options as a dict of plain values (tuples become lists), fit for JSON and Snakemake."""
    return {k: _plain(v) for k, v in dataclasses.asdict(options).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _checked(value: Any, hint: Any, limits: Mapping[str, Any], path: str) -> Any:
    """Return ``value`` converted to ``hint``, or raise with the path and what is allowed."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [h for h in typing.get_args(hint) if h is not type(None)]
        if value is None:
            return None
        return _checked(value, inner[0], limits, path)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{path}: found {value!r}, allowed: a list")
        args = typing.get_args(hint)
        if len(args) == 2 and args[1] is Ellipsis:
            args = (args[0],) * len(value)
        if len(args) != len(value):
            raise ConfigError(f"{path}: found {value!r}, allowed: a list of {len(args)} values")
        return tuple(
            _checked(v, h, limits, f"{path}[{i}]")
            for i, (v, h) in enumerate(zip(value, args, strict=True))
        )
    if origin is dict or hint is dict:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{path}: found {value!r}, allowed: a mapping")
        return dict(value)
    value = _scalar(value, hint, path)
    choices, low, high = (limits.get(k) for k in ("choices", "minimum", "maximum"))
    if choices is not None and value not in choices:
        allowed = ", ".join(str(c) for c in choices)
        raise ConfigError(f"{path}: found {value!r}, allowed: {allowed}")
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"{'' if low is None else low}..{'' if high is None else high}"
        unit = f" {limits['unit']}" if limits.get("unit") else ""
        raise ConfigError(f"{path}: found {value!r}, allowed: {bounds}{unit}")
    return value


_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def _scalar(value: Any, hint: type, path: str) -> Any:
    if hint is Any:
        return value
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str):  # YAML 1.1 reads 1e-4 as text
        try:
            return float(value)
        except ValueError:
            pass
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) != (hint is bool) or not isinstance(value, hint):
        raise ConfigError(f"{path}: found {value!r}, allowed: {_NAMES.get(hint, hint)}")
    return value
