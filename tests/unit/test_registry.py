"""Plug-ins are found by file name and built from their section."""

import dataclasses
import sys

import pytest

from hoag import registry
from hoag.options import ConfigError
from hoag.surveys._types import INPUTS

FAMILIES = pytest.mark.parametrize("family", registry.FAMILIES)


@FAMILIES
def test_every_module_without_an_underscore_is_a_plugin(family):
    found = registry.names(family)
    assert found == sorted(found) and found
    assert not [n for n in found if n.startswith("_")]
    for kind in found:
        module = registry.load(family, kind)
        assert module.__name__ == f"{registry.FAMILIES[family]}.{kind}"
        assert module.__doc__
        assert module.Options.__dataclass_params__.frozen
        documented = [f.metadata.get("doc") for f in dataclasses.fields(module.Options)]
        assert all(documented), kind


# What a family asks of its plug-ins: a word, what it may hold, and functions. Contract tests choose
# plug-ins by the word, so that one that is misspelt would be tested by none.
ASKED = {
    "transforms": ("TAKES", ("flux", "unit", "byte"), ("output_shape", "apply")),
    "features": ("INPUT", {i for inputs in INPUTS.values() for i in inputs}, ("fit", "transform")),
    "detectors": ("TAKES", ("vectors", "images", "predictions"), ("score",)),
    "embeddings": (None, (), ("embed",)),
    "learners": ("TAKES", ("vectors", "images"), ("learn", "predict")),
    "strategies": ("NEEDS", ("classes", "latent", "passes"), ("select",)),
}


@pytest.mark.parametrize("family", ASKED)
def test_every_plugin_has_its_familys_word_and_functions(family):
    word, allowed, functions = ASKED[family]
    for kind in registry.names(family):
        module = registry.load(family, kind)
        assert all(callable(getattr(module, name, None)) for name in functions), kind
        if word is not None:
            said = getattr(module, word)
            said = (said,) if isinstance(said, str) else said
            assert isinstance(said, tuple) and set(said) <= set(allowed), kind
            assert said or family == "strategies", kind


def test_a_new_file_is_a_new_plugin(tmp_path, monkeypatch):
    (tmp_path / "hoag_drawn").mkdir()
    (tmp_path / "hoag_drawn" / "__init__.py").touch()
    (tmp_path / "hoag_drawn" / "_helper.py").touch()
    (tmp_path / "hoag_drawn" / "nearest.py").write_text(
        "from dataclasses import dataclass\n"
        "from hoag.options import option\n"
        "@dataclass(frozen=True)\n"
        "class Options:\n"
        "    k: int = option(5, doc='Neighbours.', minimum=1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(registry.FAMILIES, "drawn", "hoag_drawn")
    assert registry.names("drawn") == ["nearest"]
    section = {"kind": "nearest", "k": 7, "seeds": [0]}
    module, options = registry.plugin("drawn", section, "d.near", besides=("seeds",))
    assert options == module.Options(k=7)
    with pytest.raises(ConfigError, match=r"^d\.near\.k: found 0, allowed: 1\.\.$"):
        registry.plugin("drawn", {"kind": "nearest", "k": 0}, "d.near")
    with pytest.raises(ConfigError, match=r"^d\.near\.seeds: found 'seeds', allowed: k$"):
        registry.plugin("drawn", section, "d.near")
    for name in [n for n in sys.modules if n.startswith("hoag_drawn")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "isolation_forst"}, r"did you mean 'isolation_forest'\?$"),
        ({}, r"found None, allowed: \w+, "),
        ({"kind": 3}, r"found 3, allowed: \w+, "),
        ({"kind": "_helper"}, r"found '_helper', allowed"),
    ],
)
def test_an_unknown_kind_is_named_with_those_that_exist(section, message):
    with pytest.raises(ConfigError, match=message) as caught:
        registry.plugin("detectors", section, "detectors.mine")
    assert str(caught.value).startswith("detectors.mine.kind: ")
    assert "\n" not in str(caught.value)


def test_load_names_the_family_where_no_key_is_given():
    with pytest.raises(ConfigError, match=r"^embeddings: found 'umpa', .*did you mean 'umap'"):
        registry.load("embeddings", "umpa")
