"""Turn one shard's cutouts into uint8 training images by the chain of transforms; plot traces."""

import itertools
from typing import Any

from _job import Progress, job
from hoag.images.chain import build_chain
from hoag.images.store import ImageStore, ShardWriter
from hoag.surveys._types import FLUX_IMAGE, TRACES
from hoag.traces import pictures
from hoag.traces.store import TraceStore

CHUNK = 512  # traces in memory at a time


def main(
    path_cutouts: str,
    path_images: str,
    *,
    transforms: list[dict[str, Any]],
    kind: str,
    shape: list[int],
    say: Progress,
) -> None:
    if kind in TRACES:
        _plot(path_cutouts, path_images, say=say)
        return
    cutouts = ImageStore([path_cutouts])
    bands = tuple(cutouts.attributes["bands"])
    sides = cutouts.shape[1:] if kind == FLUX_IMAGE else cutouts.shape[:2]
    n_nan_images = 0
    with ShardWriter(path_images, {"kind": "image"}, shape=shape) as writer:
        if len(cutouts):
            chain = build_chain(transforms, kind=kind, shape=sides, bands=bands)
        for n, object_id in enumerate(cutouts.object_ids):
            image, n_nan = chain(cutouts.read([n])[0])
            writer.append(object_id, image, n_nan=n_nan)
            n_nan_images += n_nan > 0
            say(f"{n + 1}/{len(cutouts)} images")
    if n_nan_images:
        say.always(f"{n_nan_images} image(s) had NaN pixels, taken as 0")


def _plot(path_traces: str, path_images: str, *, say: Progress) -> None:
    """Draw each trace; for the eye alone."""
    store = TraceStore([path_traces])
    shape = (pictures.SIZE_PX, pictures.SIZE_PX, 3)
    with ShardWriter(path_images, {"kind": "plot"}, shape=shape) as writer:
        traces = itertools.chain.from_iterable(store.slices(CHUNK))
        for n, (object_id, trace) in enumerate(zip(store.object_ids, traces, strict=True)):
            writer.append(object_id, pictures.draw(trace, store.attributes))
            say(f"{n + 1}/{len(store)} plots")


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            snakemake.input.cutouts,
            snakemake.output.images,
            transforms=snakemake.params.transforms,
            kind=snakemake.params.kind,
            shape=snakemake.params.shape,
            say=say,
        )
