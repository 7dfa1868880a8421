"""Whole runs: of simulated galaxies, a table without pixels, pictures, light curves, spectra."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from hoag import tables

pytestmark = pytest.mark.workflow

ROOT = Path(__file__).parents[2]
TARGETS = {"all", "download", "images", "scores", "embedding", "ranking", "figures", "summary"}
TARGETS |= {"hunt", "local_entropy", "similar"}
COLLECTING = {"collect_rounds", "plot_datasets"}  # rules of collections


def rules_of_the_workflow():
    texts = (path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    rule = re.compile(r"^(?:rule|use rule \w+ as) (\w+)(?:| with):", re.MULTILINE)
    return {name for text in texts for name in rule.findall(text)}


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


SCHEMAS = {  # of every table that a run leaves, but the figures' own
    "catalogue/*.rejects.parquet": "rejects",
    "catalogue/first.parquet": "catalogue",
    "cutouts/*/*.parquet": "manifest",
    "features/*/*/*/shard-???.parquet": "features",
    "features/*/*/*/*.failures.parquet": "failures",
    "scores/*/*/*/*/*.parquet": "raw_scores",
    "scores/*/*/seed-1.parquet": "scores",
    "embeddings/*/*.parquet": "embedding",
    "embeddings/*/*.groups.csv": "groups",
    "embeddings/*/*.quality.csv": "embedding_quality",
    "models/*/*/history.csv": "history",
    "models/*/*/checks.csv": "checks",
    "ranked.*": "ranked",
    "tables/selection-*.csv": "cuts",
    "tables/metrics.csv": "metrics",
    "tables/curves.csv": "curve",
    "tables/neighbour_prediction.csv": "neighbour_prediction",
    "tables/purity.csv": "purity",
    "tables/retrieval.csv": "retrieval",
    "tables/similar-*.csv": "similar",
    "tables/study-*.csv": "study",
    "tables/rounds.parquet": "rounds",
    "tables/comparisons.csv": "comparisons",
    "tables/viewed.csv": "viewed",
    "tables/viewed_pairs.csv": "viewed_pairs",
    "active/*/trials-*.parquet": "trials",
    "active/*/latents.parquet": "latents",
    "active/*/latent_map.parquet": "latent_map",
    "uncertainty/*/predictions-*.parquet": "predictions",
    "uncertainty/*/trainings-*.csv": "trainings",
    "uncertainty/*/objects.parquet": "judged_objects",
    "uncertainty/*/judged.csv": "judged",
    "uncertainty/*/classifiers.csv": "classifiers",
    "tables/classifiers.csv": "classifiers",
    "tables/networks.csv": "networks",
    "tables/uncertainty.csv": "uncertainty",
    "tables/uncertainty_pairs.csv": "uncertainty_pairs",
    "tables/explained.csv": "explained",
    "tables/figures/*.csv": "figure",
}


def check_tables(results):
    """Read every table of a run under its schema; none may be left over."""
    checked = set()
    for pattern, schema in SCHEMAS.items():
        for path in results.glob(pattern):
            tables.read(schema, path)
            checked.add(path)
    written = {p for p in results.rglob("*") if p.suffix in (".parquet", ".csv")}
    assert written == checked


def test_every_rule_ran(undisturbed):
    made = undisturbed.finished.jobs
    assert set(made) == rules_of_the_workflow() - TARGETS - COLLECTING
    results = undisturbed.workspace.folder / "results" / "small"
    for rule in made:
        for kind, suffix in (("logs", "log"), ("benchmarks", "tsv")):
            found = [*results.glob(f"{kind}/{rule}/*"), *results.glob(f"{kind}/{rule}.*")]
            assert len(found) == made[rule], (rule, kind)
            assert all(f.suffix == f".{suffix}" and f.stat().st_size for f in found)


def test_run_leaves_what_it_promises(undisturbed):
    results = undisturbed.workspace.folder / "results" / "small"
    check_tables(results)
    assert not [f for f in files(results) if ".part" in f]
    figures = {Path(f).stem for f in files(results / "figures")}
    for name in figures:
        assert (results / "figures" / f"{name}.png").stat().st_size > 2000
        assert (results / "figures" / f"{name}.pdf").stat().st_size > 2000
        assert (results / "tables" / "figures" / f"{name}.csv").is_file()
    assert {"training", "samples", "reconstructions-wgan", "embedding-sample", "claim"} <= figures
    ranked = tables.read("ranked", results / "ranked.parquet")
    assert len(ranked) == 100 and ranked["rank"].tolist() == list(range(1, 101))
    assert ranked["wgan_score"].is_monotonic_decreasing
    manifests = [tables.read("manifest", p) for p in (results / "cutouts").rglob("*.parquet")]
    assert (pd.concat(manifests)["status"] == "ok").all()


def test_summary_is_printed(undisturbed):
    said = undisturbed.finished.said
    summary = (undisturbed.workspace.folder / "results" / "small" / "summary.txt").read_text()
    assert summary in said
    for line in ("objects   100", "flagged", "recall", "AUROC", "time"):
        assert re.search(f"^{line}", said, re.MULTILINE)


def test_second_run_has_nothing_to_do(undisturbed):
    assert undisturbed.workspace.run().nothing_to_do


def test_a_collection_puts_runs_together(small):
    (small.folder / "published.csv").write_text(
        "dataset,experiment,quantity,value\nSky,dynamic,pool_mcc,0.9\nElse,dynamic,pool_mcc,0.4\n"
    )
    figure = {"title": "All", "experiments": ["dynamic", "scored"], "quantities": ["n_found"]}
    collect = {"runs": {"Sky": "small", "Else": "never_run"}, "published": "published.csv"}
    config = {"run": "both", "collect": collect | {"figures": {"all": figure}}}
    (small.folder / "both.yaml").write_text(yaml.safe_dump(config))
    both = type(small)(small.folder, "both.yaml")
    done = both.run()
    assert done.code == 0, done.said
    results = both.folder / "results" / "both"
    table = tables.read("collected", results / "tables" / "collected.csv")
    rows = table.set_index(["dataset", "experiment", "quantity"])
    ours = rows.loc[("Sky", "dynamic", "pool_mcc")]
    assert ours["n_trials"] == 2 and ours["difference"] == pytest.approx(ours["mean"] - 0.9)
    assert rows.loc[("Else", "dynamic", "pool_mcc"), "n_trials"] == 0
    drawn = tables.read("figure", results / "tables" / "figures" / "all.csv")
    assert set(drawn["experiment"]) == set(figure["experiments"])
    assert (results / "figures" / "all.png").stat().st_size
    assert both.run().nothing_to_do
    config["collect"]["runs"] = {"Sky": "smal"}
    (small.folder / "both.yaml").write_text(yaml.safe_dump(config))
    refused = both.run()
    assert refused.code and "collect.runs: found no rounds of smal, allowed:" in refused.said


def test_a_moved_run_has_nothing_to_do(small):
    """Results depend on no absolute path (and the other tests may work on copies)."""
    assert small.plan().nothing_to_do


def test_new_night_leaves_the_first_alone(small):
    before = small.tables()
    first = yaml.safe_load((small.folder / "small.yaml").read_text())["batches"]
    small.configure(batches=[*first, {"name": "second", "n_objects": 60}])
    planned = small.plan()
    never = {"train_wgan", "train_encoder", "fit_features", "fit_detector", "study_scores"}
    never |= {"train_classifiers", "judge_classifiers"}
    assert not never & set(planned.jobs)
    per_shard = {"fetch_cutouts": 2, "make_images": 2, "score_images": 2, "extract_features": 6}
    assert per_shard.items() <= planned.jobs.items()
    assert planned.jobs["prepare_catalogue"] == 1 and planned.jobs["score_objects"] == 8
    said = " ".join(m for m in planned.messages if "shard" in m)
    assert "second, shard 000" in said and "second, shard 001" in said and "first" not in said

    done = small.run("ranking")
    assert done.code == 0, done.said
    after = small.tables()
    for name, table in before.items():
        if name.startswith("scores/") and name.count("/") == 3:  # the merged ones
            old = after[name][after[name]["batch"] == "first"].reset_index(drop=True)
            pd.testing.assert_frame_equal(old, table, check_exact=True)
            assert (after[name]["batch"] == "second").sum() == 60
        elif "/first" in name:
            pd.testing.assert_frame_equal(after[name], table, check_exact=True)
    assert len(after["ranked.parquet"]) == 160


def test_scores_depend_on_neither_cores_nor_shards(undisturbed, build):
    """Exactly equal: every job works on fixed batches and a stated number of threads."""
    other = build()
    config = yaml.safe_load((other.folder / "small.yaml").read_text())
    detectors = {k: config["detectors"][k] for k in ("wgan", "forest")}
    other.configure(shard_size=100, detectors=detectors, embeddings=None, claim=None, purity=None)
    other.configure(uncertainty=None, aggregates=None)
    done = other.run("scores", cores=1)
    assert done.code == 0, done.said
    expected = undisturbed.workspace.tables()
    for name in (
        "scores/images/wgan/seed-1.parquet",
        "scores/residual_codes/forest/seed-1.parquet",
    ):
        path = other.folder / "results" / "small" / name
        pd.testing.assert_frame_equal(pd.read_parquet(path), expected[name], check_exact=True)


def test_a_table_without_pixels(build):
    workspace = build("features.yaml")
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(90, 4))
    numbers[80:] += 6  # the odd ones stand apart
    frame = pd.DataFrame(numbers, columns=["colour", "size", "shape", "variability"])
    frame.insert(0, "name", [f"{10**18 + i}" for i in range(90)])
    frame["label"] = ["ordinary"] * 80 + ["odd"] * 10
    frame.loc[7, "shape"] = np.nan
    frame.to_csv(workspace.folder / "objects.csv", index=False)

    done = workspace.run()
    assert done.code == 0, done.said
    assert not {"fetch_cutouts", "make_images", "train_wgan", "plot_gallery"} & set(done.jobs)
    assert "plot_groups" not in done.jobs
    assert {"embed_objects", "plot_embedding", "plot_scores", "plot_metric"} <= set(done.jobs)
    results = workspace.folder / "results" / "features"
    check_tables(results)
    ranked = tables.read("ranked", results / "ranked.parquet")
    assert set(ranked["object_id"]) == set(frame["name"])
    assert (ranked["label"][:10] == "odd").mean() > 0.7
    assert ranked["forest_ready_score"].notna().all()
    failures = pd.concat(tables.read("failures", p) for p in results.rglob("*.failures.parquet"))
    assert failures.to_numpy().tolist() == [[frame["name"][7], "no number in shape"]]
    assert "features  1 lack some of numbers (1 no number in shape)" in done.said
    assert "detector forest_ready, seed" in done.said  # as the table's columns are named
    assert workspace.run().nothing_to_do


def test_a_folder_of_pictures_with_a_corrupt_one(build):
    workspace = build("pictures.yaml")
    folder = workspace.folder / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(4)
    for i in range(20):
        pixels = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"galaxy-{i:02d}.png")
    whole = (folder / "galaxy-07.png").read_bytes()
    (folder / "galaxy-07.png").write_bytes(whole[: len(whole) // 2])

    done = workspace.run("ranking")
    assert done.code == 0, done.said
    results = workspace.folder / "results" / "pictures"
    manifest = tables.read("manifest", results / "cutouts" / "first" / "shard-000.manifest.parquet")
    manifest = manifest.set_index("object_id")
    assert len(manifest) == 20 and (manifest["status"] != "ok").sum() == 1
    assert manifest.loc["galaxy-07", "status"] != "ok" and manifest.loc["galaxy-07", "reason"]
    assert "1 of 20 objects without data" in done.said and "galaxy-07" in done.said
    ranked = tables.read("ranked", results / "ranked.parquet").set_index("object_id")
    assert len(ranked) == 20 and ranked["forest_pixels_score"].notna().sum() == 19
    assert ranked.loc["galaxy-07", "status"] == manifest.loc["galaxy-07", "status"]
    assert pd.isna(ranked.loc["galaxy-07", "rank"])


def draw_light_curves(folder):
    """60 objects in two filters, one of them with three rows; a sixth flare up."""
    rng = np.random.default_rng(5)
    curves = []
    for i in range(60):
        rows = pd.DataFrame({"time_mjd": rng.uniform(53000, 54000, 40 if i else 3)})
        rows["value"] = 18 + rng.normal(0, 0.1, len(rows))
        rows["value"] -= 3 * (i % 6 == 5) * (np.abs(rows["time_mjd"] - 53500) < 100)
        rows["filter"] = np.where(np.arange(len(rows)) % 2, "g", "r")
        curves.append(rows.assign(object_id=f"star-{i:02}", error=0.1))
    curves[7].loc[2, "error"] = 0
    pd.concat(curves).to_csv(folder / "curves.csv.gz", index=False)
    labels = {"object_id": [f"star-{i:02}" for i in range(60)]}
    labels["label"] = ["burst" if i % 6 == 5 else "quiet" for i in range(60)]
    pd.DataFrame(labels).to_csv(folder / "labels.csv", index=False)


def test_light_curves_go_where_images_go(build):
    workspace = build("curves.yaml")
    draw_light_curves(workspace.folder)
    done = workspace.run()
    assert done.code == 0, done.said
    through = {"fetch_cutouts", "make_images", "extract_features", "plot_gallery", "plot_groups"}
    assert through | {"run_trials", "plot_embedding", "plot_metric"} <= set(done.jobs)
    assert "1 of 30 objects without data" in done.said
    assert "1 of 30 objects with rows left out" in done.said
    results = workspace.folder / "results" / "curves"
    check_tables(results)
    manifest = tables.read("manifest", results / "cutouts" / "first" / "shard-000.manifest.parquet")
    manifest = manifest.set_index("object_id")
    assert manifest.loc["star-00", "status"] == "too_few"
    assert manifest.loc["star-07", "reason"] == "left out: 1 with an error that is not above 0"
    assert manifest["status"].value_counts().to_dict() == {"ok": 29, "too_few": 1}
    ranked = tables.read("ranked", results / "ranked.parquet").set_index("object_id")
    assert (ranked["label"][:5] == "burst").all()
    assert ranked.loc["star-00", "status"] == "too_few" and pd.isna(ranked.loc["star-00", "rank"])
    metrics = tables.read("metrics", results / "tables" / "metrics.csv")
    auroc = metrics[(metrics["metric"] == "auroc") & (metrics["group"] == "burst")]
    assert auroc["value"].item() > 0.95
    assert workspace.run().nothing_to_do


def test_spectra_go_where_images_go(build):
    workspace = build("curves.yaml")
    rng = np.random.default_rng(6)
    wave = np.arange(4000.0, 7000.0, 5)
    (workspace.folder / "spectra").mkdir()
    for i in range(24):
        line = np.exp(-0.5 * ((wave - 6563) / 15) ** 2)
        extra = np.exp(-0.5 * ((wave - 5700) / 15) ** 2) * (i == 20)
        flux = 10 * (1 + rng.uniform(0, 1) * line + extra) + rng.normal(0, 0.1, len(wave))
        rows = {"wavelength": wave, "flux": flux, "error": 0.1}
        path = workspace.folder / "spectra" / f"galaxy-{i:02}.csv"
        pd.DataFrame(rows).to_csv(path, index=False)
    bins = {"low_angstrom": 4000, "high_angstrom": 7000, "n_bins": 200, "n_components": 1}
    workspace.configure(
        survey={"kind": "spectra", "layout": "table", "error_column": "error"},
        batches=[{"name": "first", "source": "spectra"}],
        features={"shapes": {"kind": "spectral_components"} | bins},
        detectors={"missed": {"kind": "column", "features": ["shapes"], "column": "missed_chi2"}},
        embeddings=None,
        experiments=None,
        truth=None,
    )
    done = workspace.run()
    assert done.code == 0, done.said
    results = workspace.folder / "results" / "curves"
    check_tables(results)
    ranked = tables.read("ranked", results / "ranked.parquet")
    assert ranked["object_id"][0] == "galaxy-20" and ranked["rank"].notna().all()
    assert (results / "figures" / "gallery-shapes-missed-top.png").stat().st_size > 2000
