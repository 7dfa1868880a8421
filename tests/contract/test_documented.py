"""The pages say what the code does: the reference of the configuration, and every example."""

import importlib.util
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.table import Table
from PIL import Image

from hoag import registry
from hoag.catalogue import astronomaly
from hoag.options import ConfigError, build
from hoag.plan import make_plan
from hoag.surveys._types import Failure

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "generate_config_reference.py"


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate_config_reference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page():
    return (ROOT / "config" / "README.md").read_text()


def test_reference_is_up_to_date(generator, page):
    command = f".venv/bin/python {SCRIPT.relative_to(ROOT)}"
    assert page.count(generator.BEGIN) == page.count(generator.END) == 1
    assert page == generator.written(page), f"config/README.md is out of date; run: {command}"


def test_reference_has_every_plugin_and_key(page):
    for family in ("surveys", "transforms", "features", "detectors", "embeddings"):
        for kind in registry.names(family):
            assert f"### `{kind}`" in page, f"{family}: {kind}"
    for key in ("run", "batches[].select", "embeddings.<name>.max_fit", "studies.n_objects"):
        assert f"| `{key}` |" in page, key


def test_every_row_says_what_its_key_means(generator):
    rows = [line for line in generator.reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert not [row for row in rows if row.endswith("|  |")]


def test_generated_part_replaces_only_itself(generator):
    page = f"before\n{generator.BEGIN}stale{generator.END}after\n"
    found = generator.written(page)
    assert found.startswith("before\n") and found.endswith("after\n") and "stale" not in found


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "`null`"), (1e-4, "`0.0001`"), (True, "`true`"), ((), "`[]`"), ((1, "a"), "`[1, a]`")],
)
def test_defaults_are_written_as_in_yaml(generator, value, said):
    assert generator._value(value) == said


def example(page, family, kind, folder, monkeypatch):
    """The plug-in that a how-to page prints, found by the registry like any other."""
    text = (ROOT / "docs" / "how-to" / page).read_text()
    code = text.partition("```python\n")[2].partition("```")[0]
    (folder / f"{kind}.py").write_text(code)
    package = importlib.import_module(registry.FAMILIES[family])
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, f"{package.__name__}.{kind}", raising=False)
    return registry.plugin(family, {"kind": kind}, family)


def test_the_detector_of_the_how_to_page_works(tmp_path, monkeypatch):
    module, options = example(
        "add-a-detector.md", "detectors", "centre_distance", tmp_path, monkeypatch
    )
    x = np.random.default_rng(1).normal(size=(300, 3)).astype(np.float32)
    x[0], x[1] = 20, np.nan
    score = module.score(x, options, module.fit(x, options, seed=1))
    assert np.nanargmax(score) == 0 and np.isnan(score[1]) and np.isfinite(score[2:]).all()
    nothing = module.fit(x[1:2], options, seed=1)
    assert np.isnan(module.score(x, options, nothing)).all()


def test_the_feature_space_of_the_how_to_page_works(tmp_path, monkeypatch):
    module, options = example(
        "add-a-feature.md", "features", "radial_profile", tmp_path, monkeypatch
    )
    images = np.zeros((3, 32, 32, 3), np.uint8)
    images[0] = 90
    images[1, 14:18, 14:18] = 200
    state = module.fit(images, options, 1)
    x = module.transform(images, options, state)
    assert x.dtype == np.float32 and x.shape == (3, len(module.names(options, state)))
    np.testing.assert_allclose(x[0], 1, rtol=1e-6)
    assert x[1, 0] == x[1].max() > 5 and x[1, -1] == 0
    assert np.isnan(x[2]).all()
    assert module.reasons(images, options, state) == ["", "", "no light in any ring"]


def test_the_survey_of_the_how_to_page_works(tmp_path, monkeypatch):
    source = tmp_path / "source"
    source.mkdir()
    for name, shape in (("a", (64, 64)), ("b", (64, 64)), ("c", (5, 5))):
        np.save(source / f"{name}.npy", np.full(shape, 7, np.uint8))
    (source / "d.npy").write_bytes(b"not an array")
    module, options = example("add-a-survey.md", "surveys", "arrays", tmp_path, monkeypatch)
    batch = build(module.Batch, {"source": str(source)}, "batch")
    targets = module.list_objects(batch, options, seed=1, name="first")
    assert module.count(batch, options, name="first") == len(targets) == 4
    answers = {a.object_id: a for a in module.fetch(targets, batch, options, seed=1, name="first")}
    assert {k for k, a in answers.items() if isinstance(a, Failure)} == {"c", "d"}
    assert answers["a"].pixels.shape == (64, 64, 1)
    with pytest.raises(ConfigError, match=r"first\.source: found no"):
        module.count(
            build(module.Batch, {"source": str(tmp_path / "x")}, "b"), options, name="first"
        )


YAML_EXAMPLES = [
    (page.name, number, text)
    for page in sorted((ROOT / "docs" / "how-to").glob("*.md"))
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize(("page", "number", "text"), YAML_EXAMPLES)
def test_every_yaml_example_can_be_read(page, number, text):
    assert isinstance(yaml.safe_load(text), dict), f"{page}, example {number}"


def plan_of(folder, monkeypatch, *texts):
    monkeypatch.chdir(folder)
    config = {"run": "mine"}
    for text in texts:
        config |= yaml.safe_load(text)
    return make_plan(config)


def own_catalogue(number):
    return next(t for p, n, t in YAML_EXAMPLES if (p, n) == ("own-catalogue.md", number))


def test_the_images_example_can_be_planned(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "my_images.zip", "w") as archive:
        archive.writestr("one.png", b"not looked at while planning")
    plan = plan_of(tmp_path, monkeypatch, own_catalogue(0), own_catalogue(3))
    assert plan.chain.shape == (64, 64, 3) and plan.residuals_of == "wgan"


def test_the_flux_example_can_be_planned(tmp_path, monkeypatch):
    (tmp_path / "cutouts").mkdir()
    (tmp_path / "cutouts" / "1.fits").write_bytes(b"not looked at while planning")
    table = pd.DataFrame({"id": [1], "ra": [1.0], "dec": [2.0], "i_mag": [20.2]})
    table["flag_saturated"] = False
    Table.from_pandas(table).write(tmp_path / "catalogue.fits")
    plan = plan_of(tmp_path, monkeypatch, own_catalogue(1), own_catalogue(3))
    assert plan.chain.shape == (96, 96, 3)


def test_the_table_example_can_be_planned(tmp_path, monkeypatch):
    rows = {"object_id": ["a", "b"], "size": [1.0, 2.0], "class": ["star", "galaxy"]}
    pd.DataFrame(rows).to_csv(tmp_path / "features.csv", index=False)
    plan = plan_of(tmp_path, monkeypatch, own_catalogue(2))
    assert plan.scores == [("measured", "forest")]


def test_the_tiles_example_can_be_planned(tmp_path, monkeypatch):
    rows = pd.DataFrame({"id": [1], "ra": [1.0], "dec": [2.0]})
    Table.from_pandas(rows).write(tmp_path / "catalogue.fits")
    (tmp_path / "patches").mkdir()
    plan = plan_of(tmp_path, monkeypatch, own_catalogue(5), own_catalogue(3))
    assert plan.survey.kind == "tiles" and plan.chain.shape == (96, 96, 3)
    assert plan.batches["first"].sources == ["catalogue.fits", "patches"]


def test_the_example_of_scores_from_elsewhere_can_be_planned(tmp_path, monkeypatch):
    pd.DataFrame({"name": ["a"], "score": [1.0]}).to_csv(tmp_path / "scores.csv", index=False)
    base = {"run": "other", "survey": {"kind": "simulated"}}
    base |= {"batches": [{"name": "first", "n_objects": 3}]}
    base |= {"images": [{"kind": "lupton", "red": "i", "green": "r", "blue": "g"}]}
    plan = plan_of(tmp_path, monkeypatch, own_catalogue(4), yaml.safe_dump(base))
    assert plan.scores == [("theirs", "their_score")]


def test_astronomaly_s_guide_can_be_planned(tmp_path, monkeypatch):
    texts = [t for p, _, t in YAML_EXAMPLES if p == "reproduce-astronomaly.md"]
    (tmp_path / "GalaxyZooSubset").mkdir()
    names = [f"{i}.jpg" for i in range(714)]
    for name in names:
        (tmp_path / "GalaxyZooSubset" / name).write_bytes(b"not looked at while planning")
    rows = [f"{name},{'odd' if i < 14 else 'other'}\n" for i, name in enumerate(names)]
    (tmp_path / "labels.csv").write_text("name,class\n" + "".join(rows))
    plan = plan_of(tmp_path, monkeypatch, *texts)
    assert plan.chain.shape == (424, 424, 3) and plan.display is not None
    assert plan.experiments["astronomaly"].learner["options"]["n_first"] == 210


def test_labels_and_scores_of_astronomaly_can_be_planned(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "from-astronomaly.md").read_text()
    texts = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "ml_scores.csv").write_text(",score,human_label,trained_score\na,5,5,1\nb,0,0,0\n")
    astronomaly.main([str(tmp_path / "ml_scores.csv"), "--output", str(tmp_path / "moved")])
    (tmp_path / "images").mkdir()
    for name in "ab":
        Image.new("L", (8, 8)).save(tmp_path / "images" / f"{name}.png")
    base = {"survey": {"kind": "images", "crop_px": 8, "channels": 1}}
    plan = plan_of(tmp_path, monkeypatch, yaml.safe_dump(base), *texts)
    assert ("theirs", "their_trained_score") in plan.scores
    (batch,) = plan.batches.values()
    listed = plan.survey.module.list_objects(
        batch.options, plan.survey.options, seed=1, name=batch.name
    )
    assert dict(zip(listed["object_id"], listed["label"], strict=True)) == {"a": "odd", "b": "dull"}


WHOLE = [
    pytest.param(text, id=f"{page}-{number}")
    for page, number, text in YAML_EXAMPLES
    if re.search("^run:", text, re.MULTILINE)
]


@pytest.mark.parametrize("text", WHOLE)
def test_every_whole_configuration_can_be_planned(text, tmp_path, monkeypatch):
    kinds = ["spiral"] * 2400 + ["elliptical"] * 1600 + ["merger"] * 70
    rows = [f"{i},{kind}\n" for i, kind in enumerate(kinds)]
    for folder in ("GalaxyZooSubset", "my_images", "spectra/0266"):
        (tmp_path / folder).mkdir(parents=True)
    for i in range(len(rows)):
        (tmp_path / "my_images" / f"{i}.png").touch()
    (tmp_path / "GalaxyZooSubset" / "one.jpg").touch()
    (tmp_path / "spectra" / "0266" / "spec-0266-51602-0001.fits").touch()
    (tmp_path / "my_labels.csv").write_text("name,type\n" + "".join(rows))
    curve = pd.DataFrame({"star": ["a"], "jd": [2459000.5], "mag": [1.0], "mag_err": [0.1]})
    curve.assign(band="g").to_csv(tmp_path / "photometry.csv.gz", index=False)
    galaxies = pd.DataFrame({"object_id": ["a"], "ra": [1.0], "dec": [2.0], "mag_r": [20.2]})
    Table.from_pandas(galaxies).write(tmp_path / "my_galaxies.fits")
    plan = plan_of(tmp_path, monkeypatch, text)
    assert plan.scores


def test_labels_of_astronomaly_rank_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "galaxy_zoo" / "features" / "scaled" / "seed-1" / "first"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    x = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    x.loc[:19] += 4  # outliers, half of them of interest
    x.loc[:9, "a"] *= -1
    x.insert(0, "object_id", [f"{i:03d}" for i in range(200)])
    x.loc[150, "b"] = np.nan
    x[:120].to_parquet(folder / "shard-000.parquet")
    x[120:].to_parquet(folder / "shard-001.parquet")
    x[:1].to_parquet(folder / "shard-000.failures.parquet")
    rows = [f"{i:03d},1,{5 if i < 10 else 0},0" for i in [*range(6), *range(12, 18)]]
    (tmp_path / "ml_scores.csv").write_text("\n".join([",score,human_label,trained_score", *rows]))
    astronomaly.main([str(tmp_path / "ml_scores.csv"), "--output", "moved"])
    page = (ROOT / "docs" / "from-astronomaly.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    exec(compile(code, "from-astronomaly.md", "exec"), {})
    ranked = pd.read_csv("ranked_anew.csv", dtype={"object_id": str}).set_index("object_id")
    assert len(ranked) == 199
    assert len(set(ranked["score"].nlargest(10).index) & {f"{i:03d}" for i in range(10)}) >= 8


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "config" / "README.md"])
def test_the_smallest_configuration_can_be_planned(page, tmp_path, monkeypatch):
    text = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)[0]
    (tmp_path / "my_images").mkdir()
    (tmp_path / "my_images" / "one.png").write_bytes(b"not looked at while planning")
    assert set(plan_of(tmp_path, monkeypatch, text).models) == {"wgan", "encoder"}


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"(?<!!)\[[^]]*\]\(([^)#]+)", page.read_text())
        if not link.startswith("http") and not (page.parent / link).exists()
    ]
    assert not broken
