"""Survey ``images``: sources, decoding rules, ids, labels and faults, all on drawn images."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from PIL import Image

from hoag.options import ConfigError, build
from hoag.surveys import _containers, images
from hoag.surveys._types import Cutout, Failure

RNG = np.random.default_rng(1)


def picture(height=20, width=20, channels=3, seed=0):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(array, kind="PNG", **options):
    stream = io.BytesIO()
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(stream, kind, **options)
    return stream.getvalue()


def fits_bytes(*arrays, names=None, compressed=False):
    make = fits.CompImageHDU if compressed else fits.ImageHDU
    hdus = [fits.PrimaryHDU()]
    for i, array in enumerate(arrays):
        hdus.append(make(array, name=names[i] if names else ""))
    stream = io.BytesIO()
    fits.HDUList(hdus).writeto(stream)
    return stream.getvalue()


def pack(members, path):
    """Write {name: bytes} as the folder or archive that the path's suffix names."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    elif ".tar" in path.name:
        mode = "w:" + path.name.partition(".tar")[2].lstrip(".")
        with tarfile.open(path, mode) as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    else:
        for name, data in members.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return str(path)


def made(options, batch):
    return build(images.Options, options, "survey"), build(images.Batch, batch, "batches.b")


def listed(options, batch):
    options, batch = made(options, batch)
    frame = images.list_objects(batch, options, seed=0, name="b")
    assert len(frame) == images.count(batch, options, name="b")
    return frame


def fetched(options, batch, rows=slice(None)):
    frame = listed(options, batch).iloc[rows]
    options, batch = made(options, batch)
    found = list(images.fetch(frame, batch, options, seed=0, name="b"))
    assert sorted(f.object_id for f in found) == sorted(frame["object_id"])
    return {f.object_id: f for f in found}


def one(data, options, name="a.png", tmp_path=None):
    (answer,) = fetched(options, {"source": pack({name: data}, tmp_path / "one")}).values()
    return answer


CONTAINERS = ["folder", "a.zip", "a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_pixels(container, tmp_path):
    arrays = {f"{folder}/{folder}{i}.png": picture(seed=i) for folder in "ba" for i in range(3)}
    members = {name: encoded(array) for name, array in arrays.items()}
    members |= {"notes.txt": b"no image", ".hidden.png": b"", "__MACOSX/a/a0.png": b""}
    source = pack(members, tmp_path / container)
    frame = listed({}, {"source": source, "label_from_folder": True, "id_prefix": "p"})
    assert list(frame["object_id"]) == ["pa0", "pa1", "pa2", "pb0", "pb1", "pb2"]
    assert list(frame["label"]) == ["a"] * 3 + ["b"] * 3
    answers = fetched({}, {"source": source, "id_prefix": "p"})
    for name, array in arrays.items():
        np.testing.assert_array_equal(answers[f"p{Path(name).stem}"].pixels, array)


def test_jpeg_pixels_are_those_of_pillow(tmp_path):
    data = encoded(picture(), "JPEG")
    answer = one(data, {}, "a.JPG", tmp_path)
    np.testing.assert_array_equal(answer.pixels, np.asarray(Image.open(io.BytesIO(data))))


def test_crop_is_central_and_cuts_odd_pixels_at_the_high_end(tmp_path):
    array = picture(21, 24)
    answer = one(encoded(array), {"crop_px": 10}, tmp_path=tmp_path)
    np.testing.assert_array_equal(answer.pixels, array[5:15, 7:17])


GREY = picture(channels=1, seed=3)
COLOUR = picture(seed=4)


def _transparent():
    rgba = np.dstack([COLOUR, np.full((20, 20), 255, np.uint8)])
    rgba[:5, :, 3] = 0
    return rgba


def _over_black():
    expected = COLOUR.copy()
    expected[:5] = 0
    return expected


def _palette():
    image = Image.frombytes("P", (20, 20), GREY.tobytes())
    image.putpalette([v for i in range(256) for v in (i, 255 - i, i // 2)])
    return image


MODES = {
    "grey": (GREY, "PNG", np.dstack([GREY] * 3)),
    "rgba": (_transparent(), "PNG", _over_black()),
    "palette": (_palette(), "PNG", np.dstack([GREY, 255 - GREY, GREY // 2])),
    "bilevel": (Image.fromarray(GREY > 127), "PNG", np.dstack([(GREY > 127) * np.uint8(255)] * 3)),
    "cmyk": (Image.fromarray(COLOUR).convert("CMYK"), "TIFF", COLOUR),
    "grey16_png": (GREY.astype(np.uint16) * 256 + 200, "PNG", np.dstack([GREY] * 3)),
    "grey16_tiff": (GREY.astype(np.uint16) * 256 + 200, "TIFF", np.dstack([GREY] * 3)),
}


@pytest.mark.parametrize("mode", MODES)
def test_modes_become_three_channels(mode, tmp_path):
    image, kind, expected = MODES[mode]
    answer = one(encoded(image, kind), {}, f"a.{kind.lower()}", tmp_path)
    np.testing.assert_array_equal(answer.pixels, expected)


def test_16_bit_colour_keeps_the_high_byte_too(tmp_path):
    import struct
    import zlib

    def chunk(tag, body):
        return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))

    values = COLOUR.astype(">u2") * np.uint16(256) + np.uint16(250)
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_array_equal(one(data, {}, tmp_path=tmp_path).pixels, COLOUR)


def test_colour_becomes_grey_by_luma(tmp_path):
    answer = one(encoded(COLOUR), {"channels": 1}, tmp_path=tmp_path)
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert answer.pixels.shape == (20, 20, 1)
    assert np.abs(answer.pixels[..., 0] - luma).max() <= 1


def test_exif_orientation_is_ignored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    answer = one(encoded(COLOUR, exif=exif), {}, tmp_path=tmp_path)
    np.testing.assert_array_equal(answer.pixels, COLOUR)


FAULTS = {
    "truncated": encoded(picture(200, 200), "JPEG")[:3000],
    "text": b"this is no picture",
    "empty": b"",
    "small": encoded(picture(20, 9)),
    "bits32": encoded(Image.fromarray(np.ones((20, 20), np.float32)), "TIFF"),
    "broken": encoded(picture())[:60] + b"?" * 200,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("crop_px", [None, 10])
def test_a_bad_member_fails_with_a_reason_and_the_others_do_not(fault, crop_px, tmp_path):
    members = {f"m{i}.png": encoded(picture(seed=i)) for i in range(2)}
    members["m2.jpg"] = FAULTS[fault]
    answers = fetched({"crop_px": crop_px}, {"source": pack(members, tmp_path / "a.tar.xz")})
    bad = answers.pop("m2")
    assert isinstance(bad, Failure) and bad.status == "invalid" and "\n" not in bad.reason
    assert all(isinstance(a, Cutout) for a in answers.values())


def test_failures_name_the_size_found_and_the_size_allowed(tmp_path):
    members = {"a.png": encoded(picture(20, 20)), "b.png": encoded(picture(20, 9))}
    source = pack(members, tmp_path / "f")
    reason = fetched({}, {"source": source})["b"].reason
    assert "20 x 9" in reason and "20 x 20" in reason
    reason = fetched({"crop_px": 10}, {"source": source})["b"].reason
    assert "20 x 9" in reason and "at least 10 x 10" in reason


def test_expected_size_comes_from_the_first_readable_member_whatever_the_shard(tmp_path):
    members = {f"a{i:02}.png": b"broken" for i in range(40)}
    members |= {"b.png": encoded(picture(20, 20)), "c.png": encoded(picture(30, 30))}
    source = pack(members, tmp_path / "f.zip")
    alone = fetched({}, {"source": source}, rows=slice(41, 42))
    assert "30 x 30" in alone["c"].reason
    assert isinstance(fetched({}, {"source": source})["b"], Cutout)


def test_damaged_zip_member_fails_alone(tmp_path):
    source = pack({f"m{i}.png": encoded(picture(seed=i)) for i in range(3)}, tmp_path / "a.zip")
    data = bytearray(Path(source).read_bytes())
    with zipfile.ZipFile(source) as archive:
        data[archive.getinfo("m1.png").header_offset + 100] ^= 255
    Path(source).write_bytes(data)
    answers = fetched({}, {"source": source})
    assert [type(answers[f"m{i}"]) for i in range(3)] == [Cutout, Failure, Cutout]


def test_repeated_names_merge_when_identical_and_keep_paths_when_not(tmp_path):
    same, other = encoded(picture(seed=1)), encoded(picture(seed=2))
    members = {"x/1.png": same, "y/1.png": same, "x/2.png": same, "y/2.png": other}
    for container in ("f", "a.zip", "a.tar", "a.tar.xz"):
        source = pack(members, tmp_path / container)
        assert list(listed({}, {"source": source})["object_id"]) == ["1", "x/2.png", "y/2.png"]
        kept = listed({}, {"source": source, "merge_identical": False})
        assert list(kept["object_id"]) == ["x/1.png", "x/2.png", "y/1.png", "y/2.png"]
        by_label = listed({}, {"source": source, "label_from_folder": True})
        assert list(by_label["label"]) == ["x", "x", "y", "y"]  # two labels are not one object


def test_pattern_matches_names_and_paths(tmp_path):
    members = {n: encoded(picture()) for n in ("u/a_sci.png", "u/a_mask.png", "v/b_sci.png")}
    source = pack(members, tmp_path / "f")
    for pattern, expected in (("*_sci*", ["a_sci", "b_sci"]), ("v/*", ["b_sci"])):
        assert list(listed({}, {"source": source, "pattern": pattern})["object_id"]) == expected


def test_labels_and_exclusions_match_ids_as_text_without_the_prefix(tmp_path):
    source = pack({f"{i}.png": encoded(picture(seed=i)) for i in range(10, 14)}, tmp_path / "f")
    pd.DataFrame({"number": [10, 11, 13], "odd": [1, 0, 1]}).to_csv(tmp_path / "l.csv", index=False)
    pd.DataFrame({"gone": [12]}).to_csv(tmp_path / "x.csv", index=False)
    batch = {
        "source": source,
        "id_prefix": "p",
        "labels": str(tmp_path / "l.csv"),
        "labels_id_column": "number",
        "labels_column": "odd",
        "labels_names": {1: "odd", "0": None},
        "exclude": str(tmp_path / "x.csv"),
        "exclude_column": "gone",
    }
    frame = listed({}, batch)
    assert list(frame["object_id"]) == ["p10", "p11", "p13"]
    assert [None if pd.isna(v) else v for v in frame["label"]] == ["odd", None, "odd"]
    plain = listed({}, {**batch, "labels_names": {}})
    assert list(plain["label"]) == ["1", "0", "1"]


def test_labels_match_names_of_files_too_but_no_places_in_an_array(tmp_path):
    source = pack({f"{i}.png": encoded(picture(seed=i)) for i in range(2)}, tmp_path / "f")
    pd.DataFrame({"object_id": ["1.png", "0.png"], "label": ["a", "b"]}).to_csv(
        tmp_path / "l.csv", index=False
    )
    batch = {"source": source, "labels": str(tmp_path / "l.csv")}
    assert list(listed({}, batch)["label"]) == ["b", "a"]
    (tmp_path / "x.csv").write_text("object_id\n1.png\n")
    frame = listed({}, batch | {"exclude": str(tmp_path / "x.csv")})
    assert list(frame["object_id"]) == ["0"]
    (tmp_path / "l.csv").write_text("object_id,label\n1,a\n7,b\n")
    stack = np.zeros((2, 4, 4, 3), np.uint8)
    source = array_file(tmp_path / "a.npz", images=stack, idx=np.array([7, 8]))
    frame = listed({"ids_dataset": "idx"}, {"source": source, "labels": str(tmp_path / "l.csv")})
    assert [None if pd.isna(v) else v for v in frame["label"]] == ["b", None]


# ---- arrays


def array_file(path, **arrays):
    if path.suffix == ".npz":
        np.savez_compressed(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                text = np.asarray(values).dtype.kind == "U"
                file.create_dataset(
                    name,
                    data=list(values) if text else values,
                    dtype=h5py.string_dtype() if text else None,
                )
    return str(path)


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_arrays_of_pictures(suffix, tmp_path):
    stack = np.stack([picture(seed=i) for i in range(5)])
    ids, labels = np.array([9, 8, 7, 6, 5]), np.array(list("vwxyz"))
    source = array_file(tmp_path / f"a.{suffix}", images=stack, idx=ids, kind=labels)
    options = {"ids_dataset": "idx", "labels_dataset": "kind"}
    frame = listed(options, {"source": source, "id_prefix": "p"})
    assert list(frame["object_id"]) == ["p9", "p8", "p7", "p6", "p5"]
    assert list(frame["label"]) == list("vwxyz")
    answers = fetched(options, {"source": source}, rows=[3, 1])
    np.testing.assert_array_equal(answers["6"].pixels, stack[3])
    np.testing.assert_array_equal(answers["8"].pixels, stack[1])
    grey = fetched({"channels": 1, "crop_px": 8}, {"source": source})["0"].pixels
    assert grey.shape == (8, 8, 1) and grey.dtype == np.uint8


@pytest.mark.parametrize("suffix", ["npz", "h5"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_flux(suffix, order, tmp_path):
    stack = np.asarray(RNG.normal(size=(4, 2, 6, 7)), dtype=">f8", order=order)
    stack[1, 0, 0, 0] = np.nan
    source = array_file(tmp_path / f"a.{suffix}", images=stack)
    answers = fetched({"pixels": "flux", "bands": ["g", "r"]}, {"source": source})
    for i in range(4):
        assert answers[str(i)].pixels.dtype == np.dtype("float32")
        np.testing.assert_array_equal(answers[str(i)].pixels, stack[i].astype(np.float32))


def test_three_dimensions_of_flux_are_one_band_or_one_object(tmp_path):
    stack = RNG.normal(size=(3, 6, 7)).astype(np.float32)
    source = array_file(tmp_path / "a.npz", images=stack)
    many = fetched({"pixels": "flux", "bands": ["i"]}, {"source": source})
    np.testing.assert_array_equal(many["2"].pixels, stack[2:])
    (single,) = fetched({"pixels": "flux", "bands": ["g", "r", "i"]}, {"source": source}).values()
    np.testing.assert_array_equal(single.pixels, stack)


def test_damaged_array_fails_the_rows_after_the_damage(tmp_path):
    stack = np.stack([picture(100, 100, seed=i) for i in range(20)])
    source = array_file(tmp_path / "a.npz", images=stack)
    data = bytearray(Path(source).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40_000] = bytes(40_000)
    Path(source).write_bytes(data)
    answers = fetched({}, {"source": source})
    kinds = [type(answers[str(i)]) for i in range(20)]
    assert kinds[0] is Cutout and kinds[-1] is Failure
    np.testing.assert_array_equal(answers["0"].pixels, stack[0])


# ---- FITS


PLANES = [RNG.normal(size=(12, 14)).astype(np.float32) for _ in range(3)]
GRI = {"pixels": "flux", "bands": ["g", "r", "i"]}


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (fits_bytes(np.stack(PLANES)), {}),
        (fits_bytes(PLANES[2], PLANES[0], PLANES[1], names=["I", "G", "R"]), {}),
        (fits_bytes(*PLANES, names=["A", "B", "C"]), {"extensions": ["A", 2, "C"]}),
        (fits_bytes(PLANES[0], np.stack(PLANES)), {"extensions": [2]}),
    ],
    ids=["cube", "by_band_names", "by_extensions", "cube_by_extension"],
)
def test_fits_layouts(data, options, tmp_path):
    answer = one(data, GRI | options, "a.fits", tmp_path)
    assert answer.pixels.dtype == np.float32 and answer.pixels.dtype.isnative
    np.testing.assert_array_equal(answer.pixels, np.stack(PLANES))


def test_compressed_fits(tmp_path):
    import gzip

    options = {"pixels": "flux", "bands": ["i"], "crop_px": 8}
    expected = PLANES[0][None, 2:10, 3:11]
    zipped = one(gzip.compress(fits_bytes(PLANES[0])), options, "a.fits.gz", tmp_path / "1")
    np.testing.assert_array_equal(zipped.pixels, expected)
    whole = (PLANES[0] * 1000).astype(np.int32)  # integers survive Rice compression exactly
    packed = one(fits_bytes(whole, compressed=True), options, "a.fits.fz", tmp_path / "2")
    assert packed.object_id == "a"
    np.testing.assert_array_equal(packed.pixels, whole[None, 2:10, 3:11])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (fits_bytes(np.stack(PLANES))[:-3000], ""),
        (fits_bytes(np.stack(PLANES[:2])), "(2, 12, 14)"),
        (fits_bytes(PLANES[0], PLANES[1][1:], PLANES[2], names=["g", "r", "i"]), "one shape"),
        (fits_bytes(), "no image extension"),
        (b"SIMPLE  = nonsense", ""),
    ],
    ids=["truncated", "two_bands", "unequal", "no_image", "nonsense"],
)
def test_bad_fits_fails_with_a_reason(data, reason, tmp_path):
    members = {"a.fits": fits_bytes(np.stack(PLANES)), "b.fits": data}
    answers = fetched(GRI, {"source": pack(members, tmp_path / "f")})
    assert isinstance(answers["a"], Cutout)
    assert answers["b"].status == "invalid" and reason in answers["b"].reason


def test_missing_extension_names_those_that_exist(tmp_path):
    answer = one(
        fits_bytes(*PLANES, names=["A", "B", "C"]),
        GRI | {"extensions": ["A", "B", "D"]},
        "a.fits",
        tmp_path,
    )
    assert "'D'" in answer.reason and "3 C" in answer.reason


def test_extensions_of_one_fits_file_are_objects(tmp_path):
    path = tmp_path / "stamps.fits"
    path.write_bytes(fits_bytes(PLANES[0], PLANES[1], PLANES[2][:4]))
    answers = fetched({"pixels": "flux", "bands": ["i"], "crop_px": 6}, {"source": str(path)})
    np.testing.assert_array_equal(answers["2"].pixels, PLANES[1][None, 3:9, 4:10])
    assert "4 x 14" in answers["3"].reason and len(answers) == 3


# ---- faults that stop the planning


def _empty_folder(tmp_path):
    (tmp_path / "f").mkdir()
    return {}, {"source": str(tmp_path / "f")}


def _archive_cut_short(tmp_path):
    source = pack({"a.png": encoded(picture(90, 90))}, tmp_path / "a.tar.xz")
    Path(source).write_bytes(Path(source).read_bytes()[:200])
    return {}, {"source": source}


def _no_zip(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK nothing")
    return {}, {"source": str(tmp_path / "a.zip")}


def _unknown_format(tmp_path):
    (tmp_path / "a.rar").write_bytes(b"")
    return {}, {"source": str(tmp_path / "a.rar")}


def _with(options=None, batch=None, **arrays):
    def make(tmp_path):
        stack = {"images": np.zeros((3, 4, 4, 3), np.uint8)} | arrays
        return options or {}, {"source": array_file(tmp_path / "a.npz", **stack), **(batch or {})}

    return make


def _no_label_column(tmp_path):
    (tmp_path / "l.csv").write_text("name,kind\n1,a\n2,b\n")
    return _with(batch={"labels": str(tmp_path / "l.csv"), "labels_id_column": "nom"})(tmp_path)


def _unnamed_value(tmp_path):
    (tmp_path / "l.csv").write_text("object_id,label\n1,a\n2,b\n")
    return _with(batch={"labels": str(tmp_path / "l.csv"), "labels_names": {"a": "A"}})(tmp_path)


def _other_ids(tmp_path):
    (tmp_path / "l.csv").write_text("object_id,label\ngal-1,a\ngal-2,b\n")
    return _with(batch={"labels": str(tmp_path / "l.csv")})(tmp_path)


def _pickled(tmp_path):
    options, batch = _with({"labels_dataset": "kind"})(tmp_path)
    kinds = np.array(["a", "b", None], dtype=object)
    np.savez(batch["source"], images=np.zeros((3, 4, 4, 3), np.uint8), kind=kinds)
    return options, batch


STRUCTURAL = {
    "no_path": (lambda p: ({}, {"source": str(p / "none")}), "no file or folder"),
    "empty_folder": (_empty_folder, "no image"),
    "cut_archive": (_archive_cut_short, "can't be read"),
    "no_zip": (_no_zip, "can't be read"),
    "unknown_format": (_unknown_format, ".tar.xz"),
    "no_array": (_with({"images_dataset": "pictures"}), "'pictures'"),
    "wrong_kind": (_with({"pixels": "flux", "bands": ["g"]}), "uint8 (3, 4, 4, 3)"),
    "float_pictures": (_with(images=np.zeros((3, 4, 4))), "float64 (3, 4, 4)"),
    "no_rows": (_with(images=np.zeros((0, 4, 4), np.uint8)), "(0, 4, 4)"),
    "ids_length": (_with({"ids_dataset": "ids"}, ids=np.arange(2)), "(2,)"),
    "ids_repeat": (_with({"ids_dataset": "ids"}, ids=np.array([1, 2, 1])), "id 1 more than once"),
    "pickled": (_pickled, "pickled"),
    "array_pattern": (_with(batch={"pattern": "a*"}), "pattern"),
    "no_label_table": (_with(batch={"labels": "none.csv"}), "none.csv"),
    "no_label_column": (_no_label_column, "kind, name"),
    "unnamed_value": (_unnamed_value, "'b'"),
    "other_ids": (_other_ids, "among 2 ids such as 'gal-1', allowed: ids such as '0'"),
}


@pytest.mark.parametrize("fault", STRUCTURAL)
def test_structural_faults_stop_in_one_line(fault, tmp_path):
    make, expected = STRUCTURAL[fault]
    options, batch = made(*make(tmp_path))
    with pytest.raises(ConfigError) as error:
        images.count(batch, options, name="b")
    assert str(error.value).startswith("batches.b.")
    assert expected in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "section",
    [
        {"pixels": "flux"},
        {"bands": ["g"]},
        {"pixels": "flux", "bands": ["g", "g"]},
        {"pixels": "flux", "bands": ["g"], "extensions": [1, 2]},
        {"pixels": "flux", "bands": ["g"], "extensions": [1.5]},
        {"channels": 2},
    ],
)
def test_options_that_contradict_each_other_are_refused(section):
    with pytest.raises(ConfigError):
        build(images.Options, section, "survey")


def test_listing_a_container_decodes_nothing(tmp_path, monkeypatch):
    source = pack({f"{i}.png": b"not an image" for i in range(3)}, tmp_path / "a.tar.gz")
    monkeypatch.setattr(images, "_decode_picture", None)
    assert len(listed({}, {"source": source})) == 3


@pytest.mark.parametrize("container", ["a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2", "a.zip"])
def test_an_archive_cut_anywhere_is_refused(container, tmp_path):
    members = {f"{i}.png": encoded(picture(seed=i)) for i in range(8)}
    source = Path(pack(members, tmp_path / container))
    data = source.read_bytes()
    end = 8 * (512 + 1536) if container == "a.tar" else len(data)  # then zeros or a checksum
    for size in [*np.linspace(0, 0.95 * end, 12).astype(int).tolist(), 2 * (512 + 1536)]:
        source.write_bytes(data[:size])
        with pytest.raises(ConfigError, match="can't be read"):
            listed({}, {"source": str(source)})


def test_a_member_that_vanished_is_an_answer(tmp_path):
    source = pack({"a.png": encoded(picture())}, tmp_path / "a.tar")
    ((name, found),) = _containers.read(Path(source), ["b.png"])
    assert name == "b.png" and isinstance(found, _containers.UnreadableError)


# ---- real images


@pytest.fixture
def real():
    if "HOAG_DATA" not in os.environ:
        pytest.skip("HOAG_DATA is not set")
    return Path(os.environ["HOAG_DATA"])


@pytest.mark.real_data
def test_galaxy_zoo_odd_galaxies(real):
    folder = real / "gz_odd_vs_other"
    source = str(folder / "gz_odd_vs_other_1400_originals_424.tar.xz")
    table = {
        "labels": str(folder / "labels.csv"),
        "labels_id_column": "galaxy_id",
        "labels_column": "is_odd_spiral",
        "labels_names": {1: "spirals", 0: "non_spirals"},
    }
    options, batch = made({"crop_px": 212}, {"source": source, "label_from_folder": True})
    frame = images.list_objects(batch, options, seed=0, name="b")
    assert frame["label"].value_counts().to_dict() == {"spirals": 700, "non_spirals": 700}
    _, by_table = made({}, {"source": source, **table})
    labelled = images.list_objects(by_table, options, seed=0, name="b")
    pd.testing.assert_frame_equal(labelled, frame)
    answers = list(images.fetch(frame.iloc[::100], batch, options, seed=0, name="b"))
    assert [a.pixels.shape for a in answers] == [(212, 212, 3)] * 14


@pytest.mark.real_data
def test_galaxy_zoo_pool_without_duplicates(real):
    section = {
        "source": str(real / "gz2_sdss_unlabelled" / "gz2_5113_originals_424.tar.xz"),
        "exclude": str(real / "gz_odd_vs_other" / "duplicates_with_gz2_set.csv"),
        "exclude_column": "gz2_asset_id",
    }
    options, batch = made({}, section)
    frame = images.list_objects(batch, options, seed=0, name="b")
    assert len(frame) == 5111 - 39 and not frame["object_id"].str.contains("/").any()


@pytest.mark.real_data
def test_hsc_thumbnails(real):
    folder = real / "hsc_wgan_thumbs"
    batch = {
        "source": str(folder / "images.npz"),
        "labels": str(folder / "labels.csv"),
        "labels_id_column": "idx",
    }
    frame = listed({"ids_dataset": "idx"}, batch)
    assert frame["label"].value_counts().to_dict()["boring"] == 415
    assert frame["label"].notna().all() and len(frame) == 602
    answers = fetched({"ids_dataset": "idx"}, batch)
    with np.load(folder / "images.npz") as file:
        np.testing.assert_array_equal(answers[str(file["idx"][77])].pixels, file["images"][77])


@pytest.mark.real_data
def test_real_flux_images(real):
    decam = {"source": str(real / "decam_fits"), "pattern": "*_ooi_*"}
    answers = fetched({"pixels": "flux", "bands": ["z"], "crop_px": 64}, decam)
    assert {a.pixels.shape for a in answers.values()} == {(1, 64, 64)} and len(answers) == 7
    hst = {"source": str(real / "cosmos_hst_f814w" / "real_galaxy_images_extension.fits")}
    answers = fetched({"pixels": "flux", "bands": ["F814W"], "crop_px": 16}, hst)
    assert len(answers) == 100 and all(isinstance(a, Cutout) for a in answers.values())
    blend = {"source": str(real / "hsc_scarlet_grizy" / "hsc_cosmos_35.npz")}
    (answer,) = fetched({"pixels": "flux", "bands": list("grizy")}, blend).values()
    assert answer.pixels.shape == (5, 58, 48)
