"""SQL on the fields and objects of `sdss`, run in SQLite.

Source: SkyServer's schema browser (Field, Frame, PhotoPrimary; fGetNearestFrameEq(ra, dec, zoom),
fGetNearbyFrameEq(ra, dec, arcmin, zoom), fGetNearestObjEq and fGetNearbyObjEq(ra, dec, arcmin)).
"""

import re
import sqlite3

import numpy as np
from tests.servers._sky import Sky

COLUMNS = "fieldID, run, rerun, camcol, field, ra, dec, raMin, raMax, decMin, decMax"
NEAR = re.compile(r"(?:dbo\.)?fGet(Nearest|Nearby)(Frame|Obj)Eq\(([^()]*)\)", re.IGNORECASE)


def _arcminutes(ra, dec, ra0, dec0) -> float:
    return 60 * float(np.hypot((ra - ra0) * np.cos(np.deg2rad(dec0)), dec - dec0))


def run_sql(table, sky: Sky, text: str):
    """Column names and rows of a query of Field, Frame or PhotoPrimary (the sky's own galaxies)."""
    base = sqlite3.connect(":memory:")
    base.create_function("separation", 4, _arcminutes)
    try:
        base.execute(f"CREATE TABLE Field ({COLUMNS})")
        marks = ",".join("?" * len(COLUMNS.split(",")))
        base.executemany(f"INSERT INTO Field VALUES ({marks})", table)
        base.execute("CREATE VIEW Frame AS SELECT * FROM Field")
        base.execute("CREATE TABLE Galaxies (objID, ra, dec)")
        objects = [(i + 1, g.ra_deg, g.dec_deg) for i, g in enumerate(sky.galaxies)]
        base.executemany("INSERT INTO Galaxies VALUES (?, ?, ?)", objects)
        base.execute(
            "CREATE VIEW PhotoPrimary AS SELECT objID, g.ra, g.dec, run, rerun, camcol, field "
            "FROM Galaxies g JOIN Field f ON g.ra BETWEEN raMin AND raMax "
            "AND g.dec BETWEEN decMin AND decMax GROUP BY objID"
        )
        text = NEAR.sub(_near, text.strip().rstrip(";"))
        if top := re.search(r"\bTOP\s+(\d+)\b", text, re.IGNORECASE):
            text = f"{text.replace(top[0], '', 1)} LIMIT {top[1]}"
        cursor = base.execute(text)
        return [column[0] for column in cursor.description or ()], cursor.fetchall()
    finally:
        base.close()


def _near(found: re.Match) -> str:
    """A function of SkyServer as a query: rows within arcminutes, with ``distance`` to them."""
    which, kind = found[1].lower(), found[2].lower()
    ra, dec, *rest = (part.strip() for part in found[3].split(","))
    away = f"separation(ra, dec, {ra}, {dec})"
    source = "Field" if kind == "frame" else "PhotoPrimary"
    inner = f"SELECT *, {away} AS distance FROM {source}"
    if which == "nearest" and kind == "frame":
        holding = f"({ra}) BETWEEN raMin AND raMax AND ({dec}) BETWEEN decMin AND decMax"
        return f"({inner} WHERE {holding} ORDER BY distance LIMIT 1)"
    limit = "LIMIT 1" if which == "nearest" else ""
    return f"({inner} WHERE {away} <= {rest[0]} ORDER BY distance {limit})"
