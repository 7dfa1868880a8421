"""Where on the sky the objects lie, and which of them have an image."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style

_WIDE_DEG = 60.0  # what reaches farther is drawn on the whole sky
_DRAWN = 20_000  # objects of one status that are drawn at most


@_style.styled
def draw(objects: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw each object at its place, by its status.

    Parameters
    ----------
    objects
        object_id, batch, status, ra_deg, dec_deg; without a position an object is counted only.

    Returns
    -------
    figure
        The whole sky (Mollweide), or the part that holds all objects, east to the left. Of a
        status with more than 20,000 objects a regular sample is drawn.
    table
        batch, status, n_objects, share (of the batch).
    """
    counts = objects.groupby(["batch", "status"], sort=False).size().rename("n_objects")
    counts = counts.reset_index()
    counts["share"] = counts["n_objects"] / counts.groupby("batch")["n_objects"].transform("sum")
    placed = objects[objects["ra_deg"].notna() & objects["dec_deg"].notna()]
    figure = _style.new_figure(6.0, layout="constrained")
    if placed.empty:
        _style.say(figure.subplots(), "no object has a position")
        return figure, counts
    middle = _middle(placed["ra_deg"].to_numpy())
    east = (placed["ra_deg"].to_numpy() - middle + 180) % 360 - 180
    north = placed["dec_deg"].to_numpy()
    reach = np.abs(east).max() * np.cos(np.radians(np.abs(north).min()))
    wide = max(2 * reach, np.ptp(north)) > _WIDE_DEG
    axes = figure.add_subplot(projection="mollweide" if wide else None)
    statuses = sorted(placed["status"].unique(), key=lambda s: (s != "ok", s))
    for place, status in enumerate(statuses):
        chosen = np.flatnonzero(placed["status"] == status)
        some = chosen[:: -(-len(chosen) // _DRAWN)]
        x, y = (np.radians(-east), np.radians(north)) if wide else (middle + east, north)
        look = {"color": _style.GREY} if status == "ok" else {"color": _style.COLOURS[place % 6]}
        axes.scatter(
            x[some], y[some], s=4 if status == "ok" else 14, linewidths=0, zorder=2 + place,
            marker="o" if status == "ok" else _style.MARKERS[place % 10],
            label=f"{_style.plain(status)} ({len(chosen):,})", **look,
        )  # fmt: skip
    _whole_sky(axes, middle) if wide else _part(axes)
    axes.set_title("Where the objects lie, and which have an image")
    figure.legend(loc="outside lower center", ncols=4, markerscale=2)
    return figure, counts


def _middle(ra_deg: np.ndarray) -> float:
    """Mean right ascension on the circle, in degrees."""
    angle = np.radians(ra_deg)
    mean = np.degrees(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()))
    return float(np.round(mean % 360, 6))


def _part(axes: Axes) -> None:
    axes.invert_xaxis()
    axes.grid(True)
    axes.set_aspect(1 / max(np.cos(np.radians(np.mean(axes.get_ylim()))), 0.05), "datalim")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value % 360:g}")
    axes.set_xlabel("right ascension (deg)")
    axes.set_ylabel("declination (deg)")


def _whole_sky(axes: Axes, middle: float) -> None:
    axes.grid(True)
    ticks = np.arange(-150, 151, 60)
    axes.set_xticks(np.radians(ticks), [f"{(middle - t) % 360:.0f}°" for t in ticks])
    axes.tick_params(labelsize=_style.SMALL_PT)
