"""Columns and documents of the Virtual Observatory that `soda` sends.

Sources: IVOA ObsCore 1.1 (columns), VOSI 1.1 (capabilities), DataLink 1.0 (its table and service
descriptors), SODA 1.0 (the descriptor's parameters).
"""

import csv as csv_module
import io
import json
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from starlette.responses import Response
from tests.servers._tiles import Grid

BANDS = {  # band -> (shortest, longest wavelength in m, name)
    **{"u": (3.3e-7, 4.0e-7, "u"), "g": (4.0e-7, 5.5e-7, "g"), "r": (5.5e-7, 7.0e-7, "r")},
    **{"i": (6.9e-7, 8.2e-7, "i"), "z": (8.2e-7, 9.2e-7, "z"), "y": (9.2e-7, 1.1e-6, "y")},
    **{"v": (5.5e-7, 9.0e-7, "VIS"), "radio": (0.075, 0.15, "S")},
}


@dataclass(frozen=True)
class Collection:
    """Tiles of a survey; ``did`` is the pattern of their publisher's IDs."""

    bands: tuple[str, ...]
    scale_arcsec: float
    size_px: int
    zero_point: float
    did: str
    datalink: bool = False

    @property
    def grid(self) -> Grid:
        """The tiles."""
        return Grid(self.size_px, self.scale_arcsec)

    def has(self, did: str) -> bool:
        """Whether an ID is one of its own."""
        return did.startswith(self.did.split("{")[0])


DP1 = "ivo://org.rubinobs/lsst-dp1?repo=dp1&id={}"
COLLECTIONS = {
    "LSST.DP1": Collection(tuple("ugrizy"), 0.2, 3400, 31.4, DP1, datalink=True),
    "euclid_DpdMerBksMosaic": Collection(("v",), 0.1, 4000, 24.6, "ivo://irsa.ipac/euclid?{}"),
    "VLASS": Collection(("radio",), 1.0, 3722, 22.5, "nrao:VLASS/{}.fits"),
}
FIELDS = (
    *(("dataproduct_type", "char", "meta.id"), ("calib_level", "int", "meta.code;obs.calib")),
    *(("obs_collection", "char", "meta.id"), ("obs_id", "char", "meta.id")),
    *(("obs_publisher_did", "char", "meta.ref.ivoid"), ("access_url", "char", "meta.ref.url")),
    *(("access_format", "char", "meta.code.mime"), ("s_ra", "double", "pos.eq.ra")),
    *(("s_dec", "double", "pos.eq.dec"), ("s_fov", "double", "phys.angSize;instr.fov")),
    *(("s_pixel_scale", "double", "phys.angSize;instr.pixel"), ("em_min", "double", "em.wl")),
    *(("em_max", "double", "em.wl"), ("instrument_name", "char", "meta.id;instr")),
    *(("lsst_band", "char", "instr.bandpass"), ("energy_bandpassname", "char", "instr.bandpass")),
    ("cloud_access", "char", ""),
)
UTYPES = {
    "obs_publisher_did": "obscore:Curation.PublisherDID",
    "access_url": "obscore:Access.Reference",
    "access_format": "obscore:Access.Format",
}
LINK_FIELDS = (
    *(("ID", "char", "meta.id;meta.main"), ("access_url", "char", "meta.ref.url")),
    *(("service_def", "char", "meta.ref"), ("error_message", "char", "meta.code.error")),
    *(("description", "char", "meta.note"), ("semantics", "char", "meta.code")),
    *(
        ("content_type", "char", "meta.code.mime"),
        ("content_length", "char", "phys.size"),
    ),
)
CAPABILITIES = """<?xml version="1.0" encoding="UTF-8"?>
<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0"
 xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<capability standardID="ivo://ivoa.net/std/SIA#query-2.0">
<interface xsi:type="vs:ParamHTTP" role="std" version="2.0">
<accessURL use="base">{url}</accessURL></interface></capability></vosi:capabilities>
"""
SERVICE = """<RESOURCE type="meta" utype="adhoc:service" ID="cutout-sync">
<PARAM name="standardID" datatype="char" arraysize="*" value="ivo://ivoa.net/std/SODA#sync-1.0"/>
<PARAM name="accessURL" datatype="char" arraysize="*" value="{url}"/>
<GROUP name="inputParams">
<PARAM name="ID" datatype="char" arraysize="*" value="{did}" ucd="meta.id;meta.main"/>
<PARAM name="POS" datatype="char" arraysize="*" value="" ucd="pos.outline;obs"/>
<PARAM name="CIRCLE" datatype="double" arraysize="3" xtype="circle" unit="deg" value=""
 ucd="pos.outline;obs"/>
</GROUP></RESOURCE>
"""


def csv(fields, rows) -> Response:
    """The rows as CSV with a line of names."""
    names, text = [name for name, _, _ in fields], io.StringIO()
    writer = csv_module.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Response(text.getvalue(), media_type="text/csv")


def region(get: dict[str, str]) -> tuple[float, float, float, float]:
    """RA, Dec, half the width and half the height in degrees of POS, CIRCLE or POLYGON's box."""
    kind, *words = (get["pos"] if "pos" in get else f"CIRCLE {get.get('circle', '')}").split()
    if "polygon" in get:
        kind, words = "POLYGON", get["polygon"].split()
    numbers = [float(word) for word in words]
    if kind.upper() == "CIRCLE" and len(numbers) == 3:
        return numbers[0], numbers[1], numbers[2], numbers[2]
    if kind.upper() == "POLYGON" and len(numbers) >= 6 and len(numbers) % 2 == 0:
        ra, dec = np.array(numbers[::2]), np.array(numbers[1::2])
        middle = (ra.min() + ra.max()) / 2, (dec.min() + dec.max()) / 2
        half = np.ptp(ra) / 2 * np.cos(np.deg2rad(middle[1])), np.ptp(dec) / 2
        return (*map(float, middle), *map(float, half))
    raise ValueError(f"{kind} with {len(numbers)} numbers")


def row(base: str, name: str, band: str, tile) -> dict[str, object]:
    """What a search says about a tile."""
    kind, dataset = COLLECTIONS[name], f"{band}-{tile.row}-{tile.column}"
    did = kind.did.format(dataset)
    access = f"{base}files/{dataset}.fits", "image/fits"
    if kind.datalink:
        link = f"{base}api/datalink/links?ID={quote(did, safe='')}"
        access = link, "application/x-votable+xml;content=datalink"
    cloud = {"bucket_name": "nasa-irsa-euclid-q1", "region": "us-east-1"}
    return {
        **{"dataproduct_type": "image", "calib_level": 3, "obs_collection": name},
        **{"obs_id": f"{tile.row}-{tile.column}", "obs_publisher_did": did},
        **{"access_url": access[0], "access_format": access[1]},
        **{"s_ra": tile.ra_deg, "s_dec": tile.dec_deg},
        **{"s_fov": kind.size_px * kind.scale_arcsec / 3600, "s_pixel_scale": kind.scale_arcsec},
        **{"em_min": BANDS[band][0], "em_max": BANDS[band][1], "instrument_name": name},
        **{"lsst_band": band, "energy_bandpassname": BANDS[band][2]},
        "cloud_access": json.dumps({"aws": cloud | {"key": f"q1/MER/{dataset}.fits"}}),
    }
