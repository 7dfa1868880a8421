"""Survey ``spectra``: files of SDSS and of DESI, and the user's own tables of wavelength and flux.

Layouts
    ``sdss``: a folder, zip or tar of files spec-PLATE-MJD-FIBER.fits (SDSS, BOSS, eBOSS), one
    object each, called PLATE-MJD-FIBER. The catalogue gets position, ``redshift`` and
    ``spectral_class`` of the file's second table. ``desi``: one or more files coadd-*.fits or
    spectra-*.fits, whose targets (not the sky) are called by their TARGETID; all arms and, in
    spectra- files, all exposures of a target make one spectrum. Redshifts stand in DESI's other
    files: bring a catalogue that has them. ``table``: one long CSV or Parquet table, or such a
    table for each object.

Pixels stay as they are, in order of wavelength: nothing is resampled, and where arms overlap both
count. A pixel is masked (inverse variance 0) where its flux or inverse variance isn't finite, the
inverse variance isn't above 0, or DESI's MASK marks it; SDSS has set it to 0 itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import ConfigError, option, unknown
from hoag.surveys._containers import UnreadableError
from hoag.surveys._sources import named
from hoag.surveys._spectra import LAYOUTS, Spectrum
from hoag.surveys._traces import Batch, list_members
from hoag.surveys._types import SPECTRUM, Failure, Trace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Batch"]

FORMAT_VERSION = 1
ACKNOWLEDGEMENT = (
    "The spectra were supplied by the user; please acknowledge the survey that took them "
    "in the words that it asks for."
)


@dataclass(frozen=True)
class Options:
    """What lies in the files, and what a spectrum must have."""

    layout: str = option(doc="How spectra lie in the source.", choices=tuple(LAYOUTS))
    redshift_column: str | None = option(
        None,
        doc="Column of the catalogue with the redshift by which wavelengths are brought to the "
        "rest frame (sdss has its own, redshift); null: as observed.",
    )
    min_pixels: int = option(100, doc="Fewest pixels of an object that are not masked.", minimum=2)
    id_column: str = option("object_id", doc="Column of a long table with the object's id.")
    wavelength_column: str = option("wavelength", doc="Column of a table with the wavelength.")
    angstrom_per_unit: float = option(1.0, doc="Its unit (nm: 10).", unit="angstrom", minimum=1e-9)
    flux_column: str = option("flux", doc="Column of a table with the flux per wavelength.")
    error_column: str | None = option(
        None, doc="Column of a table with the flux's standard error; null: all pixels count alike."
    )


def object_kind(options: Options) -> str:
    """Always `SPECTRUM`."""
    return SPECTRUM


def bands(options: Options) -> tuple[str, ...]:
    """None: a spectrum has no bands."""
    return ()


def image_shape(options: Options) -> tuple[int, int] | None:
    """None: there are no pixels of an image."""
    return None


def attributes(options: Options) -> dict[str, Any]:
    """Whether wavelengths are those of the rest frame."""
    return {"rest_frame": options.redshift_column is not None}


def known_columns(options: Options) -> tuple[str, ...]:
    """Columns that the catalogue gets from the files."""
    return LAYOUTS[options.layout].columns


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The batch's objects, sorted by id: object_id, label, source, member, and what files say.

    Raises
    ------
    ConfigError
        For a source or table that is missing, unreadable, empty or lacks a column.
    """
    members = _members(batch, options, name)
    table = list_members(members, batch, name)
    known = LAYOUTS[options.layout].facts(Path(batch.source), list(members.values()), options)
    return table.assign(**known)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Number of rows that `list_objects` gives; raises as it does."""
    return len(list_members(_members(batch, options, name), batch, name))


def _members(batch: Batch, options: Options, name: str) -> dict[str, str]:
    with named(f"batches.{name}.source"):
        return LAYOUTS[options.layout].members(Path(batch.source), batch.pattern, options)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Trace | Failure]:
    """The spectra of one shard's objects, or the reason why there is none.

    Parameters
    ----------
    targets
        Rows of the catalogue: object_id, member and, if asked for, the redshift.
    seed
        Not used.

    Yields
    ------
    Trace or Failure
        One for each target. Fluxes and inverse variances are finite, both 0 where masked. A
        spectrum with fewer good pixels than ``min_pixels`` fails as ``too_few``, one without a
        redshift as ``no_redshift``, a file that can't be read as ``invalid``.

    Raises
    ------
    ConfigError
        If the catalogue has no such column of redshifts.
    """
    import pandas as pd

    redshift, given = np.zeros(len(targets)), [0.0] * len(targets)
    if (column := options.redshift_column) is not None:
        if column not in targets:
            raise ConfigError(unknown("survey.redshift_column", column, targets.columns))
        given = targets[column].tolist()
        numbers = pd.to_numeric(targets[column], errors="coerce")
        redshift = numbers.to_numpy(np.float64, na_value=np.nan)
    ids = targets["object_id"].astype(str)
    objects = zip(ids, redshift, given, strict=True)
    rows = zip(targets["member"].astype(str), objects, strict=True)
    wanted = dict(rows)
    for member, found in LAYOUTS[options.layout].read(Path(batch.source), wanted, options):
        object_id, z, said = wanted[member]
        if isinstance(found, UnreadableError):
            yield Failure(object_id, "invalid", str(found), url=member)
        elif not (np.isfinite(z) and z > -1):
            reason = f"found {said} in {column}, allowed: a redshift above -1"
            yield Failure(object_id, "no_redshift", reason, url=member)
        else:
            yield _spectrum(object_id, member, found, z, options)


def _spectrum(
    object_id: str, member: str, found: Spectrum, redshift: float, options: Options
) -> Trace | Failure:
    wavelength, flux, ivar = found
    kept = np.flatnonzero(np.isfinite(wavelength) & (wavelength > 0))
    kept = kept[np.argsort(wavelength[kept], kind="stable")]
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    if (n := int(good[kept].sum())) < options.min_pixels:
        reason = f"found {n} pixels that are not masked, allowed: {options.min_pixels} or more"
        return Failure(object_id, "too_few", reason, url=member)
    columns = {
        "wavelength_angstrom": wavelength[kept] / (1 + redshift),
        "flux": np.where(good, flux, 0)[kept].astype(np.float32),
        "ivar": np.where(good, ivar, 0)[kept],
    }
    n_lost = len(wavelength) - len(kept)
    remark = f"left out: {n_lost} without a wavelength" if n_lost else ""
    return Trace(object_id, columns, remark, url=member)
