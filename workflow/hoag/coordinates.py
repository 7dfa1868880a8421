"""Sky coordinates and identifiers in catalogues: the names and units that surveys give them.

Coordinates are taken as ICRS (FK5 J2000 differs from it by less than 0.03 arcsec); catalogues
in other frames, such as B1950 or Galactic, have to be converted first.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hoag.options import ConfigError

# In order of preference; names count without case, blanks, brackets and underscores, except a
# leading underscore, by which VizieR tells its own columns from the authors'.
ID_NAMES = (
    "object_id",
    "HSC_object_id",
    "objectId",
    "coadd_object_id",
    "coadd_objects_id",
    "source_id",
    "diaObjectId",
    "ls_id",
    "objID",
    "obj_id",
    "id",
    "targetid",
    "specObjID",
    "dr8objid",
    "dr7objid",
    "galaxy_id",
    "gal_id",
    "asset_id",
    "cat_id",
    "catalog_id",
    "gaia_id",
    "main_id",
    "iauname",
    "designation",
    "source_name",
    "src_name",
    "object_name",
    "name",
    "object",
    "number",
)

# Right ascension, and the declinations that belong to it: a pair is always taken from one row.
POSITION_NAMES = (
    ("ra", ("dec", "de", "decl", "declination")),
    ("ra_deg", ("dec_deg", "de_deg")),
    ("right_ascension", ("declination",)),
    ("RA_ICRS", ("DE_ICRS", "Dec_ICRS")),
    ("RAJ2000", ("DEJ2000", "DecJ2000")),
    ("_RAJ2000", ("_DEJ2000",)),
    ("_RA_ICRS", ("_DE_ICRS",)),
    ("_RA", ("_DE", "_Dec")),
    ("RA2000", ("Dec2000", "DE2000")),
    ("ALPHA_J2000", ("DELTA_J2000",)),
    ("ALPHAWIN_J2000", ("DELTAWIN_J2000",)),
    ("ALPHAPEAK_J2000", ("DELTAPEAK_J2000",)),
    ("ALPHA_SKY", ("DELTA_SKY",)),
    ("raMean", ("decMean",)),
    ("raStack", ("decStack",)),
    ("meanra", ("meandec",)),
    ("coord_ra", ("coord_dec",)),
    ("i_ra", ("i_dec",)),
    ("target_ra", ("target_dec",)),
    ("plug_ra", ("plug_dec",)),
    ("obj_ra", ("obj_dec",)),
    ("ra_1", ("dec_1",)),
    ("x_world", ("y_world",)),
    ("alpha", ("delta",)),
    ("ra_rad", ("dec_rad", "de_rad")),
    ("ra_hours", ("dec_deg", "dec")),
)

_HOUR, _RADIAN = 15.0, float(np.rad2deg(1.0))
UNITS_DEG = {
    **dict.fromkeys(("deg", "degree", "degrees", "d", "°"), 1.0),
    **dict.fromkeys(("d:m:s", "dms"), 1.0),
    **dict.fromkeys(("rad", "radian", "radians"), _RADIAN),
    **dict.fromkeys(("hourangle", "h", "hr", "hour", "hours", "h:m:s", "hms"), _HOUR),
    "arcmin": 1 / 60,
    "arcsec": 1 / 3600,
    "mas": 1 / 3_600_000,
}

RA_LIMITS_DEG = (-180.0, 360.0)
DEC_LIMITS_DEG = (-90.0, 90.0)

_SEXAGESIMAL = (
    r"^\s*(?P<sign>[+-]?)\s*(?P<whole>\d{1,3})\s*(?P<mark>[:hHdD°\s])\s*"
    r"(?:(?P<minutes>\d{1,2})\s*[:mM'′\s]\s*(?P<seconds>\d{1,2}(?:\.\d*)?)\s*(?:[sS\"″]|'')?"
    r"|(?P<only_minutes>\d{1,2}(?:\.\d*)?)\s*[mM'′]?)\s*$"
)


def find_id(columns: Iterable[str]) -> str | None:
    """The column that holds the identifiers, or None: the first of `ID_NAMES` that exists."""
    known = _by_key(columns)
    return next((known[_key(n)] for n in ID_NAMES if _key(n) in known), None)


def find_position(
    columns: Sequence[str], *, ra_column: str | None = None, dec_column: str | None = None
) -> tuple[str | None, str | None]:
    """The columns of right ascension and declination, or (None, None).

    Parameters
    ----------
    columns
        All columns, in their order.
    ra_column, dec_column
        Names given by the user (they must exist). With one of them given, the other is the one
        that `POSITION_NAMES` puts beside it, or else the first of its kind.

    Notes
    -----
    Both come from the first row of `POSITION_NAMES` of which both exist; where two columns
    differ only in case, the first is taken.
    """
    if ra_column and dec_column:
        return ra_column, dec_column
    known = _by_key(columns)
    pairs = [
        (known.get(_key(ra)), known.get(_key(dec))) for ra, decs in POSITION_NAMES for dec in decs
    ]
    if ra_column:
        partners = [d for r, d in pairs if r == ra_column and d] or [d for _, d in pairs if d]
        return ra_column, next(iter(partners), None)
    if dec_column:
        partners = [r for r, d in pairs if d == dec_column and r] or [r for r, _ in pairs if r]
        return next(iter(partners), None), dec_column
    return next(((r, d) for r, d in pairs if r and d), (None, None))


def _key(name: str) -> str:
    name = name.strip().lower()
    return ("_" if name.startswith("_") else "") + re.sub(r"[\W_]+", "", name)


def _by_key(columns: Iterable[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for column in columns:
        known.setdefault(_key(column), column)
    return known


def degrees_per_unit(unit: str | None, column: str) -> float:
    """Degrees in one unit of a coordinate column.

    Parameters
    ----------
    unit
        What the file or the user says; None or empty: by the column's name (``ra_rad``,
        ``ra_hours``), otherwise degrees.
    column
        Name of the column.

    Raises
    ------
    ConfigError
        For a unit that is none of `UNITS_DEG`.
    """
    if not unit or not unit.strip():
        named = {"rad": _RADIAN, "hours": _HOUR}
        return named.get(column.lower().rpartition("_")[2], 1.0)
    unit = unit.strip().strip('"')
    factor = UNITS_DEG.get(unit, UNITS_DEG.get(unit.lower()))
    if factor is None:
        raise ConfigError(
            f"column {column!r}: found unit {unit!r}, allowed: deg, rad, hourangle, arcmin, arcsec"
        )
    return factor


def to_degrees(
    values: pd.Series, *, unit: str | None = None, name: str = "", hours: bool = False
) -> np.ndarray:
    """One coordinate column in degrees.

    Parameters
    ----------
    values
        Numbers, text that holds numbers, or sexagesimal text; forms may be mixed.
    unit
        Unit of the numbers (see `degrees_per_unit`).
    name
        Name of the column.
    hours
        Sexagesimal text counts in hours (right ascension), whatever the unit of the numbers,
        unless it or its unit says degrees (``185d12m``, ``d:m:s``).

    Returns
    -------
    (n,) float64 in degrees, not yet limited to any range; NaN where the value is null or where
    text can't be read.
    """
    factor = degrees_per_unit(unit, name)
    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        text = pa.array(values.astype("str"), pa.string(), from_pandas=True)
        in_degrees = (unit or "").strip().strip('"').lower() in ("d:m:s", "dms")
        out = sexagesimal(text, hours=hours and not in_degrees)
        rest = np.isnan(out) & values.notna().to_numpy()
        if rest.any():
            out[rest] = _numbers(values[rest]) * factor
        return out
    return values.to_numpy(dtype=np.float64, na_value=np.nan) * factor


def _numbers(text: pd.Series) -> np.ndarray:
    return pd.to_numeric(text.astype("str").str.strip(), errors="coerce").to_numpy(np.float64)


def sexagesimal(text: pa.Array | Sequence[str | None], *, hours: bool) -> np.ndarray:
    """Sexagesimal text in degrees, all rows at once.

    Parameters
    ----------
    text
        ``12:34:56.7``, ``12h34m56.7s``, ``+01 02 03``, ``-0d30m`` and the like; seconds may be
        missing. Minutes run to 59, seconds to 60.
    hours
        The first number counts hours where no letter says which (``h``, ``d``).

    Returns
    -------
    (n,) float64 in degrees, NaN where the text is null or of another form.
    """
    text = pc.replace_substring(pa.array(text, pa.string()), "\N{MINUS SIGN}", "-")
    parts = pc.extract_regex(text, _SEXAGESIMAL)
    whole, minutes, seconds, only = (
        _part(parts, p) for p in ("whole", "minutes", "seconds", "only_minutes")
    )
    minutes = minutes + only  # one of the two is zero
    value = whole + minutes / 60 + seconds / 3600
    value[(minutes >= 60) | (seconds > 60)] = np.nan
    in_hours = _is_in(parts, "mark", "hH") | (hours & ~_is_in(parts, "mark", "dD°"))
    value[_is_in(parts, "sign", "-")] *= -1
    return value * np.where(in_hours, _HOUR, 1.0)


def _part(parts: pa.Array, name: str) -> np.ndarray:
    column = pc.struct_field(parts, name)
    column = pc.if_else(pc.equal(column, ""), "0", column)
    return pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False).copy()


def _is_in(parts: pa.Array, name: str, letters: str) -> np.ndarray:
    found = pc.is_in(pc.struct_field(parts, name), pa.array(list(letters)))
    return found.to_numpy(zero_copy_only=False)


def wrap_ra(ra_deg: np.ndarray) -> np.ndarray:
    """Right ascension in [0, 360) deg; NaN stays NaN."""
    wrapped = np.mod(ra_deg, 360.0)
    return np.where(wrapped >= 360.0, 0.0, wrapped)  # a tiny negative number rounds up to 360


def position_names(ra_deg: np.ndarray, dec_deg: np.ndarray, *, digits: int = 1) -> list[str]:
    """Names from positions in the IAU's style, ``J123456.78+012345.6``.

    Parameters
    ----------
    ra_deg, dec_deg
        (n,) float64 in [0, 360) and [-90, 90] deg, finite.
    digits
        Decimals of the arcseconds; the seconds of time get one more.

    Notes
    -----
    Digits are cut off, not rounded, as the IAU's recommendations for names of sources ask; 1e-7 s
    are added first, so that a written coordinate such as 56.78 s doesn't turn into 56.77.
    """
    scale = 10**digits
    ra = np.floor((ra_deg * 240 + 1e-7) * scale * 10).astype(np.int64) % (864_000 * scale)
    dec = np.floor((np.abs(dec_deg) * 3600 + 1e-6) * scale).astype(np.int64)
    sign = np.where(dec_deg < 0, "-", "+")
    form = f"J%02d%02d%02d.%0{digits + 1}d%s%02d%02d%02d.%0{digits}d"
    columns = (*_split(ra, 10 * scale), sign, *_split(dec, scale))
    return [form % row for row in zip(*(c.tolist() for c in columns), strict=True)]


def _split(value: np.ndarray, scale: int) -> tuple[np.ndarray, ...]:
    seconds, fraction = np.divmod(value, scale)
    minutes, second = np.divmod(seconds, 60)
    return (*np.divmod(minutes, 60), second, fraction)
