"""Finds plug-ins by file name and builds their options.

A plug-in is one module in a family's package; modules whose name begins with an underscore are
helpers. Importing a plug-in is cheap by contract: only the standard library and numpy at its top.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from hoag.options import ConfigError, build, unknown

FAMILIES = {
    "surveys": "hoag.surveys",
    "transforms": "hoag.images.transforms",
    "models": "hoag.models",
    "features": "hoag.features",
    "detectors": "hoag.detectors",
    "embeddings": "hoag.embeddings",
    "learners": "hoag.active.learners",
    "strategies": "hoag.active.strategies",
}


def names(family: str) -> list[str]:
    """The kinds that exist in a family, sorted."""
    package = importlib.import_module(FAMILIES[family])
    found = (m.name for m in pkgutil.iter_modules(package.__path__))
    return sorted(n for n in found if not n.startswith("_"))


def load(family: str, kind: str, *, key: str | None = None) -> ModuleType:
    """Import one plug-in.

    Parameters
    ----------
    family
        One of `FAMILIES`.
    kind
        The plug-in's file name without its suffix.
    key
        Path in the configuration, for messages; by default the family's name.

    Raises
    ------
    ConfigError
        If the family has no plug-in of that name.
    """
    if kind not in names(family):
        raise ConfigError(unknown(key or family, kind, names(family)))
    return importlib.import_module(f"{FAMILIES[family]}.{kind}")


def plugin(
    family: str, section: Mapping[str, Any], key: str, *, besides: tuple[str, ...] = ()
) -> tuple[ModuleType, Any]:
    """The plug-in that a config section names by ``kind``, with its options built.

    Parameters
    ----------
    family
        One of `FAMILIES`.
    section
        The section: ``kind`` and the plug-in's own options.
    key
        Path of the section in the configuration, for messages.
    besides
        Keys of the section that belong to the workflow rather than to the plug-in.

    Returns
    -------
    (module, options)
    """
    module = load(family, section.get("kind"), key=f"{key}.kind")
    own = {k: v for k, v in section.items() if k != "kind" and k not in besides}
    return module, build(module.Options, own, key, besides=besides)
