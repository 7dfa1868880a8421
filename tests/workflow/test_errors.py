"""Faults of the user's files, end to end: one line on the terminal, and no traceback."""

import pytest
import yaml
from PIL import Image

from hoag import tables

pytestmark = pytest.mark.workflow


def lines(finished):
    """What is said that is not Snakemake's own."""
    assert finished.code != 0 and "Traceback" not in finished.said, finished.said
    return [line for line in finished.said.splitlines() if line.startswith("hoag: ")]


def test_misspelt_option(build):
    workspace = build()
    workspace.edit("small.yaml", "n_trees: 50", "n_tress: 50")
    [line] = lines(workspace.run())
    assert line.startswith("hoag: detectors.forest.n_tress: found 'n_tress', allowed: bootstrap, ")
    assert line.endswith("did you mean 'n_trees'?")


def test_key_twice(build):
    workspace = build()
    workspace.edit("small.yaml", "run: small", "run: small\nrun: other")
    [line] = lines(workspace.run("-n"))
    assert line.endswith("found 'run' in lines 2 and 3, allowed: once"), line


def test_missing_catalogue(build):
    workspace = build()
    workspace.configure(batches=[{"name": "first", "catalogue": "stars.fits"}])
    [line] = lines(workspace.run("-n"))
    assert line.startswith("hoag: batches[0]") and "stars.fits" in line


def test_configfile_replaces_the_default_run(build):
    """No key of config/config.yaml leaks into the user's configuration."""
    workspace = build()
    default = yaml.safe_load((workspace.folder / "config" / "config.yaml").read_text())
    assert default["detectors"].keys() - {"forest"} and default["run"] != "small"
    workspace.configure(detectors={"forest": {"kind": "isolation_forest", "features": ["a"]}})
    workspace.configure(features={"a": {"kind": "pixels"}}, embeddings=None, claim=None)
    workspace.configure(purity=None, studies=None, models=None, truth=None, experiments=None)
    workspace.configure(uncertainty=None, aggregates=None, similar=None, retrieval=None)
    workspace.configure(display=None)
    planned = workspace.plan()
    assert set(planned.jobs) == {
        "prepare_catalogue",
        "fetch_cutouts",
        "make_images",
        "fit_features",
        "extract_features",
        "fit_detector",
        "score_objects",
        "merge_scores",
        "plot_scores",
        "plot_gallery",
        "plot_first",
        "plot_coverage",
        "rank_objects",
        "write_summary",
    }
    assert "results/demo/" not in planned.said and "results/small/" in planned.said


def test_default_run_with_another_name(build):
    workspace = build()
    command = workspace.command("-n")[:-2]
    planned = workspace.call([*command, "--config", "run=other"])
    assert planned.code == 0, planned.said
    assert planned.jobs["train_wgan"] == 1
    assert "results/other/" in planned.said and "results/demo/" not in planned.said


def test_error_inside_a_job_is_one_line(build):
    """Every picture is corrupt: the run goes on until something must be fitted to them."""
    workspace = build("pictures.yaml")
    folder = workspace.folder / "pictures"
    folder.mkdir()
    for i in range(3):
        Image.new("RGB", (20, 20)).save(folder / f"galaxy-{i}.png")
        whole = (folder / f"galaxy-{i}.png").read_bytes()
        (folder / f"galaxy-{i}.png").write_bytes(whole[:40])
    done = workspace.run("ranking")
    assert done.code != 0 and "Traceback" not in done.said
    [line] = [line for line in done.said.splitlines() if "; log: " in line]
    assert line.startswith("fit_features pixels 1: ValueError: found no object in the fit batches")
    log = workspace.folder / line.partition("; log: ")[2].rstrip(")")
    assert "Traceback" in log.read_text()
    manifest = workspace.folder / "results/pictures/cutouts/first/shard-000.manifest.parquet"
    rows = tables.read("manifest", manifest)
    assert rows["status"].tolist() == ["invalid"] * 3
    assert rows["reason"].nunique() == 1 and "0x" not in rows["reason"][0]
