"""config/hsc.yaml, the paper's own parameters, shortened until it fits a test."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table

from hoag import tables
from hoag.surveys import simulated

ROOT = Path(__file__).parents[2]
N_OBJECTS = 34


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Drawn g, r, i cubes of 110 px and a catalogue with HSC's column names; returns the folder."""
    folder = tmp_path_factory.mktemp("hsc")
    (folder / "hsc" / "cutouts").mkdir(parents=True)
    options, batch = simulated.Options(size_px=110), simulated.Batch(N_OBJECTS)
    rows = simulated.list_objects(batch, options, seed=5, name="hsc")
    ids = [f"4315363666192{i:06d}" for i in range(N_OBJECTS)]
    for cutout, name in zip(
        simulated.fetch(rows, batch, options, seed=5, name="hsc"), ids, strict=True
    ):
        fits.PrimaryHDU(cutout.pixels).writeto(folder / "hsc" / "cutouts" / f"{name}.fits")
    clean = np.zeros(N_OBJECTS, bool)
    flags = ("edge", "interpolatedcenter", "saturatedcenter", "crcenter")
    catalogue = Table(
        {
            "object_id": np.array(ids, dtype=np.int64),
            "ra": rows["ra_deg"].to_numpy(),
            "dec": rows["dec_deg"].to_numpy(),
            "i_cmodel_mag": np.clip(rows["i_mag"].to_numpy(), 20.01, 20.49),
            "isprimary": ~clean,
            "i_cmodel_flag": clean,
            **{f"i_pixelflags_{flag}": clean for flag in flags},
        }
    )
    catalogue["i_cmodel_mag"][-1] = 21.0
    catalogue["isprimary"][-2] = False
    catalogue.write(folder / "hsc" / "catalogue.fits")
    return folder


@pytest.mark.workflow
def test_full_width_at_96_px(survey):
    config = yaml.safe_load((ROOT / "config" / "hsc.yaml").read_text())
    paper = config["models"]["wgan"]
    assert (paper["width"], paper["n_latent"], paper["hold_out"]) == (64, 128, 0)
    paper |= {"iterations": 1, "critic_steps": 1}
    config["models"]["encoder"]["iterations"] = 1
    config["detectors"] = {"wgan": {"kind": "wgan", "steps": 1, "batch_size": 16}}
    for key in ("features", "embeddings", "claim", "studies"):
        del config[key]
    (survey / "short.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    command += ["--cores", "2", "--configfile", "short.yaml", "--", "ranking"]
    done = subprocess.run(command, cwd=survey, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ranked = tables.read("ranked", survey / "results" / "hsc" / "ranked.parquet")
    assert len(ranked) == N_OBJECTS - 2  # one is too faint, one is no primary
    assert ranked["wgan_score"].notna().all()
    assert ranked["object_id"].str.fullmatch(r"4315363666192\d{6}").all()
