"""Where spectra lie in files of SDSS, of DESI, and in tables: their ids, facts and measurements.

Each layout has ``members`` (own id -> where it lies), ``facts`` (what the files say of the objects
besides) and ``read``. A spectrum is three arrays: wavelength (angstrom), flux, inverse variance.
"""

import io
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hoag.options import ConfigError
from hoag.surveys import _containers as containers
from hoag.surveys import _long_tables as long_tables
from hoag.surveys._containers import FITS_SUFFIXES, UnreadableError, one_line
from hoag.surveys._sources import opened_fits

if TYPE_CHECKING:
    from astropy.io import fits

ARMS = ("B", "R", "Z")  # of DESI's spectrographs
_SDSS_POSITIONS = (("PLUG_RA", "PLUG_DEC"), ("RACAT", "DECCAT"), ("FIBER_RA", "FIBER_DEC"))

Spectrum = tuple[np.ndarray, np.ndarray, np.ndarray]


class Layout(NamedTuple):
    """The three functions of a layout, each takes the survey's options last; names of its facts."""

    members: Callable[[Path, str, Any], dict[str, str]]
    facts: Callable[[Path, Collection[str], Any], dict[str, list[Any]]]
    read: Callable[[Path, Collection[str], Any], Iterator[tuple[str, Spectrum | UnreadableError]]]
    columns: tuple[str, ...]


# ---- files of FITS


def _fits_files(path: Path) -> list[str]:
    """Names of the FITS files of a folder or archive, or the one file itself."""
    if containers.kind_of(path) == "fits":
        return [path.name]
    return [e.name for e in containers.entries(path) if e.name.lower().endswith(FITS_SUFFIXES)]


def _opened(
    path: Path, names: Collection[str], use: Callable[["fits.HDUList"], Any]
) -> Iterator[tuple[str, Any]]:
    """What ``use`` makes of each FITS file, or an `UnreadableError`."""
    single = containers.kind_of(path) == "fits"
    contents = [(path.name, path.read_bytes())] if single else containers.read(path, names)
    for name, data in contents:
        if isinstance(data, UnreadableError):
            yield name, data
            continue
        try:
            with opened_fits(io.BytesIO(containers.inflate(data))) as hdus:
                yield name, use(hdus)
        except UnreadableError as error:
            yield name, error
        except Exception as error:  # a damaged file makes decoders raise almost anything
            yield name, UnreadableError(f"can't be read ({one_line(error)})")


def _table(hdus: "fits.HDUList", name: str) -> Any:
    if name not in hdus:
        found = ", ".join(hdu.name or str(i) for i, hdu in enumerate(hdus))
        raise UnreadableError(f"found no extension {name!r}, allowed: {found}")
    return hdus[name].data


def _native(values: Any) -> np.ndarray:
    """float64 in the machine's byte order."""
    return np.asarray(values, np.float64)


# ---- SDSS

SDSS_FACTS = ("ra_deg", "dec_deg", "redshift", "spectral_class")


def sdss_members(path: Path, pattern: str, options: Any) -> dict[str, str]:
    """PLATE-MJD-FIBER -> file, for files called spec-PLATE-MJD-FIBER.fits."""
    found = long_tables.by_stem(path, _fits_files(path), pattern, FITS_SUFFIXES)
    return {stem.removeprefix("spec-"): name for stem, name in found.items()}


def sdss_facts(path: Path, members: Collection[str], options: Any) -> dict[str, list[Any]]:
    """Position, redshift and spectral class by the pipeline, from the second table."""

    def use(hdus: "fits.HDUList") -> tuple[float, float, float, str | None]:
        row = hdus[2].data[0]
        known = {n.upper() for n in row.array.names}
        ra, dec = next(((a, d) for a, d in _SDSS_POSITIONS if a in known), (None, None))
        position = (float(row[ra]), float(row[dec])) if ra else (np.nan, np.nan)
        redshift = float(row["Z"]) if "Z" in known else np.nan
        return *position, redshift, str(row["CLASS"]).strip() if "CLASS" in known else None

    nothing = (np.nan, np.nan, np.nan, None)
    found = dict(_opened(path, members, use))
    rows = [nothing if isinstance(found[m], UnreadableError) else found[m] for m in members]
    return dict(zip(SDSS_FACTS, map(list, zip(*rows, strict=True)), strict=True))


def sdss_read(
    path: Path, members: Collection[str], options: Any
) -> Iterator[tuple[str, Spectrum | UnreadableError]]:
    """Columns loglam, flux and ivar of COADD (BUNIT 1e-17 erg/s/cm2/angstrom, vacuum)."""

    def use(hdus: "fits.HDUList") -> Spectrum:
        coadd = _table(hdus, "COADD")
        wavelength = 10 ** _native(coadd["loglam"])
        return wavelength, _native(coadd["flux"]), _native(coadd["ivar"])

    yield from _opened(path, members, use)


# ---- DESI


def desi_members(path: Path, pattern: str, options: Any) -> dict[str, str]:
    """TARGETID -> file and TARGETID, of all targets of coadd- or spectra- files but the sky."""
    found: dict[str, str] = {}
    files = long_tables.by_stem(path, _fits_files(path), pattern, FITS_SUFFIXES)
    for name, targets in _opened(path, files.values(), _targets):
        if isinstance(targets, UnreadableError):
            raise ConfigError(f"{name}: {targets}")
        for target in targets:
            if target in found:
                raise ConfigError(
                    f"found target {target} in {found[target].rpartition('#')[0]} and in {name}, "
                    "allowed: one of them (see pattern)"
                )
            found[target] = f"{name}#{target}"
    return dict(sorted(found.items()))


def _targets(hdus: "fits.HDUList") -> list[str]:
    fibres = _table(hdus, "FIBERMAP")
    kept = np.ones(len(fibres), bool)
    if "OBJTYPE" in fibres.names:
        kept = np.char.strip(np.asarray(fibres["OBJTYPE"]).astype(str)) == "TGT"
    return [str(t) for t in np.unique(np.asarray(fibres["TARGETID"])[kept])]


def desi_facts(path: Path, members: Collection[str], options: Any) -> dict[str, list[Any]]:
    """Positions from the map of fibres; redshifts stand in other files."""

    def use(hdus: "fits.HDUList") -> dict[str, tuple[float, float]]:
        fibres = _table(hdus, "FIBERMAP")
        rows = zip(fibres["TARGETID"], fibres["TARGET_RA"], fibres["TARGET_DEC"], strict=True)
        return {str(target): (float(ra), float(dec)) for target, ra, dec in rows}

    files = {member.rpartition("#")[0] for member in members}
    found = {n: {} if isinstance(f, UnreadableError) else f for n, f in _opened(path, files, use)}
    places = [member.rpartition("#") for member in members]
    rows = [found[name].get(target, (np.nan, np.nan)) for name, _, target in places]
    return {"ra_deg": [ra for ra, _ in rows], "dec_deg": [dec for _, dec in rows]}


def desi_read(
    path: Path, members: Collection[str], options: Any
) -> Iterator[tuple[str, Spectrum | UnreadableError]]:
    """All arms and all exposures of a target, as one spectrum; what MASK marks has ivar 0."""
    wanted: dict[str, set[str]] = {}
    for member in members:
        name, _, target = member.rpartition("#")
        wanted.setdefault(name, set()).add(target)
    for name, arms in _opened(path, wanted, _arms):
        for target in sorted(wanted[name]):
            if isinstance(arms, UnreadableError):
                yield f"{name}#{target}", arms
            else:
                yield f"{name}#{target}", _of_target(int(target), *arms)


def _arms(hdus: "fits.HDUList") -> tuple[np.ndarray, list[tuple[np.ndarray, ...]]]:
    """TARGETID of each row, and wavelength, flux, ivar of each arm."""
    arms = []
    for arm in (a for a in ARMS if f"{a}_FLUX" in hdus):
        ivar = _native(hdus[f"{arm}_IVAR"].data)
        if f"{arm}_MASK" in hdus:
            ivar = np.where(hdus[f"{arm}_MASK"].data == 0, ivar, 0.0)
        flux = _native(hdus[f"{arm}_FLUX"].data)
        arms.append((_native(hdus[f"{arm}_WAVELENGTH"].data), flux, ivar))
    if not arms:
        wanted = ", ".join(f"{arm}_FLUX" for arm in ARMS)
        raise UnreadableError(f"found none of the extensions {wanted}, allowed: one or more")
    return np.asarray(_table(hdus, "FIBERMAP")["TARGETID"]), arms


def _of_target(target: int, targets: np.ndarray, arms: list[tuple[np.ndarray, ...]]) -> Spectrum:
    rows = np.flatnonzero(targets == target)
    parts = [(wave, flux[i], ivar[i]) for wave, flux, ivar in arms for i in rows]
    wavelength, flux, ivar = (np.concatenate(column) for column in zip(*parts, strict=True))
    return wavelength, flux, ivar


# ---- tables


def _layout(options: Any) -> long_tables.Layout:
    columns = (options.wavelength_column, options.flux_column, options.error_column)
    return long_tables.Layout(options.id_column, tuple(c for c in columns if c))


def table_members(path: Path, pattern: str, options: Any) -> dict[str, str]:
    """Ids of a long table, or names of files, as for light curves."""
    return long_tables.members(path, _layout(options), pattern)


def table_facts(path: Path, members: Collection[str], options: Any) -> dict[str, list[Any]]:
    """Nothing besides."""
    return {}


def table_read(
    path: Path, members: Collection[str], options: Any
) -> Iterator[tuple[str, Spectrum | UnreadableError]]:
    """Inverse variances from errors; 1 where there is no column of errors."""
    for member, found in long_tables.read(path, _layout(options), members):
        yield member, found if isinstance(found, UnreadableError) else _of_table(found, options)


def _of_table(found: Mapping[str, np.ndarray], options: Any) -> Spectrum:
    flux = found[options.flux_column]
    ivar = np.ones(len(flux))
    if options.error_column:
        error = found[options.error_column]
        ivar = np.where(error > 0, 1 / np.where(error > 0, error, 1) ** 2, 0.0)
    return found[options.wavelength_column] * options.angstrom_per_unit, flux, ivar


LAYOUTS = {
    "sdss": Layout(sdss_members, sdss_facts, sdss_read, SDSS_FACTS),
    "desi": Layout(desi_members, desi_facts, desi_read, ("ra_deg", "dec_deg")),
    "table": Layout(table_members, table_facts, table_read, ()),
}
