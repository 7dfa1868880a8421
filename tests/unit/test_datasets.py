"""Labelled datasets: published files, from where they come, and what is read of them."""

import gzip
import hashlib
import http.server
import logging
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hoag import registry
from hoag.batches import assemble
from hoag.options import ConfigError, as_plain, build
from hoag.surveys import _obtain, _pickles
from hoag.surveys._obtain import Dataset, File, ObtainError, Part, obtain, unpacked
from hoag.surveys._types import Cutout, Failure

KINDS = (
    "cifar10",
    "crumb",
    "galaxy10_decals",
    "galaxy10_sdss",
    "galaxy_mnist",
    "gz2",
    "hsc_demo",
    "mirabest",
    "mnist",
)
PUBLISHED = {  # of all splits
    "cifar10": 60_000,
    "crumb": 2100,
    "galaxy10_decals": 17_736,
    "galaxy10_sdss": 21_785,
    "galaxy_mnist": 10_000,
    "gz2": 210_000,
    "hsc_demo": 1000,
    "mirabest": 1256,
    "mnist": 70_000,
}


def md5(data):
    return hashlib.md5(data).hexdigest()


def drawn(draw_dataset, kind, **batch):
    """(module, options, batch) of a small dataset."""
    module = registry.load("surveys", kind)
    options = build(module.Options, draw_dataset(module), "survey")
    return module, options, build(module.Batch, batch, "batch")


def listed(survey):
    module, options, batch = survey
    return module.list_objects(batch, options, seed=1, name="first")


def answers(survey, targets):
    module, options, batch = survey
    found = module.fetch(targets, batch, options, seed=1, name="first")
    return {a.object_id: a for a in found}


# ---- what was published


def described(module):
    return getattr(module, "DATASETS", None) or {"": module.DATASET}


@pytest.mark.parametrize("kind", KINDS)
def test_planning_counts_published_numbers_and_touches_nothing(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = registry.load("surveys", kind)
    n = module.count(module.Batch(), module.Options(), name="all")
    assert n == PUBLISHED[kind] and not any(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_descriptions_agree_with_themselves(kind):
    for dataset in described(registry.load("surveys", kind)).values():
        for part in dataset.parts:
            total = sum(part.n_per_class) or part.n_objects
            assert total == pytest.approx(part.n_objects, rel=0.01 * dataset.is_about, abs=0)
            assert len(part.n_per_class) in (0, len(dataset.classes))
            assert set(part.members) <= {n for f in dataset.files for n, _ in f.members}
        lengths = {"md5": 32, "sha256": 64}
        for file in dataset.files:
            algorithm, _, digest = file.checksum.partition(":")
            assert len(digest) == lengths[algorithm] and all(
                u.startswith("http") for u in file.urls
            )
            assert all(len(d) == 32 for _, d in file.members)
        digests = [f.checksum for f in dataset.files] + [
            d for f in dataset.files for _, d in f.members
        ]
        assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    ("kind", "batch", "n"),
    [
        ("mnist", {"split": "test"}, 10_000),
        ("mnist", {"split": "test", "classes": ["0", "1"]}, 980 + 1135),
        ("cifar10", {"split": "train", "classes": ["cat"]}, 5000),
        ("galaxy10_decals", {"classes": ["Merging", "Edge-on without Bulge"]}, 1853 + 1423),
        ("galaxy10_sdss", {"classes": ["Disk, Edge-on, Boxy Bulge"]}, 17),
        ("mirabest", {"classes": ["300", "310"]}, 34),
        ("mirabest", {"split": "test", "classes": ["100"]}, 42),
        ("crumb", {"split": "test"}, 300),
        ("galaxy_mnist", {"split": "train"}, 8000),
    ],
)
def test_count_follows_split_and_classes(kind, batch, n):
    module = registry.load("surveys", kind)
    assert module.count(build(module.Batch, batch, "b"), module.Options(), name="x") == n


def test_an_unknown_class_names_the_known_ones():
    module = registry.load("surveys", "cifar10")
    batch = build(module.Batch, {"classes": ["car"]}, "b")
    with pytest.raises(ConfigError, match=r"batches\.x\.classes: found 'car', allowed: airplane"):
        module.count(batch, module.Options(), name="x")


def test_classes_need_published_numbers():
    module = registry.load("surveys", "mirabest")
    options = build(module.Options, {"variant": "basic"}, "survey")
    assert module.count(module.Batch(), options, name="x") == 792
    batch = build(module.Batch, {"classes": ["FRI"]}, "b")
    with pytest.raises(ConfigError, match="are not known"):
        module.count(batch, options, name="x")


def test_a_mirror_that_is_no_folder_stops_the_planning(tmp_path):
    module = registry.load("surveys", "mnist")
    options = build(module.Options, {"mirror": str(tmp_path / "none")}, "survey")
    with pytest.raises(ConfigError, match=r"survey\.mirror: found .*none"):
        module.count(module.Batch(), options, name="x")


# ---- objects and pixels of drawn files in the published layout


def test_mnist_is_read_as_drawn(draw_dataset):
    survey = drawn(draw_dataset, "mnist", split="test")
    frame = listed(survey)
    assert list(frame["object_id"]) == [f"mnist-test-{i:05d}" for i in range(4)]
    assert list(frame["label"]) == ["0", "1", "2", "3"] and set(frame["split"]) == {"test"}
    module, options, _ = survey
    packed = Path(options.mirror, "somewhere", module.IMAGES["test"]).read_bytes()
    images = np.frombuffer(gzip.decompress(packed)[16:], np.uint8).reshape(4, 28, 28)
    found = answers(survey, frame.iloc[[2, 0]])
    assert set(found) == {"mnist-test-00002", "mnist-test-00000"}
    np.testing.assert_array_equal(found["mnist-test-00002"].pixels[..., 0], images[2])


def test_cifar10_is_read_plane_by_plane_from_the_right_batch(draw_dataset):
    survey = drawn(draw_dataset, "cifar10")
    frame = listed(survey)
    names = survey[0].DATASET.classes
    assert list(frame["label"]) == [*names, "airplane", "automobile"]
    assert list(frame["split"]) == ["train"] * 10 + ["test"] * 2
    drawn_data = np.random.default_rng(4).integers(0, 256, (2, 3072), dtype=np.uint8)
    found = answers(survey, frame.iloc[[5]])  # the second image of the third batch
    pixels = found["cifar10-train-00005"].pixels
    assert pixels[0, 1].tolist() == drawn_data[1][[1, 1025, 2049]].tolist()
    assert pixels[31, 0].tolist() == drawn_data[1][[992, 2016, 3040]].tolist()


def test_classes_are_kept_and_ids_do_not_depend_on_them(draw_dataset):
    everything = listed(drawn(draw_dataset, "galaxy10_sdss"))
    name = "Smooth, Completely round"
    survey = drawn(draw_dataset, "galaxy10_sdss", classes=[name])
    frame = listed(survey)
    assert list(frame["object_id"]) == ["galaxy10_sdss-00001", "galaxy10_sdss-00011"]
    assert set(frame["label"]) == {name} and "split" not in frame
    assert survey[0].count(survey[2], survey[1], name="x") == 2
    whole = answers(survey, everything)
    part = answers(survey, frame)
    for object_id, answer in part.items():
        np.testing.assert_array_equal(answer.pixels, whole[object_id].pixels)


def test_galaxy10_decals_has_positions_redshifts_and_scales(draw_dataset):
    frame = listed(drawn(draw_dataset, "galaxy10_decals"))
    np.testing.assert_allclose(frame["ra_deg"], np.linspace(0, 80, 12))
    np.testing.assert_allclose(frame["dec_deg"], -np.linspace(0, 80, 12))
    assert frame["redshift"].isna().sum() == 2 and set(frame["pixel_scale_arcsec"]) == {0.262}


def test_mirabest_file_names_give_id_position_and_size(draw_dataset):
    survey = drawn(draw_dataset, "mirabest")
    first = listed(survey).iloc[1]
    assert first["object_id"] == "101_011.451-09.284_0.0529_0080.60"
    assert (first["ra_deg"], first["dec_deg"], first["redshift"]) == (11.451, -9.284, 0.0529)
    assert first["largest_angular_size_arcsec"] == 80.6
    assert (first["label"], first["morphology"], bool(first["is_confident"])) == (
        "102",
        "FRI",
        True,
    )


def test_crumb_keeps_what_its_parents_said(draw_dataset):
    frame = listed(drawn(draw_dataset, "crumb"))
    assert list(frame["label"][:4]) == ["FRI", "FRII", "hybrid", "FRI"]
    assert list(frame["label_mirabest"][:4]) == [0, 1, 2, 0]
    assert set(frame["label_frdeep"]) == {-1} and set(frame["label_mirabest_hybrid"]) == {2}


def test_galaxy_mnist_is_unpacked_once(draw_dataset):
    survey = drawn(draw_dataset, "galaxy_mnist", split="train")
    listed(survey)
    path = survey[0].DATASETS[64].folder / "train_dataset.hdf5"
    before = path.stat().st_mtime_ns
    found = answers(survey, listed(survey))
    assert len(found) == 8 and path.stat().st_mtime_ns == before
    path.write_bytes(b"half of it")  # what is not as it was noted is unpacked again
    assert len(listed(survey)) == 8


def test_gz2_labels_by_votes_and_says_which_images_are_no_good(draw_dataset):
    survey = drawn(draw_dataset, "gz2", split="train")
    frame = listed(survey)
    assert list(frame["label"][:3]) == ["smooth", "featured-or-disk", "artifact"]
    assert list(frame["smooth_votes"][:3]) == [35, 5, 5] and frame["ra_deg"][2] == 3.0
    found = answers(survey, frame)
    reasons = {k[-1]: a.reason for k, a in found.items() if isinstance(a, Failure)}
    assert set(reasons) == {"1", "2", "3"}
    assert "identify" in reasons["1"] and "40 x 40 px" in reasons["2"]
    assert "no such file" in reasons["3"]
    assert {a.pixels.shape for a in found.values() if isinstance(a, Cutout)} == {(64, 64, 3)}


def test_hsc_demo_crops_and_says_what_is_missing(draw_dataset):
    survey = drawn(draw_dataset, "hsc_demo")
    frame = listed(survey)
    assert len(frame) == 12 and frame["object_id"].str.fullmatch(r"\d{17}").all()
    found = [answers(survey, frame)[i] for i in frame["object_id"]]
    assert "no file of band g" in found[0].reason and "truncated" in found[1].reason.lower()
    assert "different sizes" in found[2].reason
    rng = np.random.default_rng(4)
    images = [rng.normal(size=(95 + i % 2, 96 - i % 2)) for i in range(12) for _ in range(3)]
    expected = images[3 * 5 + 1].astype(np.float32)[1:95, 0:94]  # r of the sixth: 96 x 95 px
    np.testing.assert_array_equal(found[5].pixels[1], expected)
    assert found[5].pixels.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_a_catalogue_of_the_workflow_is_made(kind, draw_dataset):
    module, options, batch = drawn(draw_dataset, kind)
    section = {"name": "first", "keys": {}, "options": as_plain(batch)}
    made = assemble(module, options, section, earlier={}, strict=True, seed=1)
    assert len(made.table) == 12 and not len(made.rejects)
    own = module.list_objects(batch, options, seed=1, name="first")
    for column in ("label", "split", "ra_deg"):
        if column in own:
            assert made.table[column].notna().any()
            assert made.table[column].tolist() == pytest.approx(own[column].tolist())
    found = module.fetch(made.table, batch, options, seed=1, name="first")
    assert sorted(a.object_id for a in found) == sorted(made.table["object_id"])


# ---- from where a file comes

CONTENT = b"what was published" * 1000


def one_file(*urls, content=CONTENT, name="file.bin", members=()):
    file = File(name, urls, f"md5:{md5(content)}", len(content), members)
    return Dataset("small", (file,), (Part("all", 1),), (), "Nobody.", "none.")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(_obtain, "ROOT", tmp_path / "resources")
    monkeypatch.setattr(_obtain, "RETRIES", 0)
    monkeypatch.delenv("HOAG_MIRROR", raising=False)
    return tmp_path / "resources" / "small"


class _Server(http.server.BaseHTTPRequestHandler):
    """One address for each way in which a download may go."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/none/file.bin":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        body = {"/wrong/file.bin": CONTENT[::-1], "/half/file.bin": CONTENT[:5000]}
        self.wfile.write(body.get(self.path, CONTENT))

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server) as found:
        found.asked = []
        found.url = f"http://127.0.0.1:{found.server_port}"
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_a_file_is_downloaded_once(root, server):
    dataset = one_file(f"{server.url}/good/file.bin")
    for _ in range(2):
        assert obtain(dataset, "file.bin", None).read_bytes() == CONTENT
    assert server.asked == ["/good/file.bin"]
    assert sorted(p.name for p in root.iterdir()) == [".lock", "file.bin"]


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("wrong", f"got {md5(CONTENT[::-1])}"),
        ("none", "404"),
        ("half", "5000 bytes read"),
    ],
)
def test_a_failed_download_says_so_in_one_line_and_leaves_nothing(root, server, way, said):
    url = f"{server.url}/{way}/file.bin"
    with pytest.raises(ObtainError) as error:
        obtain(one_file(url), "file.bin", None)
    text = str(error.value).replace("md5:", "")
    assert said in text and "\n" not in text
    for part in ("file.bin", url, md5(CONTENT), "survey.mirror", "HOAG_MIRROR"):
        assert part in text
    assert [p.name for p in root.iterdir()] == [".lock"]


@pytest.mark.usefixtures("root")
def test_the_next_address_is_tried(server):
    dataset = one_file(f"{server.url}/none/file.bin", f"{server.url}/good/file.bin")
    assert obtain(dataset, "file.bin", None).read_bytes() == CONTENT


@pytest.mark.usefixtures("root")
def test_a_failed_download_is_tried_again(server, monkeypatch):
    monkeypatch.setattr(_obtain, "RETRIES", 1)
    with pytest.raises(ObtainError):
        obtain(one_file(f"{server.url}/half/file.bin"), "file.bin", None)
    assert server.asked == ["/half/file.bin"] * 2


@pytest.mark.usefixtures("root")
def test_two_jobs_at_once_download_once(server):
    dataset, found = one_file(f"{server.url}/good/file.bin"), []
    jobs = [
        threading.Thread(target=lambda: found.append(obtain(dataset, "file.bin", None)))
        for _ in range(4)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert len(found) == 4 and server.asked == ["/good/file.bin"]


@pytest.mark.usefixtures("root")
def test_the_lock_holds_between_processes(server):
    code = (
        "import sys, pathlib; from hoag.surveys import _obtain as o;"
        f"o.ROOT = pathlib.Path({str(_obtain.ROOT)!r});"
        f"f = o.File('file.bin', ({server.url + '/good/file.bin'!r},), 'md5:{md5(CONTENT)}');"
        "d = o.Dataset('small', (f,), (), (), '', ''); print(o.obtain(d, 'file.bin', None))"
    )
    path = str(Path(_obtain.__file__).parents[2])
    jobs = [
        subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
        for _ in range(2)
    ]
    assert [job.wait(60) for job in jobs] == [0, 0]
    assert server.asked == ["/good/file.bin"]


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_mirror_comes_before_the_address(root, tmp_path, monkeypatch, caplog, by):
    for name, content in (("a", CONTENT[::-1]), ("b/c", CONTENT)):
        (tmp_path / "mirror" / name).mkdir(parents=True)
        (tmp_path / "mirror" / name / "file.bin").write_bytes(content)
    mirror = str(tmp_path / "mirror")
    if by == "environment":
        monkeypatch.setenv("HOAG_MIRROR", mirror)
        mirror = None
    path = obtain(one_file("http://127.0.0.1:9/file.bin"), "file.bin", mirror)
    assert path.read_bytes() == CONTENT and path.parent == root
    skipped = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(skipped) == 1 and "a/file.bin" in skipped[0]
    assert md5(CONTENT) in skipped[0] and md5(CONTENT[::-1]) in skipped[0]


def test_a_damaged_file_is_fetched_anew(root, server):
    dataset = one_file(f"{server.url}/good/file.bin")
    root.mkdir(parents=True)
    (root / "file.bin").write_bytes(CONTENT[:100])
    assert obtain(dataset, "file.bin", None).read_bytes() == CONTENT


@pytest.mark.usefixtures("root")
def test_a_large_file_is_hashed_once(server, monkeypatch):
    monkeypatch.setattr(_obtain, "LARGE", 100)
    dataset = one_file(f"{server.url}/good/file.bin")
    path = obtain(dataset, "file.bin", None)
    assert path.with_name("file.bin.ok").exists()
    hashed = []
    real = _obtain._checksum
    monkeypatch.setattr(_obtain, "_checksum", lambda *a: hashed.append(a) or real(*a))
    assert obtain(dataset, "file.bin", None) == path and not hashed
    path.write_bytes(CONTENT[::-1])  # as long, yet another time of change
    assert obtain(dataset, "file.bin", None).read_bytes() == CONTENT and hashed


@pytest.mark.usefixtures("root")
def test_a_note_of_another_release_does_not_count(server, monkeypatch):
    monkeypatch.setattr(_obtain, "LARGE", 100)
    obtain(one_file(f"{server.url}/good/file.bin"), "file.bin", None)
    newer = one_file("http://127.0.0.1:9/file.bin", content=b"a later release")
    with pytest.raises(ObtainError):
        obtain(newer, "file.bin", None)


def packed_again(tmp_path, content):
    """A mirror with the content in another gzip stream than the published one."""
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "file.gz").write_bytes(gzip.compress(content, 1, mtime=7))
    published = gzip.compress(CONTENT, 9, mtime=0)
    members = (("file", md5(CONTENT)),)
    return one_file("http://127.0.0.1:9/f", content=published, name="file.gz", members=members)


@pytest.mark.usefixtures("root")
def test_published_content_packed_anew_is_accepted_and_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    dataset = packed_again(tmp_path, CONTENT)
    path = obtain(dataset, "file.gz", str(tmp_path / "mirror"))
    assert gzip.decompress(path.read_bytes()) == CONTENT
    assert "all that lies in it" in caplog.text and dataset.files[0].checksum in caplog.text
    assert unpacked(path, dataset.files[0]).read_bytes() == CONTENT


@pytest.mark.usefixtures("root")
def test_other_content_packed_anew_is_not(tmp_path):
    dataset = packed_again(tmp_path, CONTENT[::-1])
    with pytest.raises(ObtainError):
        obtain(dataset, "file.gz", str(tmp_path / "mirror"))


# ---- pickles


class _Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.system, (f"touch {self.path}",))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_runs_nothing(tmp_path, protocol):
    data = pickle.dumps({"data": _Hostile(tmp_path / "ran")}, protocol=protocol)
    with pytest.raises(pickle.UnpicklingError, match=r"asks for .*system, allowed: arrays"):
        _pickles.load(data)
    assert not (tmp_path / "ran").exists()
    pickle.loads(data)  # elsewhere it would have
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.f2py.crackfortran\nmyeval\n(S'1'\ntR.",
        b"c_codecs\nlookup\n(S'x'\ntR.",
        b"cnumpy\nndarray\n(I4\ntR.",
        b"Pa name\n.",
        pickle.dumps({"x": np.array([{}], dtype=object)}),
        pickle.dumps({"x": np.zeros(3)})[:40],
        pickle.dumps([1]),
        b"",
    ],
)
def test_nothing_but_plain_batches_is_read(data):
    with pytest.raises(pickle.UnpicklingError):
        _pickles.load(data)


@pytest.mark.parametrize("protocol", range(5))  # a later one names yet another function of numpy
def test_arrays_text_and_numbers_are_read(protocol):
    batch = {
        "data": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "wide": np.arange(4.0, dtype=">f4"),
        "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "labels": [np.int64(4), 5],
        "names": [np.str_("a b"), "ü"],
        "empty": np.zeros((0, 2), np.int16),
    }
    data = pickle.dumps(batch, protocol=protocol)
    found, usual = _pickles.load(data), pickle.loads(data)
    assert found.keys() == batch.keys()
    for key, value in batch.items():
        np.testing.assert_array_equal(found[key], value)
        if isinstance(value, np.ndarray):
            assert found[key].dtype == usual[key].dtype
            assert found[key].flags.f_contiguous == usual[key].flags.f_contiguous
    found["data"] += 1  # of its own memory


def test_text_of_python_2_is_read():
    # {'data': array([1, 2], dtype=uint8), 'label': 'batch'} as Python 2 wrote it
    data = (
        b"\x80\x02}q\x01(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
        b"K\x00\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x01\xfetb"
        b"U\x05labelU\x05batchu."
    )
    found = _pickles.load(data)
    assert found["data"].tolist() == [1, 254] and found["label"] == "batch"
    assert np.dtype("u1") == np.uint8  # numpy's own type is as it was


def test_a_member_with_another_md5_is_not_unpickled(draw_dataset, monkeypatch):
    module, options, batch = drawn(draw_dataset, "crumb")
    file = module.DATASET.files[0]
    tampered = replace(file, members=tuple((n, md5(b"")) for n, _ in file.members))
    monkeypatch.setattr(module, "DATASET", replace(module.DATASET, files=(tampered,)))
    monkeypatch.setattr(_pickles, "load", lambda _: pytest.fail("unpickled"))
    with pytest.raises(ObtainError, match="found md5"):
        module.list_objects(batch, options, seed=1, name="first")


# ---- the published files themselves


@pytest.fixture
def real(root):  # noqa: ARG001 (it sets where files are kept)
    folder = os.environ.get("HOAG_DATA")
    if not folder:
        pytest.skip("HOAG_DATA is not set")
    return folder


@pytest.mark.real_data
def test_mnist_itself(real, caplog):
    caplog.set_level(logging.INFO)
    module = registry.load("surveys", "mnist")
    options, batch = build(module.Options, {"mirror": f"{real}/mnist"}, "s"), module.Batch()
    frame = module.list_objects(batch, options, seed=1, name="all")
    found = frame.groupby(["split", "label"]).size()
    for part in module.DATASET.parts:
        assert tuple(found[part.name]) == part.n_per_class
    last = answers((module, options, batch), frame[frame["split"] == "test"].tail(1))
    pixels = last["mnist-test-09999"].pixels
    assert pixels.shape == (28, 28, 1) and frame["label"].iloc[-1] == "6" and pixels.max() > 200
    assert "published" not in [r.getMessage() for r in caplog.records if r.levelno > 20]


@pytest.mark.real_data
def test_mirabest_itself(real):
    module = registry.load("surveys", "mirabest")
    options, batch = build(module.Options, {"mirror": real}, "s"), module.Batch()
    frame = module.list_objects(batch, options, seed=1, name="all")
    dataset = module.DATASETS["full"]
    for part in dataset.parts:
        found = frame[frame["split"] == part.name]["label"].value_counts()
        assert tuple(found[list(dataset.classes)]) == part.n_per_class
    assert frame["object_id"].is_unique and frame["ra_deg"].between(0, 360).all()
    assert frame["redshift"].between(0, 1).all()
    assert (frame["object_id"].str[:3] == frame["label"]).mean() > 0.99
    with np.load(f"{real}/mirabest/mirabest_F_1256.npz") as other:  # unpacked by others
        names = [Path(str(n)).stem for n in other["filenames"]]
        images = {n.removesuffix(".png"): i for n, i in zip(names, other["images"], strict=True)}
    found = answers((module, options, batch), frame)
    assert len(found) == 1256
    for object_id, answer in found.items():
        key = object_id if object_id in images else Path(object_id).stem
        np.testing.assert_array_equal(answer.pixels[..., 0], images[key])
