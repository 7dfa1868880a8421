"""The store of images: what goes in comes out, and nothing half-written is ever seen."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from hoag.images.store import ImageStore, ShardWriter
from hoag.images.views import open_view

PACKAGE = Path(__file__).parents[2] / "workflow"


def images(n, shape=(5, 6, 3), dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(dtype)


def write(path, pixels, *, first=0, **columns):
    with ShardWriter(path, {"kind": "rendered_image"}, pixels.shape[1:], pixels.dtype) as shard:
        for i, image in enumerate(pixels):
            shard.append(f"galaxy-{first + i}", image, **{k: v[i] for k, v in columns.items()})
    return path


@pytest.fixture
def shards(tmp_path):
    """Three shards of 4, 0 and 300 images; the last outgrows the writer's first allocation."""
    pixels = images(304)
    paths = [
        write(tmp_path / "a.h5", pixels[:4]),
        write(tmp_path / "b.h5", pixels[:0]),
        write(tmp_path / "c.h5", pixels[4:], first=4),
    ]
    return paths, pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 6, 3), (3, 7, 7), (4,)])
def test_round_trip(tmp_path, shape, dtype):
    pixels = images(7, shape, dtype)
    store = ImageStore([write(tmp_path / "s.h5", pixels, n_nan=np.arange(7))])
    assert (store.shape, store.dtype, len(store)) == (shape, dtype, 7)
    np.testing.assert_array_equal(store.read(range(7)), pixels)
    assert store.object_ids.tolist() == [f"galaxy-{i}" for i in range(7)]
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["n_nan"][:].tolist() == list(range(7))
    assert store.attributes["kind"] == "rendered_image"


def test_several_shards_are_one_sequence(shards):
    paths, pixels = shards
    store = ImageStore(paths)
    assert len(store) == 304
    np.testing.assert_array_equal(np.concatenate(list(store.slices(50))), pixels)
    assert [len(s) for s in store.slices(100)] == [100, 100, 100, 4]
    assert store.object_ids[[3, 4, 303]].tolist() == ["galaxy-3", "galaxy-4", "galaxy-303"]


def test_random_reads_equal_those_of_h5py(shards):
    paths, _ = shards
    expected = []
    for path in paths:
        with h5py.File(path) as file:
            expected.append(file["images"][:])
    expected = np.concatenate(expected)
    store, rng = ImageStore(paths), np.random.default_rng(1)
    for size in (0, 1, 17, 500):
        indices = rng.integers(0, 304, size)
        np.testing.assert_array_equal(store.read(indices), expected[indices])
    np.testing.assert_array_equal(store.read([303, 0, 303]), expected[[303, 0, 303]])


def test_a_column_of_images_reads_like_the_images(tmp_path):
    pixels, other = images(6), images(6, seed=1)
    path = write(tmp_path / "s.h5", pixels, model=other)
    np.testing.assert_array_equal(ImageStore([path], "model").read([5, 0]), other[[5, 0]])


def test_a_column_of_texts(tmp_path):
    texts = ["", "déjà vu", "a line\nand another"]
    path = write(tmp_path / "s.h5", images(3), note=texts)
    with h5py.File(path) as file:
        assert file["note"].asstr()[:].tolist() == texts


@pytest.mark.parametrize("columns", [{}, {"a": 1, "b": 2}, {"b": 2}])
def test_columns_that_would_go_out_of_step_are_refused(tmp_path, columns):
    with ShardWriter(tmp_path / "s.h5", {}) as shard:
        shard.append("one", images(1)[0], a=1)
        with pytest.raises(
            ValueError, match=r"two: found columns .*allowed in this shard: \['a'\]"
        ):
            shard.append("two", images(1)[0], **columns)
        shard.append("three", images(1)[0], a=3)
    assert ImageStore([tmp_path / "s.h5"]).object_ids.tolist() == ["one", "three"]


@pytest.mark.parametrize("index", [-1, 304])
def test_reading_beyond_the_end_names_the_index(shards, index):
    with pytest.raises(IndexError, match=rf"image {index}: allowed: 0\.\.303"):
        ImageStore(shards[0]).read([0, index])


def test_an_empty_store(tmp_path):
    store = ImageStore([write(tmp_path / "s.h5", images(0))])
    assert (len(store), store.shape) == (0, (5, 6, 3))
    assert store.read([]).shape == (0, 5, 6, 3)
    assert list(store.slices(8)) == []
    assert len(ImageStore([])) == 0


def test_a_wrong_shape_is_named(tmp_path):
    with (
        pytest.raises(ValueError, match=r"odd: found an image of shape \(5, 5, 3\), allowed.*6, 3"),
        ShardWriter(tmp_path / "s.h5", {}) as shard,
    ):
        shard.append("even", images(1)[0])
        shard.append("odd", images(1, (5, 5, 3))[0])


def test_shards_of_different_shapes_are_refused(tmp_path):
    paths = [
        write(tmp_path / "a.h5", images(2)),
        write(tmp_path / "b.h5", images(2, (4, 4, 3))),
    ]
    with pytest.raises(ValueError, match=r"b\.h5: found images of \(4, 4, 3\) uint8, allowed"):
        ImageStore(paths)


def test_compressed_images_are_refused_rather_than_misread(tmp_path):
    path = write(tmp_path / "s.h5", images(3))
    with h5py.File(path, "a") as file:
        file.create_dataset("packed", data=images(3), chunks=(1, 5, 6, 3), compression="gzip")
    with pytest.raises(ValueError, match="found packed in another layout"):
        ImageStore([path], "packed").read([0])


def test_the_digest_follows_the_content(tmp_path):
    pixels = images(5)
    changed = pixels.copy()
    changed[3, 2, 2, 1] ^= 1
    digests = {
        ImageStore([write(tmp_path / f"{i}.h5", p, first=f)]).digest
        for i, (p, f) in enumerate([(pixels, 0), (changed, 0), (pixels, 1), (pixels[:4], 0)])
    }
    assert len(digests) == 4
    again = write(tmp_path / "again.h5", pixels)
    assert ImageStore([again]).digest == ImageStore([tmp_path / "0.h5"]).digest


def test_an_error_while_writing_leaves_no_file(tmp_path):
    with pytest.raises(KeyError), ShardWriter(tmp_path / "s.h5", {}) as shard:
        shard.append("one", images(1)[0])
        raise KeyError("something else went wrong")
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_closing_leaves_no_file(tmp_path):
    ragged = {"values": [np.zeros(2), np.zeros(3)]}
    with pytest.raises(ValueError, match="inhomogeneous"):
        write(tmp_path / "s.h5", images(2), **ragged)
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_rewriting_leaves_the_old_file(tmp_path):
    pixels = images(3)
    path = write(tmp_path / "s.h5", pixels)
    with pytest.raises(KeyError), ShardWriter(path, {}) as shard:
        shard.append("one", images(1)[0])
        raise KeyError
    np.testing.assert_array_equal(ImageStore([path]).read(range(3)), pixels)


def test_a_killed_writer_leaves_no_output(tmp_path):
    program = (
        "import os, signal, numpy as np\n"
        "from hoag.images.store import ShardWriter\n"
        "with ShardWriter('s.h5', {}) as shard:\n"
        "    shard.append('one', np.zeros((4, 4, 3), np.uint8))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(PACKAGE)}, check=False
    )
    assert done.returncode == -9
    left = [p.name for p in tmp_path.iterdir()]
    assert len(left) == 1 and ".part" in left[0]


@pytest.fixture
def pair(shards, tmp_path):
    paths, pixels = shards
    models = images(304, seed=2)
    models[7] = pixels[7]  # one perfect reconstruction
    recon = [
        write(tmp_path / "ra.h5", models[:4]),
        write(tmp_path / "rb.h5", models[:0]),
        write(tmp_path / "rc.h5", models[4:], first=4),
    ]
    return paths, recon, np.abs(pixels.astype(int) - models)


def test_residuals_are_absolute_differences(pair):
    paths, recon, expected = pair
    view = open_view("residuals", paths, recon)
    indices = np.random.default_rng(0).integers(0, 304, 40)
    np.testing.assert_array_equal(view.read(indices), expected[indices])
    np.testing.assert_array_equal(np.concatenate(list(view.slices(64))), expected)
    assert (view.dtype, view.shape, len(view)) == (np.uint8, (5, 6, 3), 304)
    assert view.read([0]).dtype == np.uint8


def test_unit_residuals_have_norm_one_and_zero_stays_zero(pair):
    paths, recon, expected = pair
    view = open_view("unit_residuals", paths, recon)
    found = view.read(range(304))
    norm = np.linalg.norm(expected.reshape(304, -1), axis=1)
    np.testing.assert_allclose(
        found, expected / np.where(norm, norm, 1)[:, None, None, None], rtol=1e-6
    )
    assert found.dtype == view.dtype == np.float32
    assert not found[7].any()
    assert view.read([]).shape == (0, 5, 6, 3)


def test_views_of_images_need_no_reconstructions_and_digests_tell_views_apart(pair):
    paths, recon, _ = pair
    views = [open_view(k, paths, recon) for k in ("images", "residuals", "unit_residuals")]
    assert len({v.digest for v in views}) == 3
    assert open_view("residuals", paths, recon).digest == views[1].digest
    assert open_view("images", paths).digest == views[0].digest
    assert views[1].object_ids.tolist() == views[0].object_ids.tolist()
    with pytest.raises(ValueError, match="found 'residuals' without reconstructions"):
        open_view("residuals", paths)
    with pytest.raises(ValueError, match=r"found 'residual', allowed: images.*did you mean"):
        open_view("residual", paths, recon)


@pytest.mark.parametrize(
    ("pixels", "first", "message"),
    [
        (images(3), 0, "found reconstructions of 3 objects, allowed: 4"),
        (images(4), 1, "reconstruction 0: found object 'galaxy-1', allowed: 'galaxy-0'"),
        (images(4, (4, 4, 3)), 0, r"found reconstructions of shape \(4, 4, 3\) uint8"),
        (images(4, dtype=np.float32), 0, r"found reconstructions of shape \(5, 6, 3\) float32"),
    ],
)
def test_reconstructions_of_other_images_are_refused(tmp_path, pixels, first, message):
    real = write(tmp_path / "real.h5", images(4))
    model = write(tmp_path / "model.h5", pixels, first=first)
    with pytest.raises(ValueError, match=message):
        open_view("residuals", [real], [model])
