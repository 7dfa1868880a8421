"""Published catalogues of anomalies, to match one's own objects and compare scores with them."""

from pathlib import Path

import numpy as np
import pandas as pd

from hoag.catalogue.preparing import prepare
from hoag.catalogue.reading import read
from hoag.options import ConfigError, unknown

_WGAN_HSC = {
    "discriminator_score_normalized": "s_disc_sigma",
    "generator_score_normalized": "s_gen_sigma",
    "combined_score_normalized": "sigma",
}


def read_wgan_hsc(path: str | Path) -> pd.DataFrame:
    """Anomalies that Storey-Fisher et al. (2021, MNRAS 508, 2946) found in Hyper Suprime-Cam.

    Parameters
    ----------
    path
        ``anomaly_catalog_hsc_full`` or ``anomaly_catalog_hsc_disc3sigma`` of the authors'
        repository (kstoreyf/anomalies-GAN-HSC), saved as a table. What they published is a pickle
        that needs an old pandas (< 2): write it as CSV there.

    Returns
    -------
    DataFrame with object_id (HSC's, text), ra_deg, dec_deg (ICRS), and the scores in standard
    deviations above the mean of the authors' sample: s_gen_sigma, s_disc_sigma, and sigma, that
    of (1 - 0.3) s_gen + 0.3 s_disc.

    Raises
    ------
    ConfigError
        If the file can't be read or lacks a column.
    """
    frame = read(path, id_column="HSC_object_id")
    for column in _WGAN_HSC:
        if column not in frame:
            raise ConfigError(unknown(f"{path}: column", column, frame.columns))
    found = prepare(frame, id_column="HSC_object_id", need_position=True, base_name=str(path)).table
    scores = found[list(_WGAN_HSC)].rename(columns=_WGAN_HSC)
    return pd.concat([found[["object_id", "ra_deg", "dec_deg"]], scores], axis=1)


def match_positions(
    objects: pd.DataFrame, published: pd.DataFrame, *, radius_arcsec: float = 1.0
) -> pd.DataFrame:
    """Give each object the nearest one of another table, where one is near enough.

    Parameters
    ----------
    objects
        Any table with ra_deg and dec_deg, ``ranked`` for example; positions may be missing.
    published
        Another one.
    radius_arcsec
        Greatest separation of a match.

    Returns
    -------
    DataFrame as long as ``objects``: their columns, ``separation_arcsec`` of the match, and the
    columns of ``published`` with ``published_`` before their names; null where there is no match.
    Two objects may have the same match.
    """
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    def sky(table: pd.DataFrame) -> SkyCoord:
        return SkyCoord(table["ra_deg"].to_numpy(), table["dec_deg"].to_numpy(), unit="deg")

    placed = objects[["ra_deg", "dec_deg"]].notna().all(axis=1).to_numpy()
    place = np.full(len(objects), -1)
    separation = np.full(len(objects), np.nan)
    if placed.any() and len(published):
        nearest, angle, _ = sky(objects[placed]).match_to_catalog_sky(sky(published))
        near = angle.to_value(u.arcsec) <= radius_arcsec
        rows = np.flatnonzero(placed)[near]
        place[rows], separation[rows] = nearest[near], angle.to_value(u.arcsec)[near]
    matched = published.add_prefix("published_").reset_index(drop=True)
    matched = matched.reindex(np.where(place < 0, len(published), place)).set_axis(objects.index)
    return pd.concat([objects, matched], axis=1).assign(separation_arcsec=separation)
