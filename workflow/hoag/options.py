"""Options of plug-ins: documented, typed, checked while the workflow is being planned.

A plug-in declares ``class Options`` as a frozen dataclass whose fields are made by `option`.
`build` turns one section of the configuration into such an object and names, in one line,
the key, the value found and the values allowed whenever they don't agree.
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
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
    shapes_result: bool = True,
) -> Any:
    """Declare one documented option of a plug-in.

    Parameters
    ----------
    default
        Value where the user gives none; without it the option is required.
    doc
        One sentence for the documentation.
    unit
        Unit of the value ("px", "arcsec", ...), or None for a pure number or text; "path" marks
        a local file or folder that is read.
    minimum, maximum
        Inclusive limits; for a sequence they hold for each element.
    choices
        The values allowed; for a sequence they hold for each element.
    shapes_result
        False where the result is the same whatever the value (connections, timeouts, a mirror):
        another value then makes nothing anew.
    """
    metadata = {
        "doc": doc,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "choices": None if choices is None else tuple(choices),
        "shapes_result": shapes_result,
    }
    if isinstance(default, (dict, list)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def build(cls: type, section: Mapping[str, Any], key: str, *, besides: Iterable[str] = ()) -> Any:
    """Build ``cls`` from one section of the configuration.

    Parameters
    ----------
    cls
        A frozen dataclass whose fields come from `option`.
    section
        The user's keys and values.
    key
        Path of the section in the configuration, for the error message.
    besides
        Further keys that the user may give there, for the error message.

    Raises
    ------
    ConfigError
        For an unknown key, a missing key, a wrong type, or a value outside its limits.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    for name in section:
        if name not in fields:
            raise ConfigError(unknown(f"{key}.{name}", name, [*fields, *besides]))
    values = {}
    try:
        for name, field in fields.items():
            if name in section:
                values[name] = _checked(section[name], hints[name], field.metadata, name)
            elif _is_required(field):
                raise ConfigError(
                    f"{key}.{name}: required, found nothing ({field.metadata['doc']})"
                )
    except _RefusedError as refused:
        raise ConfigError(
            f"{key}.{refused.path}: found {refused.found!r}, allowed: {refused.allowed}"
        ) from None
    try:
        return cls(**values)
    except ConfigError as error:  # raised by the dataclass's own __post_init__
        raise ConfigError(f"{key}: {error}") from None


def _is_required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def unknown(path: str, found: Any, allowed: typing.Iterable[str]) -> str:
    """Message for a name that does not exist: what was found, what exists, the nearest of it.

    Of more than 30 names the first 30 are shown, and how many there are.
    """
    allowed = sorted(allowed)
    small = {a.lower(): a for a in allowed}
    near = difflib.get_close_matches(str(found or "").lower(), small, n=1)
    hint = f"; did you mean {small[near[0]]!r}?" if near else ""
    more = f", ... ({len(allowed)} in all)" if len(allowed) > 30 else ""
    shown = ", ".join(allowed[:30]) or "nothing"
    return f"{path}: found {found!r}, allowed: {shown}{more}{hint}"


def as_plain(options: Any) -> dict[str, Any]:
    """The options as a dict of plain values (tuples become lists), fit for JSON and Snakemake."""
    return {k: _plain(v) for k, v in dataclasses.asdict(options).items()}


def as_identity(options: Any) -> dict[str, Any]:
    """As `as_plain`, with only those options that shape a result.

    One that is left at a default of None is no part of it, so that a new option changes nothing
    for who doesn't use it.
    """
    unused = {
        f.name
        for f in dataclasses.fields(options)
        if f.default is None and getattr(options, f.name) is None
    }
    shaping = {f.name for f in dataclasses.fields(options) if f.metadata["shapes_result"]}
    return {k: v for k, v in as_plain(options).items() if k in shaping - unused}


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


class _RefusedError(Exception):
    """A value that doesn't fit, where it stands below the option, and what would fit."""

    def __init__(self, path: str, found: Any, allowed: str) -> None:
        super().__init__(path, found, allowed)
        self.path, self.found, self.allowed = path, found, allowed


def _checked(value: Any, hint: Any, limits: Mapping[str, Any], path: str) -> Any:
    """Return ``value`` converted to ``hint``, or raise `_RefusedError`."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _first_fit(value, typing.get_args(hint), limits, path)
    if origin is tuple:
        return _checked_tuple(value, typing.get_args(hint), limits, path)
    if origin is dict or hint is dict:
        if not isinstance(value, Mapping):
            raise _RefusedError(path, value, "a mapping")
        return dict(value)
    value = _scalar(value, hint, path)
    choices, low, high = (limits.get(k) for k in ("choices", "minimum", "maximum"))
    if choices is not None and value not in choices:
        raise _RefusedError(path, value, ", ".join(str(c) for c in choices))
    # written so that NaN is refused
    if not ((low is None or value >= low) and (high is None or value <= high)):
        unit = f" {limits['unit']}" if limits.get("unit") else ""
        bounds = f"{'' if low is None else low}..{'' if high is None else high}"
        raise _RefusedError(path, value, bounds + unit)
    return value


def _first_fit(value: Any, hints: tuple, limits: Mapping[str, Any], path: str) -> Any:
    """The value as the first type of a union that takes it."""
    if value is None and type(None) in hints:
        return None
    refusals = []
    for hint in hints:
        if hint is not type(None):
            try:
                return _checked(value, hint, limits, path)
            except _RefusedError as refused:
                refusals.append(refused)
    deepest = max(refusals, key=lambda r: len(r.path))
    if len(refusals) == 1 or deepest.path != path:  # one element of a list of the right length
        raise deepest
    raise _RefusedError(path, value, " or ".join(r.allowed for r in refusals))


def _checked_tuple(value: Any, hints: tuple, limits: Mapping[str, Any], path: str) -> tuple:
    if not isinstance(value, (list, tuple)):
        raise _RefusedError(path, value, "a list")
    if hints[1:] == (Ellipsis,):
        hints = hints[:1] * len(value)
    if len(hints) != len(value):
        raise _RefusedError(path, value, f"a list of {len(hints)} values")
    pairs = zip(value, hints, strict=True)
    return tuple(_checked(v, h, limits, f"{path}[{i}]") for i, (v, h) in enumerate(pairs))


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
        raise _RefusedError(path, value, _NAMES.get(hint, str(hint)))
    return value
