"""A plane as a mosaic of its objects (Carrasco Kind's and other image explorers' first view)."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from hoag.figures import _style

MOST_CELLS = 30  # along the longer side of the plane
_HEAD_IN, _FOOT_IN = 0.45, 0.35


def choose(
    embedding: pd.DataFrame,
    n_cells: int | None = None,
    lattice: tuple[int, int] | None = None,
) -> pd.DataFrame:
    """The object nearest to the centre of each square cell of a grid over the plane.

    Parameters
    ----------
    embedding
        Columns object_id, x, y; rows without a finite place are left out.
    n_cells
        Cells along the longer side of the plane, from its first to its last object; by default the
        square root of the number of objects, at most 30.
    lattice
        Instead, the plane's own cells, (columns, rows): squares of side 1 around whole numbers,
        the first around (0, 0).

    Returns
    -------
    DataFrame
        One row for each cell that holds an object: row (from the top, highest y), column,
        object_id, x, y, n_objects in the cell; ordered by row and column. Of equally near objects
        the one with the alphabetically first identifier.
    """
    columns = ["row", "column", "object_id", "x", "y", "n_objects"]
    points = embedding.loc[np.isfinite(embedding[["x", "y"]]).all(axis=1), ["object_id", "x", "y"]]
    if not len(points):
        return pd.DataFrame(columns=columns)
    xy = points[["x", "y"]].to_numpy()
    if lattice is not None:
        low, side, n = np.array([-0.5, -0.5]), 1.0, np.array(lattice)
    else:
        low, high = xy.min(axis=0), xy.max(axis=0)
        n_cells = n_cells or min(math.ceil(math.sqrt(len(points))), MOST_CELLS)
        side = (high - low).max() / n_cells or 1.0
        n = np.maximum(np.ceil((high - low) / side - 1e-9), 1).astype(int)
    cell = np.minimum(((xy - low) / side).astype(int), n - 1)
    distance = np.hypot(*(xy - low - (cell + 0.5) * side).T)
    points = points.assign(row=n[1] - 1 - cell[:, 1], column=cell[:, 0], distance=distance)
    points["n_objects"] = points.groupby(["row", "column"])["object_id"].transform("size")
    ordered = points.sort_values(["row", "column", "distance", "object_id"])
    return ordered.drop_duplicates(["row", "column"])[columns].reset_index(drop=True)


def _resized(image: np.ndarray, size_y: int, size_x: int) -> np.ndarray:
    """An image uint8 (y, x, c) averaged to a size, (size_y, size_x, c)."""
    if image.shape[:2] == (size_y, size_x):
        return image
    picture = Image.fromarray(image.squeeze(axis=2) if image.shape[2] == 1 else image)
    found = np.asarray(picture.resize((size_x, size_y), Image.Resampling.BOX))
    return found.reshape(size_y, size_x, image.shape[2])


@_style.styled
def draw(
    chosen: pd.DataFrame, images: np.ndarray, title: str, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw each cell's object in its place.

    Parameters
    ----------
    chosen
        From `choose`.
    images
        uint8 (n, y, x, c), c of 1 or 3, one for each row of ``chosen``.
    title
        What was embedded.
    note
        What the plane keeps, from `hoag.figures.embedding.stated`.

    Returns
    -------
    figure
        The mosaic; cells without an object stay empty.
    table
        ``chosen``.
    """
    n_rows, n_columns = (int(chosen[k].max()) + 1 if len(chosen) else 1 for k in ("row", "column"))
    cell = min((_style.WIDTH_IN - 0.2) / n_columns, 1.0)
    height = n_rows * cell * _style.aspect([images])
    figure = _style.new_figure(_HEAD_IN + height + _FOOT_IN)
    n_objects = int(chosen["n_objects"].sum())
    _style.head(figure, f"{title} (one for each cell: {len(chosen):,} of {n_objects:,})")
    width = n_columns * cell
    axes = _style.axes_at(figure, (_style.WIDTH_IN - width) / 2, _HEAD_IN, width, height)
    figure.text(0.5, 0.12 / figure.get_size_inches()[1], note, ha="center", size=_style.SMALL_PT)
    if not len(chosen):
        _style.say(axes, "no object to show")
        return figure, chosen
    # no more than twice the pixels of a printed cell: large images would make a huge sheet
    share = min(1.0, 2 * cell * _style.DPI / max(images.shape[1:3]))
    size_y, size_x = (max(1, round(share * n)) for n in images.shape[1:3])
    sheet = np.full((n_rows * size_y, n_columns * size_x, 3), 255, np.uint8)
    for row, column, image in zip(chosen["row"], chosen["column"], images, strict=True):
        y, x = row * size_y, column * size_x
        sheet[y : y + size_y, x : x + size_x] = _resized(image, size_y, size_x)
    axes.imshow(sheet, aspect="auto")
    return figure, chosen
