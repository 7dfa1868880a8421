"""Small files in the layout of the published labelled datasets, drawn for the tests."""

import gzip
import hashlib
import io
import pickle
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hoag.surveys import _obtain

N_TRAIN, N_TEST = 8, 4


def md5(data):
    return hashlib.md5(data).hexdigest()


def pixels(n, *shape, seed=3):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def parts_of(dataset, numbers):
    """The dataset's parts, with the drawn numbers of objects: {part: number of each class}."""
    known = [bool(p.n_per_class) for p in dataset.parts]
    return tuple(
        replace(p, n_objects=sum(n), n_per_class=tuple(n) if k else ())
        for p, n, k in zip(dataset.parts, numbers, known, strict=True)
    )


def counted(labels, n_classes):
    return np.bincount(labels, minlength=n_classes).tolist()


def published(dataset, contents, numbers, members=None):
    """The description of the drawn files: their checksums, members and numbers of objects."""
    files = []
    for file in dataset.files:
        algorithm = file.checksum.partition(":")[0]
        digest = hashlib.new(algorithm, contents[file.name]).hexdigest()
        inside = {n: md5(d) for n, d in (members or {}).items()} if file.members else {}
        files.append(
            replace(
                file,
                urls=(f"http://127.0.0.1:9/{file.name}",),  # nobody listens there
                checksum=f"{algorithm}:{digest}",
                size_bytes=None,
                members=tuple((n, inside[n]) for n, _ in file.members if n in inside),
            )
        )
    return replace(dataset, files=tuple(files), parts=parts_of(dataset, numbers))


def idx(array):
    shape = np.array(array.shape, ">u4").tobytes()
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + shape + array.tobytes(), mtime=0)


def tar_gz(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def hdf5(**arrays):
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return stream.getvalue()


def draw_mnist(module):
    contents, numbers = {}, []
    for part, n in (("train", N_TRAIN), ("test", N_TEST)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        contents[module.IMAGES[part]] = idx(pixels(n, 28, 28))
        contents[module.LABELS[part]] = idx(labels)
        numbers.append(counted(labels, 10))
    dataset = published(module.DATASET, contents, numbers)
    return contents, {"DATASET": dataset}, {}


def batches(dataset, n_per_batch, draw):
    """Pickled batches of a dataset whose batches are few and small: members, numbers."""
    members, numbers, number = {}, [], 0
    for part in dataset.parts:
        labels_of_part = []
        for name in part.members:
            labels = [(number + i) % len(dataset.classes) for i in range(n_per_batch)]
            members[name] = pickle.dumps(draw(labels, number), protocol=2)
            number += n_per_batch
            labels_of_part += labels
        numbers.append(counted(labels_of_part, len(dataset.classes)))
    return members, numbers


def draw_batches(dataset, keep, n_per_batch, draw):
    parts = tuple(replace(p, members=p.members[:keep]) for p in dataset.parts)
    small = replace(dataset, parts=parts)
    members, numbers = batches(small, n_per_batch, draw)
    contents = {dataset.files[0].name: tar_gz(members)}
    return contents, published(small, contents, numbers, members)


def draw_cifar10(module):
    def draw(labels, number):
        data = pixels(len(labels), 3072, seed=number)
        return {"data": data, "labels": labels, "batch_label": "a batch"}

    contents, dataset = draw_batches(module.DATASET, 5, 2, draw)
    return contents, {"DATASET": dataset}, {}


def radio(labels, number):
    names = [f"./PNG/{100 + i}_0{10 + i}.451-09.284_0.0529_0080.60.png" for i in range(number, 40)]
    return {
        "data": list(pixels(len(labels), 150, 150, seed=number)),
        "labels": labels,
        "filenames": [np.str_(n) for n in names[: len(labels)]],
        "complete_labels": [[label, -1, -1, 2] for label in labels],
    }


def draw_mirabest(module):
    contents, dataset = draw_batches(module.DATASETS["full"], 2, 4, radio)
    return contents, {"DATASETS": module.DATASETS | {"full": dataset}}, {}


def draw_crumb(module):
    contents, dataset = draw_batches(module.DATASET, 2, 4, radio)
    return contents, {"DATASET": dataset}, {}


def draw_galaxy10_sdss(module):
    labels = np.arange(12) % 10
    contents = {module.FILE: hdf5(images=pixels(12, 69, 69, 3), ans=labels.astype(np.uint8))}
    dataset = published(module.DATASET, contents, [counted(labels, 10)])
    return contents, {"DATASET": dataset}, {}


def draw_galaxy10_decals(module):
    labels = np.arange(12) % 10
    angles = np.linspace(0, 80, 12)
    file = hdf5(
        images=pixels(12, 256, 256, 3),
        ans=labels.astype(np.uint8),
        ra=angles,
        dec=-angles,
        redshift=np.where(labels == 1, np.nan, 0.1),
        pxscale=np.full(12, 0.262),
    )
    contents = {module.FILE: file}
    dataset = published(module.DATASET, contents, [counted(labels, 10)])
    return contents, {"DATASET": dataset}, {}


def draw_galaxy_mnist(module):
    contents, numbers = {}, []
    for part, n in (("train", N_TRAIN), ("test", N_TEST)):
        labels = (np.arange(n) % 4).astype(np.uint8)
        file = hdf5(images=pixels(n, 64, 64, 3), labels=labels)
        contents[module.FILES[part]] = gzip.compress(file, mtime=0)
        numbers.append(counted(labels, 4))
    dataset = published(module.DATASETS[64], contents, numbers)
    return contents, {"DATASETS": module.DATASETS | {64: dataset}}, {}


def jpeg(size, seed):
    stream = io.BytesIO()
    Image.fromarray(pixels(1, size // 8, size // 8, 3, seed=seed)[0]).resize((size, size)).save(
        stream, "JPEG"
    )
    return stream.getvalue()


def draw_gz2(module):
    contents, images, numbers = {}, {}, []
    for part, first, n in (("train", 0, N_TRAIN), ("test", N_TRAIN, N_TEST)):
        ids = [f"58772298174136{first + i:04}" for i in range(n)]
        votes = np.eye(3, dtype=int)[np.arange(n) % 3] * 30 + 5
        table = pd.DataFrame({"id_str": ids, "subfolder": [i[:6] for i in ids]})
        table["filename"] = [f"{i}.jpg" for i in ids]
        table[[f"smooth-or-featured-gz2_{c}" for c in module.DATASET.classes]] = votes
        table["ra"], table["dec"] = np.arange(n) * 1.5, np.arange(n) * -2.0
        stream = io.BytesIO()
        table.to_parquet(stream)
        contents[module.CATALOGUES[part]] = stream.getvalue()
        images |= {f"images/{i[:6]}/{i}.jpg": jpeg(424, first + k) for k, i in enumerate(ids)}
        numbers.append([n])
    images[list(images)[1]] = b"not a picture"
    images[list(images)[2]] = jpeg(40, 1)  # too small
    del images[list(images)[3]]
    contents[module.IMAGES] = tar_gz(images)
    return contents, {"DATASET": published(module.DATASET, contents, numbers)}, {"size_px": 64}


def fits_image(values):
    from astropy.io import fits

    stream = io.BytesIO()
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(values, name="IMAGE")]
    fits.HDUList(hdus).writeto(stream)
    return stream.getvalue()


def draw_hsc_demo(module):
    rng, members = np.random.default_rng(4), {"hsc_8asec_1000/manifest.fits": b"not looked at"}
    for i in range(12):
        shape = (95 + i % 2, 96 - i % 2)
        for band in "GRI":
            name = f"hsc_8asec_1000/{36411448540265000 + i}_8asec_HSC-{band}.fits"
            members[name] = fits_image(rng.normal(size=shape).astype(np.float32))
    names = list(members)[1:]
    del members[names[0]]  # a band that is missing
    members[names[3]] = members[names[3]][:20_000]  # a truncated file
    members[names[6]] = fits_image(np.ones((90, 90), np.float32))  # bands of different sizes
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in sorted(members.items(), key=lambda m: m[0][::-1]):  # bands apart
            archive.writestr(name, data)
    contents = {module.ARCHIVE: stream.getvalue()}
    return contents, {"DATASET": published(module.DATASET, contents, [[12]])}, {}


DRAWN = {name.removeprefix("draw_"): f for name, f in globals().items() if name[:5] == "draw_"}
del DRAWN["batches"]


@pytest.fixture
def draw_dataset(tmp_path, monkeypatch):
    """A function of a survey's module: it draws a mirror of 12 objects and describes it there.

    It gives the survey's options section. Files are obtained into a folder of the test.
    """
    monkeypatch.setattr(_obtain, "ROOT", tmp_path / "resources")
    monkeypatch.setattr(_obtain, "RETRIES", 0)
    monkeypatch.delenv("HOAG_MIRROR", raising=False)

    def draw(module):
        contents, patches, options = DRAWN[module.__name__.rpartition(".")[2]](module)
        mirror = tmp_path / "mirror" / "somewhere"
        mirror.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            (mirror / name).write_bytes(data)
        for name, value in patches.items():
            monkeypatch.setattr(module, name, value)
        return {"mirror": str(tmp_path / "mirror"), **options}

    draw.kinds = tuple(DRAWN)
    return draw
