"""What a job's result depends on besides its inputs and options: its code and its libraries.

Snakemake follows a script's own file, not the modules that it imports. Each rule therefore
carries, as a parameter, a digest of the syntax trees in its script's import closure inside this
package. Docstrings, comments and formatting are no part of it, and of the plug-ins only those
that the job uses are.
"""

import ast
import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hoag.registry import FAMILIES

PACKAGE = Path(__file__).parent


def digest(*values: Any) -> str:
    """Sixteen hexadecimal digits that stand for JSON-like ``values``."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_digest(script: str | Path, plugins: Iterable[tuple[str, str]] = ()) -> str:
    """Digest of a script, of all that it imports from this package, and of ``plugins``.

    Parameters
    ----------
    script
        The script's file.
    plugins
        Pairs (family, kind) that the job loads through the registry.
    """
    roots = [Path(script)]
    for family, kind in plugins:
        roots.append(_module_path(f"{FAMILIES[family]}.{kind}"))
    closure: set[Path] = set()
    while roots:
        path = roots.pop()
        if path not in closure:
            closure.add(path)
            roots.extend(_imports(path, path.stat().st_mtime_ns))
    return digest(sorted((p.name, _tree_digest(p, p.stat().st_mtime_ns)) for p in closure))


def library_versions(environment: str | Path) -> dict[str, str]:
    """Version of each library that a conda environment file names.

    The installed version where the library is installed beside Snakemake, the pinned one where
    it is not (there the job runs inside the environment itself).
    """
    import yaml

    pins = yaml.safe_load(Path(environment).read_text())["dependencies"]
    pins += [pin for part in pins if isinstance(part, dict) for pin in part["pip"]]
    versions = {}
    for pin in pins:
        if isinstance(pin, dict):
            continue
        name, _, version = pin.partition("=")
        if name in ("python", "pip"):
            continue
        try:
            versions[name] = importlib.metadata.version(PYPI_NAMES.get(name, name))
        except importlib.metadata.PackageNotFoundError:
            versions[name] = version.lstrip("=")
    return versions


# conda-forge's name -> PyPI's, where they differ
PYPI_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "light-curve-python": "light-curve",
}


@functools.cache
def _tree_digest(path: Path, _mtime: int) -> str:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            node.body = body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


@functools.cache
def _imports(path: Path, _mtime: int) -> tuple[Path, ...]:
    """Files of this package that a file imports, also inside functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [_module_path(alias.name, path.parent) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.append(_module_path(node.module, path.parent))
            found += [_module_path(f"{node.module}.{alias.name}") for alias in node.names]
    return tuple(p for p in found if p is not None)


def _module_path(name: str, beside: Path | None = None) -> Path | None:
    """File of a module of this package, or of a script's neighbour; None for any other name.

    ``_job`` is left out: it writes logs and changes no result.
    """
    parts = name.split(".")
    if parts[0] != PACKAGE.name:
        neighbour = beside / f"{name}.py" if beside and name != "_job" else None
        return neighbour if neighbour is not None and neighbour.is_file() else None
    base = PACKAGE.joinpath(*parts[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
