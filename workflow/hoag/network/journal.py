"""What has been fetched, kept outside a job's outputs: an append-only journal beside the bytes.

A folder belongs to one set of request options. Each shard writes a pair of files there,
``<name>.jsonl`` and ``<name>.bytes``, and reads those of all shards, so that other shard sizes
find what is there already. A line is written after its bytes; a torn last line, or bytes without
a line, are what a kill leaves and do no harm. Contents are checked against their digests when they
are read.
"""

import hashlib
import json
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hoag.files import lock

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of an object (a band, say), and where its bytes lie."""

    file: Path
    offset: int
    n_bytes: int
    sha256: str
    url: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Final:
    """A service's last word on an object that it has nothing for: outside, no_data."""

    status: str
    reason: str
    url: str
    attempts: int


class Journal:
    """Progress of one shard; use as a context manager.

    Parameters
    ----------
    folder
        Of all shards with these request options.
    name
        Of this shard.
    keys
        The objects wanted (`object_key`): others in the folder are passed over.
    say
        Called with a line where another run has the shard.

    Attributes
    ----------
    parts : key -> name of a piece -> `Part`
    finals : key -> `Final`
    failed : keys of objects that a service failed to the last, in an earlier run
    """

    def __init__(
        self,
        folder: str | Path,
        name: str,
        keys: Collection[str],
        say: Callable[[str], None] = _log.info,
    ) -> None:
        self._say = say
        self._folder, self._name, self._keys = Path(folder), name, frozenset(keys)
        self.parts: dict[str, dict[str, Part]] = defaultdict(dict)
        self.finals: dict[str, Final] = {}
        self.failed: set[str] = set()
        self._lost: set[tuple[str, str, str]] = set()

    def __enter__(self) -> "Journal":
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lines = (self._folder / f"{self._name}.jsonl").open("ab")
        self._bytes = (self._folder / f"{self._name}.bytes").open("ab")
        lock(self._lines, "fetches the same objects", self._say)
        if self._lines.tell():
            self._lines.write(b"\n")  # ends a line that a kill has torn
        for path in sorted(self._folder.glob("*.jsonl")):
            self._load(path)
        for key, name, sha256 in self._lost:
            part = self.parts[key].get(name)
            if part is not None and part.sha256 == sha256 and _content(part) is None:
                del self.parts[key][name]
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.close()
        self._bytes.close()

    def add(self, key: str, name: str, content: bytes, *, url: str, attempts: int) -> None:
        """Keep one piece of an object; its line is on disk when this returns."""
        offset = self._bytes.seek(0, os.SEEK_END)
        self._bytes.write(content)
        self._bytes.flush()
        sha256 = hashlib.sha256(content).hexdigest()
        part = Part(Path(self._bytes.name), offset, len(content), sha256, url, attempts)
        self.parts[key][name] = part
        facts = {"offset": offset, "n_bytes": len(content), "sha256": sha256}
        self._write({"key": key, "part": name, **facts, "url": url, "attempts": attempts})

    def close_object(self, key: str, final: Final) -> None:
        """Keep that a service has nothing for an object."""
        self.finals[key] = final
        facts = {"reason": final.reason, "url": final.url, "attempts": final.attempts}
        self._write({"key": key, "status": final.status, **facts})

    def contents(self, key: str) -> dict[str, bytes]:
        """All pieces of an object; those whose bytes are damaged are left out and forgotten."""
        found = {}
        for name, part in list(self.parts.get(key, {}).items()):
            content = _content(part)
            if content is not None:
                found[name] = content
            else:
                del self.parts[key][name]
                self._write({"key": key, "lost": name, "sha256": part.sha256})
        return found

    def note_failure(self, key: str) -> None:
        """Keep that a service failed an object to the last; it may be asked for again."""
        if key not in self.failed:
            self._write({"key": key, "failed": True})

    def _write(self, record: Mapping[str, Any]) -> None:
        self._lines.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._lines.flush()

    def _load(self, path: Path) -> None:
        data = path.with_suffix(".bytes")
        for record in _records(path):
            key = record.get("key")
            if key not in self._keys:
                continue
            if "lost" in record:
                self._lost.add((key, record["lost"], record["sha256"]))
            elif "failed" in record:
                self.failed.add(key)
            elif "part" in record:
                facts = (record[k] for k in ("offset", "n_bytes", "sha256", "url", "attempts"))
                self.parts[key][record["part"]] = Part(data, *facts)
            else:
                facts = (record[k] for k in ("status", "reason", "url", "attempts"))
                self.finals[key] = Final(*facts)


def _content(part: Part) -> bytes | None:
    """A piece's bytes; None where they are lost or damaged."""
    try:
        with part.file.open("rb") as file:
            file.seek(part.offset)
            content = file.read(part.n_bytes)
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == part.sha256 else None


def object_key(object_id: str, ra_deg: float, dec_deg: float) -> str:
    """Stands for an object at a position: another position is another cutout."""
    text = f"{object_id}|{ra_deg:.9f}|{dec_deg:.9f}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:  # torn by a kill
                continue
            if isinstance(record, dict):
                yield record
