"""t-distributed stochastic neighbour embedding (van der Maaten & Hinton 2008), openTSNE's.

Poličar, Stražar & Zupan 2024, J. Stat. Softw. 109(3). It starts from the first two principal
components (Kobak & Berens 2019), so that the large scales of the plane mean something too.
"""

from dataclasses import dataclass

import numpy as np

from hoag.embeddings._plane import Place, components, on_plane
from hoag.options import option
from hoag.seeds import generator

EXACT_BELOW = 1_000  # rows among which neighbours are looked for one by one
TREE_BELOW = 10_000  # fitted rows whose forces a tree sums, a grid from there on
START, JITTER = 1e-4, 1e-6  # spread of the first positions, and of what sets equal ones apart
PLACING_PERPLEXITY, PLACING_NEIGHBOURS = 5, 25  # openTSNE's own for further rows


@dataclass(frozen=True)
class Options:
    """t-SNE's own parameters."""

    perplexity: float = option(
        30.0, doc="Effective number of neighbours of each object.", minimum=1.0
    )
    exaggeration: float = option(
        1.0,
        doc="Attraction in units of t-SNE's; more gives tighter groups, as from UMAP.",
        minimum=1.0,
    )
    iterations: int = option(500, doc="Steps after the 250 of early exaggeration.", minimum=1)
    standardise: bool = option(
        False, doc="Centre each column and divide it by its standard deviation first."
    )


def embed(x: np.ndarray, fit_rows: np.ndarray, options: Options, seed: int) -> np.ndarray:
    """Place vectors in the plane; as `hoag.embeddings._plane.on_plane`.

    A further row goes where openTSNE's ``transform`` takes it: from the median of its nearest
    fitted rows, drawn by these and pushed by all fitted rows, never by other further rows.
    ``seed`` fixes the result; t-SNE works in one thread.
    """
    return on_plane(x, fit_rows, options.standardise, lambda rows: _fit(rows, options, seed))


def _fit(x: np.ndarray, options: Options, seed: int) -> tuple[np.ndarray, Place]:
    from openTSNE import TSNE

    # trees of scikit-learn measure each pair by itself, so that no other row changes a bit of it
    few = len(x) < EXACT_BELOW
    search = {"neighbors": "exact", "knn_kwargs": {"algorithm": "kd_tree"}} if few else {}
    start, _ = components(x)
    spread = start[:, 0].std()
    start = start * (START / spread if spread > 0 else 0.0)
    start += generator(seed, "t-SNE start").normal(0.0, JITTER, start.shape)
    embedding = TSNE(
        perplexity=min(options.perplexity, (len(x) - 1) / 3),
        exaggeration=options.exaggeration,
        n_iter=options.iterations,
        initialization=start,
        # by itself it chooses anew when rows are placed, by how many there are
        negative_gradient_method="bh" if len(x) < TREE_BELOW else "fft",
        random_state=seed % 2**32,
        n_jobs=1,
        **search,
    ).fit(x)
    # transform centres the plane once more: what it is told must not depend on when
    embedding -= (embedding.max(axis=0) + embedding.min(axis=0)) / 2
    xy = np.array(embedding)

    def place(rows: np.ndarray) -> np.ndarray:
        return np.asarray(
            embedding.transform(
                rows,
                perplexity=min(PLACING_PERPLEXITY, (len(x) - 1) / 3),
                k=min(PLACING_NEIGHBOURS, len(x)),
            )
        )

    return xy, place
