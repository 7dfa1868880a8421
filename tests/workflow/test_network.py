"""A run over the network, against a stand-in: in two steps, resumed, and without a secret left."""

import os

import pandas as pd
import psutil
import pytest
import yaml
from tests.servers import Faults, Sky, make, serving

from hoag import tables

USER, PASSWORD = "user-0815@local", "pw-4711-secret"
BATCH = {"name": "first", "catalogue": "objects.csv"}
N_OBJECTS = 9


@pytest.fixture
def workspace(build, monkeypatch):
    """Eight objects in the survey and one outside it, in three shards of the example of HSC."""
    made = build()
    example = yaml.safe_load((made.folder / "config" / "examples" / "hsc.yaml").read_text())
    rows = pd.read_csv(made.folder / example["batches"][0]["catalogue"])
    rows.loc[len(rows)] = ["outside", 20.0, -40.0]
    rows.to_csv(made.folder / "objects.csv", index=False)
    example["survey"] |= {"size_px": 32, "backoff_s": 0.05}
    example["batches"], example["shard_size"] = [BATCH], 3
    (made.folder / "small.yaml").write_text(yaml.safe_dump(example))
    monkeypatch.setenv("SSP_PDR_USR", USER)
    monkeypatch.setenv("SSP_PDR_PWD", PASSWORD)
    return made


def answer_at(workspace, url):
    config = yaml.safe_load((workspace.folder / "small.yaml").read_text())
    config["survey"]["base_url"] = f"{url}/das_cutout"
    (workspace.folder / "small.yaml").write_text(yaml.safe_dump(config))


@pytest.mark.workflow
def test_download_first_then_everything_without_a_network(workspace):
    sky = Sky(footprint=(100, 200, -10, 30))
    script = ["error_500", "truncate", "html", None, "too_many", "reset"]
    app = Faults(make("hsc", sky, user=USER, password=PASSWORD), script=script, retry_after_s=0.1)
    with serving(app) as url:
        answer_at(workspace, url)
        done = workspace.run("download")
        assert done.code == 0, done.said
        assert set(done.jobs) == {"prepare_catalogue", "fetch_cutouts", "download"}
        n_requests = app.stats.count()
        assert app.stats.most_at_once <= 4
        # outputs that are lost are made again from what came
        for path in (workspace.folder / "results").rglob("shard-*.h5"):
            path.unlink()
        again = workspace.run("download")
        assert again.jobs["fetch_cutouts"] == 3 and app.stats.count() == n_requests
    done = workspace.run()  # the server is gone
    assert done.code == 0, done.said
    assert "fetch_cutouts" not in done.jobs
    results = workspace.folder / "results" / "hsc"
    manifest = pd.concat(tables.read("manifest", p) for p in results.rglob("*.manifest.parquet"))
    assert manifest["status"].value_counts().to_dict() == {"ok": N_OBJECTS - 1, "no_data": 1}
    assert (manifest["n_bytes"] > 0).sum() == N_OBJECTS - 1 and (manifest["attempts"] > 0).all()
    ranked = tables.read("ranked", results / "ranked.parquet").set_index("object_id")
    assert ranked.loc["outside", "status"] == "no_data" and ranked["rank"].notna().sum() == 8
    assert (results / "figures" / "coverage.png").is_file()
    assert workspace.plan().nothing_to_do
    workspace.edit("small.yaml", "backoff_s: 0.05", "backoff_s: 0.06")
    assert workspace.plan().nothing_to_do, "how it is asked shapes no result"
    workspace.edit("small.yaml", "size_px: 32", "size_px: 33")
    assert workspace.plan().jobs["fetch_cutouts"] == 3
    said = done.said + again.said
    for path in workspace.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert PASSWORD.encode() not in content and USER.encode() not in content, path
    assert PASSWORD not in said and USER not in said


@pytest.mark.workflow
def test_a_killed_download_goes_on(workspace):
    app = Faults(make("hsc", Sky(), user=USER, password=PASSWORD), latency_s=0.3)
    with serving(app) as url:
        answer_at(workspace, url)
        process = workspace.start("download")
        while app.stats.count() < 2:
            assert process.poll() is None or app.stats.count(), "the run ended too early"
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()
        done = workspace.run("download")
        assert done.code == 0, done.said
        whole = app.stats.objects
        assert max(whole.values()) <= 2 and len(whole) == N_OBJECTS * 3
        again = [n for n in whole.values() if n > 1]
        assert len(again) <= 9, "but for one shard of three objects, nothing came twice"


def test_a_login_that_is_missing_ends_the_job_in_one_line(workspace, monkeypatch):
    monkeypatch.delenv("SSP_PDR_USR")
    monkeypatch.setenv("NETRC", os.devnull)
    answer_at(workspace, "http://127.0.0.1:9")
    done = workspace.run("download")
    assert done.code == 1
    said = [line for line in done.said.splitlines() if line.startswith("fetch_cutouts first ")]
    assert said and all("found no login, allowed: SSP_PDR_USR and SSP_PDR_PWD" in s for s in said)
