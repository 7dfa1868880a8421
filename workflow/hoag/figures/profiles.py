"""Is the light of a reconstruction that of the galaxy? Profiles, brightness, sizes."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style
from hoag.images.photometry import Light

_KINDS = ("real", "reconstructed")


@_style.styled
def draw(real: Light, rebuilt: Light) -> tuple[Figure, pd.DataFrame]:
    """Draw radial profiles, total light and half-light radii of the same objects, twice.

    Parameters
    ----------
    real, rebuilt
        Of n images and of their reconstructions, in units in which white is one.

    Returns
    -------
    figure
        Median profiles with the middle 68 %; each object's total light and half-light radius,
        reconstructed against real, with the line on which both are the same.
    table
        panel ("profile", "total_light", "half_light_radius_px"), radius_px, real, real_low,
        real_high, reconstructed, reconstructed_low, reconstructed_high: of the profile the median
        and the 16 and 84 % quantiles by radius, of the others one row an object.
    """
    figure = _style.new_figure(3.6, layout="constrained")
    profile, light, size = figure.subplots(1, 3)
    table = pd.concat(
        [
            _profiles(real, rebuilt),
            _pairs("total_light", real.total, rebuilt.total),
            _pairs("half_light_radius_px", real.half_light_radius_px, rebuilt.half_light_radius_px),
        ],
        ignore_index=True,
    )
    _draw_profiles(profile, table[table["panel"] == "profile"])
    for index, (axes, panel, title) in enumerate(
        (
            (light, "total_light", "total light"),
            (size, "half_light_radius_px", "half-light radius (px)"),
        ),
        start=1,
    ):
        _draw_pairs(axes, table[table["panel"] == panel].dropna(subset=list(_KINDS)))
        _style.letter(axes, index, title)
    _style.letter(profile, 0, "radial profile")
    return figure, table


def _profiles(real: Light, rebuilt: Light) -> pd.DataFrame:
    columns = {"panel": "profile", "radius_px": real.radius_px}
    for kind, light in zip(_KINDS, (real, rebuilt), strict=True):
        found = np.full((3, len(light.radius_px)), np.nan)
        if len(light.profile):
            found = np.quantile(light.profile, [0.5, 0.16, 0.84], axis=0)
        columns |= dict(zip((kind, f"{kind}_low", f"{kind}_high"), found, strict=True))
    return pd.DataFrame(columns)


def _pairs(panel: str, real: np.ndarray, rebuilt: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"panel": panel, "real": real, "reconstructed": rebuilt})


def _draw_profiles(axes: Axes, table: pd.DataFrame) -> None:
    if table["real"].isna().all():
        _style.say(axes, "no object to show")
        return
    for i, kind in enumerate(_KINDS):
        look = _style.look(i)
        axes.plot(
            table["radius_px"], table[kind], color=look["color"], linestyle=look["linestyle"],
            label=kind,
        )  # fmt: skip
        axes.fill_between(
            table["radius_px"], table[f"{kind}_low"], table[f"{kind}_high"],
            color=look["color"], alpha=0.15, linewidth=0,
        )  # fmt: skip
    axes.set(xlabel="radius (px)", ylabel="light of a pixel (white is 1)")
    axes.grid(True)
    axes.legend()


def _draw_pairs(axes: Axes, table: pd.DataFrame) -> None:
    if table.empty:
        _style.say(axes, "no object to show")
        return
    axes.plot(
        table["real"], table["reconstructed"], linestyle="", marker="o", markersize=3,
        markeredgewidth=0, alpha=0.5, color=_style.COLOURS[0],
    )  # fmt: skip
    ends = [table[list(_KINDS)].min(axis=None), table[list(_KINDS)].max(axis=None)]
    axes.plot(ends, ends, color=_style.GREY, linewidth=1)
    axes.set(xlabel="real", ylabel="reconstructed")
    axes.grid(True)
