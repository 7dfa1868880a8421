"""Published files: what they are, and how one comes into ``resources/datasets`` exactly once.

A file is taken from where it already lies, from a mirror (a folder), or from its URL, in this
order, and only with the published checksum. A mirror may also hold the published content packed
anew: an archive whose members all have their published checksums is accepted.
"""

import contextlib
import glob
import gzip
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hoag.files import atomic, lock
from hoag.surveys import _containers as containers
from hoag.surveys._containers import UnreadableError, one_line

ROOT = Path("resources/datasets")
RETRIES = 2
LARGE = 100_000_000  # bytes; files above are hashed once, and then known by size and time
_log = logging.getLogger(__name__)


class ObtainError(RuntimeError):
    """A published file that can't be had; one line that says where to put it."""


@dataclass(frozen=True)
class File:
    """One published file.

    Attributes
    ----------
    name
        File name, as it is looked for in a mirror.
    urls
        Where it is published, the best address first.
    checksum
        "md5:..." or "sha256:...", as published.
    size_bytes
        None where it is not known for certain.
    members
        (path inside, md5) of what lies in an archive; of a .gz file the one (name, md5) of its
        content.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str
    size_bytes: int | None = None
    members: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Part:
    """One published split: its number of objects, also by class (in the dataset's order).

    ``members`` are the paths inside the dataset's one archive that hold it, in order.
    """

    name: str
    n_objects: int
    n_per_class: tuple[int, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """One labelled dataset as it was published.

    ``is_about`` says that the numbers of objects are rounded ones; a run needs them only to plan
    its shards. Two variants with files of the same names differ in ``variant``.
    """

    name: str
    files: tuple[File, ...]
    parts: tuple[Part, ...]
    classes: tuple[str, ...]
    citation: str
    licence: str
    variant: str = ""
    is_about: bool = False

    @property
    def folder(self) -> Path:
        """Where its files are kept."""
        return ROOT / self.name / self.variant

    @property
    def acknowledgement(self) -> str:
        """What to cite, and the licence."""
        return f"{self.citation} Licence: {self.licence}"

    def file(self, name: str) -> File:
        """The file of that name."""
        return next(f for f in self.files if f.name == name)


def obtain(dataset: Dataset, name: str, mirror: str | None) -> Path:
    """Path of one file of a dataset; fetched if it isn't there.

    Parameters
    ----------
    dataset, name
        Which file.
    mirror
        A folder that is searched with all folders below it, before the one that the environment
        variable HOAG_MIRROR names; None for none.

    Raises
    ------
    ObtainError
        In one line: the file, its addresses, the checksum wanted, and what was found instead.
    """
    file, path = dataset.file(name), dataset.folder / name
    if not _is_published(path, file):
        with _locked(dataset.folder):
            if not _is_published(path, file):  # nobody else has fetched it meanwhile
                _fetch(dataset, file, path, mirror)
                _note(path, file)
    return path


def unpacked(path: Path, file: File) -> Path:
    """The content of a published .gz file, unpacked once, for readers that jump about in it."""
    target = path.with_suffix("")
    if not _is_noted(target, file):
        with _locked(path.parent):
            if not _is_noted(target, file):
                with (
                    atomic(target) as private,
                    gzip.open(path) as source,
                    private.open("wb") as sink,
                ):
                    shutil.copyfileobj(source, sink, 2**22)
                _note(target, file, always=True)
    return target


def _fetch(dataset: Dataset, file: File, path: Path, mirror: str | None) -> None:
    for folder in filter(None, (mirror, os.environ.get("HOAG_MIRROR"))):
        for candidate in sorted(Path(folder).rglob(glob.escape(file.name))):
            if candidate.is_file() and _is_published(candidate, file):
                _log.info("%s: taken from %s", file.name, candidate)
                with atomic(path) as private:
                    shutil.copyfile(candidate, private)
                return
    faults = _download(file, path)
    if faults:
        raise ObtainError(
            f"{dataset.name}: can't get {file.name}, wanted {file.checksum}, "
            f"found {'; '.join(faults)}; put the file into {dataset.folder}, or name a folder "
            "that has it by survey.mirror or the environment variable HOAG_MIRROR"
        )


def _download(file: File, path: Path) -> list[str]:
    """Try each address; an empty list says that the file is there, else one fault for each."""
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    faults, workplace = [], path.parent / ".part"
    try:
        for url in file.urls:
            shutil.rmtree(workplace, ignore_errors=True)  # also what a killed job has left
            source = pooch.create(
                path=workplace,
                base_url="",
                registry={file.name: file.checksum},
                urls={file.name: url},
                retry_if_failed=RETRIES,
            )
            size = f"{file.size_bytes:,} bytes" if file.size_bytes else "size not known"
            _log.info("%s (%s): downloading from %s", file.name, size, url)
            try:
                os.replace(source.fetch(file.name, progressbar=False), path)
            except (OSError, ValueError) as error:  # requests' own errors are OSErrors
                faults.append(f"at {url}: {one_line(error)}")
            else:
                return []
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return faults


def _is_published(path: Path, file: File) -> bool:
    """Is a file there, with the published checksum or at least with the published content?"""
    if not path.is_file():
        return False
    if _is_noted(path, file):
        return True
    found = _checksum(path, file.checksum.partition(":")[0])
    if found == file.checksum:
        return True
    if file.members and dict(file.members).items() <= _member_digests(path, file).items():
        _log.info(
            "%s: found %s, published %s, but all that lies in it (%d member(s)) has its "
            "published md5",
            path,
            found,
            file.checksum,
            len(file.members),
        )
        return True
    _log.warning("%s: skipped, found %s, published %s", path, found, file.checksum)
    return False


def _checksum(path: Path, algorithm: str) -> str:
    with path.open("rb") as stream:
        return f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"


def _member_digests(path: Path, file: File) -> dict[str, str]:
    """md5 of the content of a .gz file, or of the listed members of an archive."""
    names = [name for name, _ in file.members]
    if path.name.lower().endswith(containers.SUFFIXES["tar"]):
        found = containers.read(path, names)
        return {n: md5(data) for n, data in found if not isinstance(data, UnreadableError)}
    try:
        with gzip.open(path) as stream:
            return {names[0]: hashlib.file_digest(stream, "md5").hexdigest()}
    except (OSError, EOFError):
        return {}


def md5(data: bytes) -> str:
    """Hexadecimal md5 of some bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.ok")


def _facts(path: Path, file: File) -> dict[str, int | str]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "checksum": file.checksum}


def _note(path: Path, file: File, *, always: bool = False) -> None:
    """Remember that a large file was checked."""
    if always or path.stat().st_size > LARGE:
        with atomic(_note_path(path)) as private:
            private.write_text(json.dumps(_facts(path, file)))


def _is_noted(path: Path, file: File) -> bool:
    try:
        return json.loads(_note_path(path).read_text()) == _facts(path, file)
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One job at a time; the lock ends with the process that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        lock(file, f"obtains files for {folder}")
        yield
