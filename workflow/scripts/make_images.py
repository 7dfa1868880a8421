"""Turn one shard's cutouts into uint8 training images by the chain of transforms."""

from typing import Any

from _job import Progress, job
from hoag.images.chain import build_chain
from hoag.images.store import ImageStore, ShardWriter
from hoag.surveys._types import FLUX_IMAGE


def main(
    path_cutouts: str,
    path_images: str,
    *,
    transforms: list[dict[str, Any]],
    kind: str,
    shape: list[int],
    say: Progress,
) -> None:
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
