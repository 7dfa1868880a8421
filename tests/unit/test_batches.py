"""Batches assembled from a catalogue and from what a survey lists itself."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hoag import tables
from hoag.batches import assemble
from hoag.options import ConfigError
from hoag.surveys import images, simulated, table


def folder(path, names):
    path.mkdir()
    for i, name in enumerate(names):
        Image.fromarray(np.full((4, 4, 3), i, np.uint8)).save(path / f"{name}.png")
    return {"source": str(path)}


def build(survey, options, batch, keys=None, earlier=None, **others):
    section = {"name": "night", "keys": keys or {}, "options": batch}
    asked = {"earlier": earlier or {}, "strict": False, "seed": 1} | others
    return assemble(survey, options, section, **asked)


def test_equal_file_names_of_two_nights_are_not_taken_for_duplicates(tmp_path):
    options = images.Options()
    first = build(images, options, folder(tmp_path / "one", "abc"))
    second = build(images, options, folder(tmp_path / "two", "bcd"), earlier={"first": first.table})
    assert second.table["object_id"].tolist() == ["d"]
    assert second.n_merged == 0
    assert second.rejects["object_id"].tolist() == ["b", "c"]


@pytest.fixture
def joined(tmp_path):
    """A folder of two images and a catalogue of three objects with a column named member."""
    batch = folder(tmp_path / "pictures", "ab")
    rows = pd.DataFrame({"object_id": ["a", "b", "x"], "member": [1, 1, 1], "mag": [20, 21, 22]})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    return batch, {"catalogue": str(tmp_path / "rows.csv")}


def test_a_catalogue_adds_columns_to_images(joined):
    made = build(images, images.Options(), *joined)
    assert made.table["object_id"].tolist() == ["a", "b"]
    assert made.table["mag"].tolist() == [20, 21]
    assert made.table["member"].tolist() == ["a.png", "b.png"]
    assert made.table["member_catalogue"].tolist() == [1, 1]
    assert made.rejects["object_id"].tolist() == ["x"]


def test_rejects_are_rows_of_the_file(joined):
    batch, keys = joined
    rows = pd.DataFrame({"object_id": ["n", "x", "b", "y"], "mag": [30, 21, 22, 23]})
    rows.to_csv(keys["catalogue"], index=False)
    made = build(images, images.Options(), batch, keys | {"select": ["mag < 25"]})
    assert made.rejects[["row", "object_id"]].values.tolist() == [[1, "x"], [3, "y"]]


def test_a_feature_table_is_its_batch(tmp_path):
    rows = pd.DataFrame({"objID": [2**60 + 1, 5], "RAJ2000": ["12:00:00", "1:00:00"]})
    rows = rows.assign(DEJ2000=[1.0, 2.0], kind=["x", "y"], mag=[1.5, 2.5])
    rows.to_csv(tmp_path / "rows.csv", index=False)
    keys = {"catalogue": str(tmp_path / "rows.csv"), "label_column": "kind"}
    made = build(table, table.Options(), {}, keys).table
    assert made["object_id"].tolist() == [str(2**60 + 1), "5"]
    assert made["ra_deg"].tolist() == [180, 15] and made["dec_deg"].tolist() == [1, 2]
    assert made["label"].tolist() == ["x", "y"] and made["mag"].tolist() == [1.5, 2.5]
    tables.write("catalogue", made, tmp_path / "c.parquet")
    again = tables.read("catalogue", tmp_path / "c.parquet")
    assert again.attrs["made_from"] == ["DEJ2000", "RAJ2000", "kind", "objID"]


def test_strict_stops_at_an_object_without_an_image(joined):
    with pytest.raises(ConfigError, match=r"night: 1 object\(s\) can't be used, the first: x"):
        build(images, images.Options(), *joined, strict=True)


def test_a_simulated_survey_is_drawn_at_the_catalogues_objects(tmp_path):
    rows = pd.DataFrame({"id": [9007199254740993, 2], "ra": [1.0, 2.0], "dec": [3.0, 4.0]})
    rows.assign(i_mag=99.0).to_csv(tmp_path / "rows.csv", index=False)
    keys = {"catalogue": str(tmp_path / "rows.csv")}
    made = build(simulated, simulated.Options(), {"n_objects": 2}, keys)
    assert made.table["object_id"].tolist() == ["9007199254740993", "2"]
    assert made.table["ra_deg"].tolist() == [1.0, 2.0]
    assert made.table["number"].tolist() == [0, 1]
    assert made.table["i_mag_catalogue"].tolist() == [99.0, 99.0]
    assert (made.table["i_mag"] < 21).all()
