"""Digests of code: what counts as a change, and how far imports are followed."""

import importlib.metadata
import sys
from pathlib import Path

import pytest

from hoag import digests
from hoag.digests import code_digest, digest, library_versions

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
SCRIPT = '''"""Words."""

import numpy as np
{imports}


def main(x):
    """More words."""
    return np.sqrt(x) + {number}  # a remark
'''


@pytest.fixture
def script(tmp_path):
    """A function that writes a script with given imports and a number, and returns its path."""

    def write(number=1, imports="", words=""):
        path = tmp_path / "make_something.py"
        path.write_text(SCRIPT.format(number=number, imports=imports) + words)
        return path

    return write


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in place of hoag: a.py imports b inside a function, b imports c; d stands alone."""
    folder = tmp_path / "hoag"
    (folder / "detectors").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "a.py").write_text("def f():\n    from hoag.b import g\n    return g()\n")
    (folder / "b.py").write_text("from hoag import c\n\ndef g():\n    return c.VALUE\n")
    (folder / "c.py").write_text("VALUE = 1\n")
    (folder / "d.py").write_text("VALUE = 1\n")
    (folder / "detectors" / "one.py").write_text("import hoag.c\nx = 1\n")
    (folder / "detectors" / "two.py").write_text("x = 2\n")
    monkeypatch.setattr(digests, "PACKAGE", folder)
    return folder


def test_digest_depends_on_values_alone():
    assert digest({"a": 1, "b": [2, None]}) == digest({"b": [2, None], "a": 1})
    assert len({digest(1), digest("1"), digest([1]), digest(1, 2), digest(True)}) == 5
    assert digest("hoag") == "bcd11f7809e0b459"  # SHA-256 of ["hoag"], on every machine


def test_words_and_layout_do_not_count(script):
    before = code_digest(script())
    text = script().read_text()
    path = script()
    path.write_text(
        text.replace("Words", "Other words")
        .replace("a remark", "another")
        .replace("\n\n\n", "\n\n")
    )
    assert code_digest(path) == before
    path.write_text(text.replace('    """More words."""\n', ""))
    assert code_digest(path) == before


@pytest.mark.parametrize("change", [{"number": 2}, {"words": "\nEDITED = True\n"}])
def test_code_counts(script, change):
    before = code_digest(script())
    assert code_digest(script(**change)) != before


def test_text_that_is_no_docstring_counts(script):
    before = code_digest(script(words="\nNAME = 'a'\n"))
    assert code_digest(script(words="\nNAME = 'b'\n")) != before


@pytest.mark.parametrize("edited", ["a", "b", "c"])
def test_imports_are_followed_also_inside_functions(script, package, edited):
    path = script(imports="from hoag.a import f")
    before = code_digest(path)
    (package / "d.py").write_text("VALUE = 2\n")
    assert code_digest(path) == before
    with (package / f"{edited}.py").open("a") as file:
        file.write("\nEDITED = True\n")
    assert code_digest(path) != before


def test_only_the_plugins_used_count(script, package):
    path = script()
    plain, one = code_digest(path), code_digest(path, [("detectors", "one")])
    assert plain != one
    (package / "detectors" / "two.py").write_text("x = 3\n")
    assert code_digest(path, [("detectors", "one")]) == one
    (package / "c.py").write_text("VALUE = 2\n")  # imported by the plug-in
    assert code_digest(path, [("detectors", "one")]) != one
    assert code_digest(path) == plain


def test_a_script_s_neighbours_count_but_the_job_s_surroundings_do_not(script, tmp_path):
    (tmp_path / "_pictures.py").write_text("x = 1\n")
    (tmp_path / "_job.py").write_text("x = 1\n")
    path = script(imports="from _pictures import x\nfrom _job import job")
    before = code_digest(path)
    (tmp_path / "_job.py").write_text("x = 2\n")
    assert code_digest(path) == before
    (tmp_path / "_pictures.py").write_text("x = 2\n")
    assert code_digest(path) != before


def closure(script, *plugins):
    """Names of the package's modules that a script's digest covers."""
    found, roots = set(), [script]
    roots += [digests._module_path(f"{digests.FAMILIES[f]}.{k}") for f, k in plugins]
    while roots:
        path = roots.pop()
        if path not in found:
            found.add(path)
            roots.extend(digests._imports(path, path.stat().st_mtime_ns))
    return {str(p.relative_to(ROOT / "workflow")) for p in found}


def test_what_the_real_scripts_depend_on():
    """Images on Lupton alone; scores on one detector; training on no detector and no survey."""
    images = closure(SCRIPTS / "make_images.py", ("transforms", "lupton"))
    assert {"hoag/images/lupton.py", "hoag/images/store.py"} <= images
    assert "hoag/images/transforms/asinh.py" not in images
    fit = closure(SCRIPTS / "fit_detector.py", ("detectors", "isolation_forest"))
    assert "hoag/detectors/isolation_forest.py" in fit
    assert "hoag/detectors/k_nearest_neighbours.py" not in fit
    training = closure(SCRIPTS / "train_wgan.py")
    assert {"hoag/models/wgan/networks.py", "hoag/models/_training.py"} <= training
    assert not {m for m in training if "/detectors/" in m or "/surveys/" in m or "plan" in m}


def test_every_script_has_a_digest():
    scripts = [p for p in SCRIPTS.glob("*.py") if not p.name.startswith("_")]
    assert len({code_digest(p) for p in scripts}) == len(scripts) > 10


def test_relative_imports_would_be_missed():
    """The closure follows absolute imports; the package has no others."""
    for path in (ROOT / "workflow").rglob("*.py"):
        assert "\nfrom ." not in path.read_text(), path


def test_library_versions(tmp_path):
    path = tmp_path / "torch.yaml"
    path.write_text("dependencies:\n  - python=3.11\n  - numpy=1.0\n  - no-such-library=4.5\n")
    found = library_versions(path)
    assert found == {"numpy": importlib.metadata.version("numpy"), "no-such-library": "4.5"}


def test_digests_need_no_heavy_library():
    import subprocess

    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'workflow')!r});"
        f"from hoag.digests import code_digest; code_digest({str(SCRIPTS / 'train_wgan.py')!r});"
        "print([m for m in ('torch', 'sklearn', 'umap', 'galsim') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
