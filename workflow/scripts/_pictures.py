"""What the plotting scripts share: images by object id, and saving a figure with its numbers."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hoag import tables
from hoag.figures._style import save
from hoag.images.store import ImageStore


class Album:
    """Images of a run by object id.

    Parameters
    ----------
    paths
        Shards of images or of reconstructions.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.store = ImageStore(paths)
        self.place = pd.Series(np.arange(len(self.store)), index=self.store.object_ids)

    def images(self, object_ids: Iterable[str]) -> np.ndarray:
        """uint8 (n, y, x, c), in the order asked for."""
        return self.store.read(self.place.loc[list(object_ids)].to_numpy())


def residual(real: np.ndarray, reconstruction: np.ndarray) -> np.ndarray:
    """|real - reconstruction| of uint8 images."""
    return np.abs(real.astype(np.int16) - reconstruction).astype(np.uint8)


def keep(figure: Figure, numbers: pd.DataFrame, output: Any, name: str = "") -> None:
    """Save a figure as PNG and PDF and its numbers as a table.

    Parameters
    ----------
    figure, numbers
        The picture and the numbers in it.
    output
        The rule's outputs ``png``, ``pdf``, ``table``, or ``{name}_png`` and so on.
    name
        Which figure, where a rule has several.
    """
    png, pdf, table = (
        output[f"{name}_{kind}" if name else kind] for kind in ("png", "pdf", "table")
    )
    save(figure, png, pdf)
    tables.write("figure", numbers, table)
