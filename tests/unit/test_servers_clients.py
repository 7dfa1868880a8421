"""Clients that others wrote, against the stand-in servers; skipped where they aren't installed."""

import io

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Angle, Latitude, Longitude, SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from tests.servers import Sky, make, serving

SKY = Sky(footprint=(149.0, 151.0, 1.0, 3.0))
PLACE = SkyCoord(150.001, 2.201, unit="deg")


@pytest.fixture
def server(request):
    with serving(make(request.param, SKY)) as url:
        yield url


def of(service):
    return pytest.mark.parametrize("server", [service], indirect=True)


@of("hips")
def test_astroquery_reads_hips2fits(server):
    module = pytest.importorskip("astroquery.hips2fits")
    client = module.hips2fitsClass()
    client.server = f"{server}/hips-image-services/hips2fits"
    name = "CDS/P/PanSTARRS/DR1/r"
    asked = {"ra": Longitude(PLACE.ra), "dec": Latitude(PLACE.dec), "fov": Angle(0.01 * u.deg)}
    (hdu,) = client.query(name, 64, 48, "TAN", **asked)
    assert hdu.data.shape == (48, 64)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ("RA---TAN", "DEC--TAN"), (150.001, 2.201)
    wcs.wcs.crpix, wcs.wcs.cdelt = (16.5, 10.5), (-0.25 / 3600, 0.25 / 3600)
    wcs.pixel_shape = 32, 20
    (hdu,) = client.query_with_wcs(name, wcs)
    np.testing.assert_allclose(WCS(hdu.header).wcs.crval, wcs.wcs.crval)
    own = SKY.image(wcs, (20, 32), "r", zero_point=25.0)
    np.testing.assert_allclose(hdu.data, own, rtol=1e-3, atol=1e-4)
    picture = client.query("CDS/P/PanSTARRS/DR1/color-i-r-g", 64, 48, "TAN", format="jpg", **asked)
    assert picture.shape == (48, 64, 3)
    with pytest.raises(AttributeError, match="Unknown HiPS"):
        client.query("CDS/P/none", 64, 48, "TAN", **asked)


@of("hips")
def test_mocpy_reads_the_coverage(server):
    mocpy = pytest.importorskip("mocpy")
    httpx = pytest.importorskip("httpx")
    query = "/MocServer/query?ID=CDS/P/PanSTARRS/DR1/r&get=smoc&order=6&fmt=json"
    moc = mocpy.MOC.from_json(httpx.get(server + query).json())
    inside = moc.contains_lonlat(np.array([150, 149.1, 160, 150]) * u.deg, [2, 2.9, 2, 5] * u.deg)
    assert inside.tolist() == [True, True, False, False]


@of("datalab")
def test_pyvo_searches_and_fetches_with_sia(server):
    dal = pytest.importorskip("pyvo.dal")
    service = dal.SIAService(f"{server}/sia/des_dr2")
    fov = 0.005
    table = service.search((150.001, 2.201), (fov / np.cos(np.deg2rad(2.201)), fov), verbosity=2)
    stacks = [r for r in table if (r["proctype"], r["prodtype"]) == ("Stack", "image")]
    assert {record["obs_bandpass"] for record in stacks} == set("grizY")
    with fits.open(io.BytesIO(stacks[0].getdataset().read())) as hdus:
        assert max(hdus[0].shape) == 68


@of("soda")
def test_pyvo_finds_with_sia2_and_cuts_with_soda(server):
    dal = pytest.importorskip("pyvo.dal")
    service = dal.SIA2Service(f"{server}/api/sia/dp1")
    (record, *_) = service.search(pos=(PLACE, 0.001 * u.deg))
    assert record.obs_publisher_did.startswith("ivo://org.rubinobs/lsst-dp1?repo=dp1&id=")
    circle = (PLACE.ra.deg, PLACE.dec.deg, 0.002) * u.deg
    with fits.open(io.BytesIO(record.processed(circle=circle).read())) as hdus:
        assert hdus["IMAGE"].shape == (73, 73)
    found = dal.SIA2Service(f"{server}/SIA", check_baseurl=False).search(
        pos=(PLACE, 0.001 * u.deg), collection="euclid_DpdMerBksMosaic"
    )
    assert "nasa-irsa-euclid-q1" in found[0]["cloud_access"]


@of("first")
def test_astroquery_reads_first(server):
    module = pytest.importorskip("astroquery.image_cutouts.first")
    exceptions = pytest.importorskip("astroquery.exceptions")
    client = module.FirstClass()
    client.URL = f"{server}/cgi-bin/firstcutout"
    with client.get_images(PLACE, image_size=1.5 * u.arcmin) as hdus:
        assert hdus[0].data.shape == (50, 50)
        np.testing.assert_allclose(hdus[0].header["CRVAL1"], 150.001)
    with pytest.raises(exceptions.InvalidQueryError):
        client.get_images(SkyCoord(10, 10, unit="deg"))


@of("skyview")
def test_astroquery_reads_skyview(server):
    module = pytest.importorskip("astroquery.skyview")
    client = module.SkyViewClass()
    client.URL = f"{server}/current/cgi/basicform.pl"
    survey, options = ["VLA FIRST (1.4 GHz)", "SDSSr"], {"cache": False, "show_progress": False}
    images = client.get_images(PLACE, survey, pixels=60, radius=0.02 * u.deg, **options)
    assert [hdus[0].data.shape for hdus in images] == [(60, 60)] * 2
    assert abs(images[0][0].header["CD1_1"]) == pytest.approx(0.04 / 60)
    with pytest.raises(ValueError, match="Survey is not among"):
        client.get_images(PLACE, ["Nothing"], **options)
