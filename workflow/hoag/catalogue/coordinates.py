"""Sky coordinates and identifiers in catalogues: the names and units that surveys give them.

Coordinates are taken as ICRS (FK5 J2000 differs from it by less than 0.03 arcsec); catalogues
in other frames, such as B1950 or Galactic, have to be converted first.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from hoag.options import ConfigError, unknown

# In order of preference; names count without case, blanks, brackets and underscores, except a
# leading underscore, by which VizieR tells its own columns from the authors'.
_IDS = """
    object_id HSC_object_id objectId coadd_object_id coadd_objects_id source_id diaObjectId ls_id
    objID obj_id id targetid specObjID dr8objid dr7objid galaxy_id gal_id asset_id cat_id
    catalog_id gaia_id main_id iauname designation source_name src_name object_name name
    number
"""
INDEX = "__index_level_0__"  # pandas' index without a name, in Parquet; in CSV the name is empty
ID_NAMES = [*_IDS.split(), INDEX]
_SEXTRACTOR = ("alpha", "xworld", "ximage", "xwin")  # columns by which its catalogues are known

# Right ascension, and the declinations that belong to it, in order of preference.
_POSITIONS = """
    ra: dec de decl declination; ra_deg: dec_deg de_deg; right_ascension: declination;
    RA_ICRS: DE_ICRS Dec_ICRS; RAJ2000: DEJ2000 DecJ2000; _RAJ2000: _DEJ2000; _RA_ICRS: _DE_ICRS;
    _RA: _DE _Dec; RA2000: Dec2000 DE2000; ALPHA_J2000: DELTA_J2000;
    ALPHAWIN_J2000: DELTAWIN_J2000; ALPHAPEAK_J2000: DELTAPEAK_J2000; ALPHA_SKY: DELTA_SKY;
    raMean: decMean; raStack: decStack; meanra: meandec; coord_ra: coord_dec; i_ra: i_dec;
    target_ra: target_dec; plug_ra: plug_dec; obj_ra: obj_dec; ra_1: dec_1; x_world: y_world;
    ra_rad: dec_rad de_rad; ra_hours: dec_deg dec
"""
POSITION_NAMES = [
    (ra.strip(), dec)
    for ra, _, decs in (row.partition(":") for row in _POSITIONS.split(";"))
    for dec in decs.split()
]

_HOUR, _RADIAN = 15.0, float(np.rad2deg(1.0))
_SEXAGESIMAL_DEG = ("d:m:s", "dms")
UNITS_DEG = {
    **dict.fromkeys(("deg", "degree", "degrees", "d", "°", *_SEXAGESIMAL_DEG), 1.0),
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
    if not any(key.startswith(_SEXTRACTOR) for key in known):
        known.pop("number", None)  # elsewhere it counts something
    return next((known[_key(n)] for n in ID_NAMES if _key(n) in known), None)


def find_position(
    columns: Iterable[str], *, ra_column: str | None = None, dec_column: str | None = None
) -> tuple[str | None, str | None]:
    """The columns of right ascension and declination; None for what there is not.

    Parameters
    ----------
    columns
        All columns, in their order.
    ra_column, dec_column
        Names given by the user (they must exist). With one of them given, the other is the one
        that `POSITION_NAMES` puts beside it, or else the first of its kind.

    Notes
    -----
    Both are the first pair of `POSITION_NAMES` of which both exist; where two columns differ
    only in case, the first is taken.
    """
    if ra_column and dec_column:
        return ra_column, dec_column
    known = _by_key(columns)
    pairs = [(known.get(_key(ra)), known.get(_key(dec))) for ra, dec in POSITION_NAMES]
    if ra_column:
        partners = [d for r, d in pairs if r == ra_column and d] or [d for _, d in pairs if d]
        return ra_column, next(iter(partners), None)
    if dec_column:
        partners = [r for r, d in pairs if d == dec_column and r] or [r for r, _ in pairs if r]
        return next(iter(partners), None), dec_column
    return next(((r, d) for r, d in pairs if r and d), (None, None))


def find_columns(
    columns: Sequence[str],
    *,
    id_column: str | None,
    ra_column: str | None,
    dec_column: str | None,
    label_column: str | None = None,
    need_position: bool,
    where: str,
) -> tuple[str | None, str | None, str | None]:
    """Columns of identifier, right ascension and declination; None for what there is not.

    ``label_column`` is only looked for.

    Raises
    ------
    ConfigError
        Beginning with ``where``: if a column that the user named doesn't exist, there is only
        one of the two coordinates, or none where ``need_position`` asks for both.
    """
    given = {
        "id_column": id_column,
        "ra_column": ra_column,
        "dec_column": dec_column,
        "label_column": label_column,
    }
    for key, name in given.items():
        if name is not None and name not in columns:
            raise ConfigError(unknown(f"{where}: {key}", name, columns))
    ra, dec = find_position(columns, ra_column=ra_column, dec_column=dec_column)
    if (ra is None) != (dec is None) or (need_position and ra is None):
        missing = " and ".join(k for k, v in (("ra_column", ra), ("dec_column", dec)) if v is None)
        raise ConfigError(unknown(f"{where}: {missing}", None, columns))
    return id_column or find_id(columns), ra, dec


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
    unit = _plain(unit)
    if not unit:
        named = {"rad": _RADIAN, "hours": _HOUR}
        return named.get(column.lower().rpartition("_")[2], 1.0)
    if unit not in UNITS_DEG:
        raise ConfigError(
            f"column {column!r}: found unit {unit!r}, allowed: deg, rad, hourangle, arcmin, arcsec"
        )
    return UNITS_DEG[unit]


def _plain(unit: str | None) -> str:
    return (unit or "").strip().strip('"').lower()


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
    if values.dtype != object and not isinstance(values.dtype, pd.StringDtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan) * factor
    text = values.astype("str").str.strip()
    out = sexagesimal(text, hours=hours and _plain(unit) not in _SEXAGESIMAL_DEG)
    rest = np.isnan(out) & text.notna().to_numpy()
    out[rest] = pd.to_numeric(text[rest], errors="coerce").to_numpy(np.float64) * factor
    return out


def sexagesimal(text: Iterable[str | None], *, hours: bool) -> np.ndarray:
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
    plain = pd.Series(text, dtype="str").str.replace("\N{MINUS SIGN}", "-")
    parts = plain.str.extract(_SEXAGESIMAL)
    names = ["whole", "minutes", "seconds", "only_minutes"]
    whole, minutes, seconds, only = parts[names].astype(np.float64).fillna(0).to_numpy().T
    minutes = minutes + only  # one of the two is zero
    value = whole + minutes / 60 + seconds / 3600
    value[parts["whole"].isna() | (minutes >= 60) | (seconds > 60)] = np.nan
    in_hours = parts["mark"].isin(list("hH")) | (hours & ~parts["mark"].isin(list("dD°")))
    return value * np.where(in_hours, _HOUR, 1.0) * np.where(parts["sign"] == "-", -1, 1)


def wrap_ra(ra_deg: np.ndarray) -> np.ndarray:
    """Right ascension in [0, 360) deg; NaN stays NaN."""
    wrapped = np.mod(ra_deg, 360.0)
    return np.where(wrapped >= 360.0, 0.0, wrapped)  # a tiny negative number rounds up to 360


def position_names(ra_deg: np.ndarray, dec_deg: np.ndarray) -> list[str]:
    """Names from positions in the IAU's style, ``J123456.789+012345.67``: about 0.01 arcsec.

    Parameters
    ----------
    ra_deg, dec_deg
        (n,) float64 in [0, 360) and [-90, 90] deg, finite.

    Notes
    -----
    Digits are cut off, not rounded, as the IAU's recommendations for names of sources ask; 1e-7 s
    are added first, so that a written coordinate such as 56.78 s doesn't turn into 56.77.
    """
    ra = np.floor((ra_deg * 240 + 1e-7) * 1000).astype(np.int64) % 86_400_000
    dec = np.floor((np.abs(dec_deg) * 3600 + 1e-6) * 100).astype(np.int64)
    sign = np.where(dec_deg < 0, "-", "+")
    columns = (*_split(ra, 1000), sign, *_split(dec, 100))
    form = "J%02d%02d%02d.%03d%s%02d%02d%02d.%02d"
    return [form % row for row in zip(*(c.tolist() for c in columns), strict=True)]


def _split(value: np.ndarray, scale: int) -> tuple[np.ndarray, ...]:
    seconds, fraction = np.divmod(value, scale)
    minutes, second = np.divmod(seconds, 60)
    return (*np.divmod(minutes, 60), second, fraction)
