"""Get the pixels or traces of one shard's objects; a manifest row for every one of them."""

import datetime
import hashlib
import inspect
from typing import Any

import numpy as np
import pandas as pd

from _job import Progress, job
from hoag import tables
from hoag.images.store import ShardWriter
from hoag.options import build
from hoag.registry import plugin
from hoag.shards import take_shard
from hoag.surveys._types import RENDERED_IMAGE, TRACES, Cutout, Failure, Trace
from hoag.traces.store import TraceWriter


def main(
    path_catalogue: str,
    path_cutouts: str,
    path_manifest: str,
    *,
    survey: dict[str, Any],
    batch: dict[str, Any],
    shard: int,
    n_shards: int,
    seed: int,
    say: Progress,
) -> None:
    module, options = plugin("surveys", survey, "survey")
    batch_options = build(module.Batch, batch["options"], "batch")
    targets = take_shard(tables.read("catalogue", path_catalogue), shard, n_shards)
    keywords = {"say": say} if "say" in inspect.signature(module.fetch).parameters else {}
    answers = module.fetch(
        targets, batch_options, options, seed=seed, name=batch["name"], **keywords
    )
    kind, bands = module.object_kind(options), module.bands(options)
    attributes = {"kind": kind, "bands": list(bands), **module.attributes(options)}
    rows = []
    with _writer(path_cutouts, kind, attributes) as writer:
        for n, answer in enumerate(answers, start=1):
            rows.append(_record(answer, writer))
            say(f"{n}/{len(targets)} cutouts")
    manifest = _manifest(rows, targets["object_id"])
    failed = manifest[manifest["status"] != "ok"]
    if len(failed):
        first = failed.iloc[0]
        say.always(
            f"{len(failed)} of {len(manifest)} objects without data (see {path_manifest}), "
            f"the first: {first['object_id']}: {first['status']}: {first['reason']}"
        )
    remarked = manifest[(manifest["status"] == "ok") & manifest["reason"].notna()]
    if len(remarked):
        first = remarked.iloc[0]
        say.always(
            f"{len(remarked)} of {len(manifest)} objects with rows left out (see {path_manifest}), "
            f"the first: {first['object_id']}: {first['reason']}"
        )
    tables.write("manifest", manifest, path_manifest)


def _writer(path: str, kind: str, attributes: dict[str, Any]) -> ShardWriter | TraceWriter:
    if kind in TRACES:
        return TraceWriter(path, attributes)
    return ShardWriter(path, attributes, dtype=np.uint8 if kind == RENDERED_IMAGE else np.float32)


def _record(answer: Cutout | Trace | Failure, writer: Any) -> dict[str, Any]:
    """Store the pixels or the trace of an answer; its manifest row."""
    row = {"object_id": answer.object_id, "attempts": answer.attempts, "url": answer.url}
    if not isinstance(answer, Failure):
        try:
            raw = _stored(answer, writer)
        except ValueError as error:  # another shape or other columns than the shard's
            answer = Failure(answer.object_id, "invalid", str(error), answer.url, answer.attempts)
        else:
            n_bytes = len(raw) if answer.n_bytes is None else answer.n_bytes
            row |= {"n_bytes": n_bytes, "sha256": hashlib.sha256(raw).hexdigest()}
    if isinstance(answer, Failure):
        return row | {"status": answer.status, "reason": answer.reason, "n_bytes": 0}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    remark = getattr(answer, "remark", "") or None
    return row | {"status": "ok", "reason": remark, "fetched_at": now}


def _stored(answer: Cutout | Trace, writer: Any) -> bytes:
    """Append an answer to its shard; the bytes of what is stored."""
    if isinstance(answer, Trace):
        return writer.append(answer.object_id, answer.columns)
    known = {"wcs": answer.wcs} if answer.wcs else {}
    writer.append(answer.object_id, answer.pixels, **known)
    return np.ascontiguousarray(answer.pixels).tobytes()


def _manifest(rows: list[dict[str, Any]], expected: pd.Series) -> pd.DataFrame:
    """Manifest in the catalogue's order; whatever got no answer is in it as well."""
    columns = list(tables.SCHEMAS["manifest"].columns)
    frame = pd.DataFrame(rows, columns=columns).set_index("object_id")
    frame = frame.reindex(expected.to_numpy())
    silent = frame["status"].isna()
    frame.loc[silent, ["status", "reason"]] = ["no_data", "the survey gave no answer"]
    frame["attempts"] = frame["attempts"].fillna(0)
    return frame.rename_axis("object_id").reset_index()[columns]


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            snakemake.input.catalogue,
            snakemake.output.cutouts,
            snakemake.output.manifest,
            survey=snakemake.config["survey"],
            batch=snakemake.params.batch,
            shard=snakemake.params.shard,
            n_shards=snakemake.params.n_shards,
            seed=snakemake.params.seed,
            say=say,
        )
