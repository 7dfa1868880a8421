"""Published anomalies, read and matched."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hoag.catalogue.published import match_positions, read_wgan_hsc
from hoag.options import ConfigError

HEADER = (
    "idx,HSC_object_id,ra,dec,discriminator_score_normalized,generator_score_normalized,"
    "combined_score_normalized\n"
)


def test_the_wgan_s_anomalies_are_read(tmp_path):
    path = tmp_path / "anomalies.csv"
    path.write_text(HEADER + "7,43153636661928257,150.5,2.25,3.5,1.25,3.0\n")
    (row,) = read_wgan_hsc(path).to_dict("records")
    assert row == {
        "object_id": "43153636661928257",
        "ra_deg": 150.5,
        "dec_deg": 2.25,
        "s_disc_sigma": 3.5,
        "s_gen_sigma": 1.25,
        "sigma": 3.0,
    }
    path.write_text("HSC_object_id,ra,dec\n1,2,3\n")
    with pytest.raises(ConfigError, match="column: found 'discriminator_score_normalized'"):
        read_wgan_hsc(path)


def test_objects_are_matched_by_position_across_ra_zero():
    published = pd.DataFrame({"ra_deg": [359.9999, 10.0], "dec_deg": [0.0, 60.0], "sigma": [4, 5]})
    arcsec = 1 / 3600
    objects = pd.DataFrame(
        {
            "object_id": ["a", "b", "c", "d"],
            "ra_deg": [359.9999 - 360 + 0.5 * arcsec, 10 + 1.5 * arcsec, 10.0, np.nan],
            "dec_deg": [0.0, 60.0, 60 + 2 * arcsec, np.nan],
        },
        index=[3, 1, 2, 0],
    )
    found = match_positions(objects, published)
    assert found["object_id"].tolist() == ["a", "b", "c", "d"] and found.index[0] == 3
    assert found["published_sigma"].tolist()[:2] == [4, 5]
    assert found["published_sigma"].isna().tolist() == [False, False, True, True]
    np.testing.assert_allclose(found["separation_arcsec"][:2], [0.5, 0.75], rtol=1e-3)
    none = match_positions(objects, published.iloc[:0])
    assert none["separation_arcsec"].isna().all() and len(none) == 4


@pytest.mark.real_data
@pytest.mark.skipif("HOAG_DATA" not in os.environ, reason="HOAG_DATA is unset")
def test_the_published_catalogue():
    folder = Path(os.environ["HOAG_DATA"]) / "hsc_wgan_thumbs"
    table = read_wgan_hsc(folder / "anomaly_catalog_hsc_disc3sigma.csv.gz")
    assert len(table) == 13_477 and table["object_id"].is_unique
    assert table["object_id"].str.fullmatch(r"\d{17}").all()
    assert (table["s_disc_sigma"] > 3).all()
    again = match_positions(table.sample(100, random_state=1), table)
    assert (again["separation_arcsec"] < 1e-6).all()
    assert (again["published_object_id"] == again["object_id"]).all()
