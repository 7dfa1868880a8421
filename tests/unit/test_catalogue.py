"""Catalogues of every format, their identifiers, positions, cuts and faults."""

import gzip
import io

import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import Angle
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from hoag import catalogue, tables
from hoag.catalogue import coordinates
from hoag.options import ConfigError

BIG = [1237648720693755918, 43356908874130036, 9223372036854775807]  # floats would round these


def _table() -> Table:
    table = Table(
        {
            "objid": np.array(BIG),
            "RA": [10.5, 359.25, 0.125] * u.deg,
            "Dec": [-5.5, 0.0, 89.75] * u.deg,
            "i": np.array([20.25, 19.5, 21.0], dtype=np.float32) * u.mag,
            "kind": ["ring", "merger", "arc"],
            "primary": [True, False, True],
        }
    )
    table["count"] = MaskedColumn([2**60 + 1, 0, 3], mask=[False, True, False])
    return table


def _write(table: Table, path) -> None:
    suffix = path.name.split(".", 1)[1]
    if suffix in ("csv", "tsv"):
        table.write(path, format="ascii.csv", delimiter="\t" if suffix == "tsv" else ",")
    elif suffix == "csv.gz":
        text = io.StringIO()
        table.write(text, format="ascii.csv")
        path.write_bytes(gzip.compress(text.getvalue().encode()))
    elif suffix in ("fits", "fits.gz"):
        fits.HDUList([fits.PrimaryHDU(), fits.table_to_hdu(table)]).writeto(path)
    elif suffix == "parquet":
        table.write(path, format="parquet")
    else:
        table.write(path, format="ascii.ecsv" if suffix == "ecsv" else "votable")


FORMATS = ["csv", "csv.gz", "tsv", "fits", "fits.gz", "ecsv", "vot", "xml", "votable", "parquet"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_keeps_columns_and_units(tmp_path, suffix):
    path = tmp_path / f"sample.{suffix}"
    _write(_table(), path)
    frame = catalogue.read(path)
    assert list(frame.columns) == _table().colnames
    assert frame["objid"].astype("str").tolist() == [str(i) for i in BIG]
    np.testing.assert_array_equal(frame["RA"], [10.5, 359.25, 0.125])
    np.testing.assert_array_equal(frame["i"], [20.25, 19.5, 21.0])
    assert frame["kind"].tolist() == ["ring", "merger", "arc"]
    assert frame["primary"].astype(str).tolist() == ["True", "False", "True"]
    assert frame["count"].dtype == "Int64"
    assert frame["count"][0] == 2**60 + 1
    assert frame["count"].isna().tolist() == [False, True, False]
    assert all(d.byteorder in "=|" for d in frame.dtypes if isinstance(d, np.dtype))
    units = {} if suffix[:3] in ("csv", "tsv") else {"RA": "deg", "Dec": "deg", "i": "mag"}
    assert frame.attrs["units"] == units
    some = catalogue.read(path, columns=["Dec", "objid"])
    pd.testing.assert_frame_equal(some, frame[["Dec", "objid"]])
    assert catalogue.count(path) == 3
    assert catalogue.count(path, ["i < 20.5", "primary"]) == 1


@pytest.mark.parametrize("suffix", ["csv", "fits", "ecsv", "parquet"])
def test_unsigned_64_bit_numbers_survive(tmp_path, suffix):
    numbers = np.array([2**64 - 1, 2**63 + 1, 1], dtype=np.uint64)
    path = tmp_path / f"sample.{suffix}"
    _write(Table({"id": numbers, "parent": numbers[::-1], "flux": [1e19, 2e19, 3.5]}), path)
    frame = catalogue.read(path)
    assert frame["parent"].dtype == np.uint64
    np.testing.assert_array_equal(frame["parent"], numbers[::-1])
    np.testing.assert_array_equal(frame["flux"], [1e19, 2e19, 3.5])
    ids = catalogue.prepare(frame).table["object_id"]
    assert ids.tolist() == [str(n) for n in numbers.tolist()]


@pytest.mark.parametrize("suffix", FORMATS)
def test_prepared_ids_are_exact_text_and_the_table_fits_its_schema(tmp_path, suffix):
    path = tmp_path / f"sample.{suffix}"
    _write(_table(), path)
    prepared = catalogue.prepare(catalogue.read(path), need_position=True)
    assert prepared.table["object_id"].tolist() == [str(i) for i in BIG]
    tables.write("catalogue", prepared.table, tmp_path / "out.parquet")
    tables.write("rejects", prepared.rejects, tmp_path / "rejects.parquet")
    again = tables.read("catalogue", tmp_path / "out.parquet")
    assert again["object_id"].tolist() == [str(i) for i in BIG]
    np.testing.assert_array_equal(again["ra_deg"], [10.5, 359.25, 0.125])


def test_formats_are_recognised_by_content(tmp_path):
    for suffix in ("csv", "fits", "ecsv", "vot", "parquet"):
        _write(_table(), tmp_path / f"sample.{suffix}")
        (tmp_path / f"sample.{suffix}").rename(tmp_path / f"{suffix}.dat")
        assert catalogue.read(tmp_path / f"{suffix}.dat")["objid"].astype("str")[0] == str(BIG[0])
    (tmp_path / "ecsv.dat").rename(tmp_path / "really_ecsv.csv")
    assert catalogue.read(tmp_path / "really_ecsv.csv").attrs["units"]["RA"] == "deg"


def _csv(tmp_path, text: str, name: str = "sample.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_csv_keeps_zeros_in_front_of_ids_and_leaves_other_text_alone(tmp_path):
    path = _csv(tmp_path, "name,ra,day,code\n007,1,2020-01-02,01:02\n12,2,2021-01-01,03:04\n")
    frame = catalogue.read(path)
    assert frame["name"].tolist() == ["007", "12"]
    assert frame["day"].tolist() == ["2020-01-02", "2021-01-01"]
    assert frame["code"].tolist() == ["01:02", "03:04"]
    assert catalogue.read(path, id_column="ra")["ra"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    "text",
    [
        "#Table1\nobjid,ra,dec\n5,1.5,2.5\n",
        "# made on a Monday\n#\n# objid,ra,dec\n5,1.5,2.5\n",
        "#objid,ra,dec\n5,1.5,2.5\n",
        "# a, b, c\nobjid,ra,dec\n5,1.5,2.5\n",
        "\ufeffobjid, ra, dec\r\n5, 1.5, 2.5\r\n",
        "objid;ra;dec\n5;1.5;2.5\n",
        "\n\nobjid,ra,dec\n5,1.5,2.5\n\n",
    ],
)
def test_headers_that_archives_write(tmp_path, text):
    frame = catalogue.read(_csv(tmp_path, text))
    assert frame.to_dict("list") == {"objid": ["5"], "ra": [1.5], "dec": [2.5]}


def test_csv_in_latin_1_and_without_a_name_for_a_column(tmp_path):
    frame = catalogue.read(_csv(tmp_path, ",note\n1,Andr\xe9\n".encode("latin-1")))
    assert frame.to_dict("list") == {"__index_level_0__": ["1"], "note": ["André"]}
    frame = catalogue.read(_csv(tmp_path, "note,,id\na,2,7\n"))
    assert frame.to_dict("list") == {"note": ["a"], "column_2": [2], "id": ["7"]}


def test_fits_takes_the_longest_table_with_its_gaps_and_vectors(tmp_path):
    columns = [
        fits.Column("id", "K", array=[1, 2], null=-1),
        fits.Column("u16", "I", array=np.array([7, 65535], np.uint16), bzero=32768, null=32767),
        fits.Column("mags", "3E", array=np.arange(6.0).reshape(2, 3), unit="weird/unit"),
        fits.Column("name", "8A", array=["a  ", ""]),
    ]
    head = fits.BinTableHDU.from_columns([fits.Column("card", "8A", array=["x"])])
    body = fits.BinTableHDU.from_columns(columns)
    fits.HDUList([fits.PrimaryHDU(), head, body]).writeto(tmp_path / "sample.fits")
    frame = catalogue.read(tmp_path / "sample.fits")
    np.testing.assert_array_equal(np.stack(frame["mags"]), [[0, 1, 2], [3, 4, 5]])
    assert frame["name"].tolist() == ["a", ""]
    assert frame.attrs["units"] == {"mags": "weird/unit"}
    assert frame["u16"].isna().tolist() == [False, True]
    tables.write("catalogue", catalogue.prepare(frame).table, tmp_path / "out.parquet")


def test_parquet_units_of_fields_and_ids_in_a_pandas_index(tmp_path):
    frame = pd.DataFrame({"x": [1.0]}, index=pd.Index([BIG[0]], name="id"))
    table = pa.Table.from_pandas(frame)
    field = table.schema.field("x").with_metadata({"unit": "arcsec"})
    table = table.cast(table.schema.set(0, field))
    pq.write_table(table, tmp_path / "sample.parquet")
    read = catalogue.read(tmp_path / "sample.parquet")
    assert read["id"].tolist() == [BIG[0]]
    assert read.attrs["units"] == {"x": "arcsec"}


# ------------------------------------------------------------------------------ names and units


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["object_id", "ra", "dec"], ("object_id", "ra", "dec")),
        (["OBJID", "Ra", "DEC"], ("OBJID", "Ra", "DEC")),
        (["idx", "HSC_object_id", "ra", "dec"], ("HSC_object_id", "ra", "dec")),
        (["source_id", "RAJ2000", "DEJ2000"], ("source_id", "RAJ2000", "DEJ2000")),
        (["RAJ2000", "DEJ2000", "_RAJ2000", "_DEJ2000"], (None, "RAJ2000", "DEJ2000")),
        (["_RAJ2000", "_DEJ2000", "Name"], ("Name", "_RAJ2000", "_DEJ2000")),
        (["NUMBER", "ALPHA_J2000", "DELTA_J2000"], ("NUMBER", "ALPHA_J2000", "DELTA_J2000")),
        (["objID", "raMean", "decMean", "raStack", "decStack"], ("objID", "raMean", "decMean")),
        (["ID", "ra_deg", "dec_deg"], ("ID", "ra_deg", "dec_deg")),
        (["id", "RA (deg)", "Dec (deg)"], ("id", "RA (deg)", "Dec (deg)")),
        (["id", "Right Ascension", "Declination"], ("id", "Right Ascension", "Declination")),
        (["id", "coord_ra", "coord_dec"], ("id", "coord_ra", "coord_dec")),
        (["TARGETID", "TARGET_RA", "TARGET_DEC"], ("TARGETID", "TARGET_RA", "TARGET_DEC")),
        (["specobjid", "objid", "ra", "dec"], ("objid", "ra", "dec")),
        (["name", "id", "ra", "DE"], ("id", "ra", "DE")),
        (["ra", "ALPHA_J2000", "DELTA_J2000"], (None, "ALPHA_J2000", "DELTA_J2000")),
        (["flux", "ra"], (None, None, None)),
        (["mag", "extra", "decay"], (None, None, None)),
    ],
)
def test_columns_are_found_under_the_names_of_surveys(columns, expected):
    assert (coordinates.find_id(columns), *coordinates.find_position(columns)) == expected


def test_columns_can_be_named():
    frame = pd.DataFrame(
        {"id": [1, 2], "key": ["a", "b"], "ra": [1.0, 2.0], "dec": [3.0, 4.0], "lon": [5.0, 6.0]}
    )
    table = catalogue.prepare(frame, id_column="key", ra_column="lon").table
    assert table["object_id"].tolist() == ["a", "b"]
    assert table["ra_deg"].tolist() == [5.0, 6.0]
    assert table["dec_deg"].tolist() == [3.0, 4.0]
    with pytest.raises(ConfigError, match=r"ra_column: found 'lom', .*did you mean 'lon'"):
        catalogue.prepare(frame, ra_column="lom")
    assert coordinates.find_position(["ra", "dec", "raMean", "decMean"], ra_column="raMean") == (
        "raMean",
        "decMean",
    )


@pytest.mark.parametrize(
    ("unit", "per_degree"),
    [(None, 1), ("deg", 1), ("rad", np.pi / 180), ("hourangle", 1 / 15), ("arcsec", 3600)],
)
def test_units_are_honoured(unit, per_degree):
    frame = pd.DataFrame({"ra": np.array([0, 123.456]) * per_degree, "dec": [-45.0, 90.0]})
    frame.attrs["units"] = {"ra": unit}
    table = catalogue.prepare(frame).table
    np.testing.assert_allclose(table["ra_deg"], [0, 123.456], rtol=1e-15)
    given = catalogue.prepare(frame.rename_axis(None), ra_unit=unit, dec_unit="deg").table
    np.testing.assert_array_equal(given["ra_deg"], table["ra_deg"])


def test_unit_in_the_name_and_unknown_units():
    frame = pd.DataFrame({"ra_rad": [np.pi], "dec_rad": [-np.pi / 2]})
    table = catalogue.prepare(frame).table
    assert table[["ra_deg", "dec_deg"]].to_numpy().tolist() == [[180.0, -90.0]]
    frame.attrs["units"] = {"ra_rad": "parsec"}
    with pytest.raises(ConfigError, match="'ra_rad': found unit 'parsec', allowed: deg, rad"):
        catalogue.prepare(frame)


SEXAGESIMAL = [
    "12:34:56.7",
    "12h34m56.7s",
    "12 34 56.78901",
    " 01:02:03 ",
    "+01 02 03",
    "00h00m00.01s",
    "23:59:59.999",
    "5h30m",
    "7:08",
    "12h 34m 56s",
]


@pytest.mark.parametrize("hours", [True, False])
def test_sexagesimal_text_agrees_with_astropy(hours):
    signed = [sign + s.strip().lstrip("+") for s in SEXAGESIMAL for sign in ("", "-")]
    if not hours:
        signed += [s.replace("h", "d") for s in signed if "h" in s]
    found = coordinates.sexagesimal(signed, hours=hours)
    unit = u.hourangle if hours else u.deg
    expected = [Angle(s, unit).to_value(u.deg) for s in signed]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert coordinates.sexagesimal(["-00:30:00"], hours=False)[0] == -0.5


def test_sexagesimal_marks_and_unreadable_text():
    text = ["185d30m", "185°30′00″", "−01:30:00", "12:60:00", "12:34:61", "abc", "12", "", None]
    found = coordinates.sexagesimal(text, hours=True)
    np.testing.assert_array_equal(found[:3], [185.5, 185.5, -22.5])
    assert np.isnan(found[3:]).all()


def test_sexagesimal_columns_from_csv(tmp_path):
    path = _csv(tmp_path, "id,ra,dec\n1,12:34:56,-01:02:03\n2,00:00:01,+10:00:00\n3,7.5,1.25\n")
    table = catalogue.prepare(catalogue.read(path), need_position=True).table
    np.testing.assert_allclose(
        table["ra_deg"], [Angle("12:34:56h").deg, 15 / 3600, 7.5], rtol=1e-15
    )
    np.testing.assert_allclose(table["dec_deg"], [Angle("-01:02:03d").deg, 10.0, 1.25])
    assert table["ra"].tolist() == ["12:34:56", "00:00:01", "7.5"]


# ------------------------------------------------------------------------------------ selecting


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 500
    frame = pd.DataFrame(
        {
            "i": rng.normal(20.3, 0.5, n),
            "r": rng.normal(21, 1, n).astype(np.float32),
            "isprimary": rng.random(n) < 0.8,
            "flag": rng.integers(0, 2, n),
            "flags": rng.integers(0, 8, n),
            "label": rng.choice(["odd", "plain", "star"], n),
            "g-r": rng.normal(0, 1, n),
            "big": rng.integers(2**60, 2**60 + 3, n),
        }
    )
    frame.loc[::7, "i"] = np.nan
    frame.loc[::5, "label"] = None
    frame["gaps"] = pd.array(rng.integers(0, 3, n), dtype="Int64")
    frame.loc[::3, "gaps"] = pd.NA
    frame["group"] = frame["label"].astype("category")
    frame["text_flag"] = np.where(frame["flag"] == 1, "t", "f")
    return frame


CUTS = {
    "20.0 < i < 20.5": lambda f: f.i.gt(20) & f.i.lt(20.5),
    "isprimary": lambda f: f.isprimary,
    "not flag and (r - i) < 1.2": lambda f: f.flag.eq(0) & (f.r - f.i).lt(1.2),
    'label == "odd"': lambda f: f.label.eq("odd"),
    'label != "odd"': lambda f: f.label.ne("odd") & f.label.notna(),
    'label in ["odd", "star"]': lambda f: f.label.isin(["odd", "star"]),
    'label not in ("odd",)': lambda f: ~f.label.isin(["odd"]) & f.label.notna(),
    'group == "odd"': lambda f: f.label.eq("odd"),
    "i != 20 or i == 20": lambda f: f.i.notna(),
    "not i < 20": lambda f: ~f.i.lt(20),
    "isnull(i) or i > 21": lambda f: f.i.isna() | f.i.gt(21),
    "isfinite(i)": lambda f: f.i.notna(),
    "`g-r` < -0.5": lambda f: f["g-r"].lt(-0.5),
    "-i + 2 * r > 21 and abs(r - 21) < 0.5": lambda f: (
        (-f.i + 2 * f.r).gt(21) & (f.r - 21).abs().lt(0.5)
    ),
    "flags & 4 == 0": lambda f: (f["flags"] & 4).eq(0),
    "(flags & 4) | 2 == 2": lambda f: ((f["flags"] & 4) | 2).eq(2),
    "flags % 2 == 1 and flags // 2 > 0 and r ** 2 > 400": lambda f: (
        (f["flags"] % 2).eq(1) & (f["flags"] // 2).gt(0) & (f.r**2).gt(400)
    ),
    f"big == {2**60 + 1}": lambda f: f.big.eq(2**60 + 1),
    "gaps >= 1": lambda f: f.gaps.ge(1).fillna(False).astype(bool),
    "gaps != 1": lambda f: f.gaps.ne(1).fillna(False).astype(bool),
    "gaps": lambda f: f.gaps.fillna(0).ne(0).astype(bool),
    "sqrt(gaps - 1) != 5": lambda f: f.gaps.ge(1).fillna(False).astype(bool),
    "isprimary + flag == 2": lambda f: f.isprimary & f.flag.eq(1),
    "(isprimary) & (flag == 1)": lambda f: f.isprimary & f.flag.eq(1),
    "text_flag": lambda f: f.flag.eq(1),
    "log10(r) < 1.32": lambda f: np.log10(f.r).lt(1.32),
    "isprimary == True": lambda f: f.isprimary,
}


@pytest.mark.parametrize("expression", CUTS)
def test_selection_agrees_with_pandas(sample, expression):
    expected = sample[CUTS[expression](sample)]
    assert 0 < len(expected) < len(sample)
    selected, cuts = catalogue.select(sample, [expression])
    pd.testing.assert_frame_equal(selected, expected)
    assert cuts.to_dict("list") == {
        "cut": [expression],
        "n_before": [len(sample)],
        "n_after": [len(expected)],
    }


def test_cuts_follow_one_another_and_keep_row_numbers_and_units(sample, tmp_path):
    frame = sample.copy()
    frame.attrs["units"] = {"i": "mag"}
    expressions = ["20.0 < i < 20.5", "isprimary", 'label == "odd"']
    selected, cuts = catalogue.select(frame, expressions)
    expected = frame.query("20.0 < i < 20.5 and isprimary and label == 'odd'")
    assert selected.index.tolist() == expected.index.tolist()
    assert selected.attrs["units"] == {"i": "mag"}
    assert cuts["n_before"].tolist()[1:] == cuts["n_after"].tolist()[:-1]
    tables.write("cuts", cuts, tmp_path / "cuts.parquet")
    nothing = catalogue.select(frame, [])[1]
    tables.write("cuts", nothing, tmp_path / "none.parquet")


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("x > 1", [0]),
        ("not x > 1", [1, 2]),
        ("x == x", [0]),
        ("1 / e > 5", [0]),
        ("e / e == 1", [1, 2]),
        ("isnull(e / e)", [0]),
        ("small & 512 == 0 and small + 300 > 301", [1, 2]),
        ("big > 2 ** 15 and big == 18446744073709551615", [0]),
        ("kind == 2", [1]),
        ("isnull(kind)", [2]),
        ("code == 'a'", [0]),
        ("day < '2020-06-01'", [0]),
        ("nothing == 3 or nothing == 'a' or nothing", []),
        ("isnull(nothing + 1)", [0, 1, 2]),
        ("gap", [0]),
        ("-gap < 0", [0]),
        ("(e < 1) == True", [0]),
        ("e in []", []),
        ("e not in [1, 5]", [0, 2]),
        ("0 < e < 2 < 3", [1]),
    ],
)
def test_gaps_types_and_columns_without_a_value(expression, rows):
    frame = pd.DataFrame(
        {
            "x": pd.array([1.5, None, np.nan], dtype="Float64"),
            "e": [0.0, 1.0, 2.0],
            "small": np.array([1, 2, 3], dtype=np.int8),
            "big": np.array([2**64 - 1, 1, 2], dtype=np.uint64),
            "kind": pd.Categorical([1, 2, None]),
            "code": [b"a", b"b", None],
            "day": pd.to_datetime(["2020-01-01", "2021-01-01", None]),
            "nothing": [None] * 3,
            "gap": pd.array([True, None, False], dtype="boolean"),
        }
    )
    assert catalogue.select(frame, [expression])[0].index.tolist() == rows


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("i_mag < 20", r"select 'i_mag < 20': column: found 'i_mag', allowed: big"),
        ("i <", "can't be read"),
        ("class == 'a'", "stands between backticks"),
        ("__import__('os').system('true')", r"found \"__import__"),
        ("i.max() < 3", r"found 'i.max\(\)', allowed: columns, numbers"),
        ("i[0] < 3", r"found 'i\[0\]'"),
        ("exec(i)", r"found 'exec\(i\)'"),
        ("[x for x in i]", "found '"),
        ("(lambda: i)()", "found '"),
        ("i is None", "found 'i is None'"),
        ("i < None", "found 'None'"),
        ("i if flag else r", "found '"),
        ("(y := i) < 3", "found '"),
        ("f'{i}' == 'a'", "found "),
        ("r - i", "found 'r - i', allowed: something that is true or false"),
        ("~flag", "found '~flag', allowed: something that is true"),
        ("i < 2 ** 999 ** 9", "allowed: an exponent"),
        ("i in r", "found 'r', allowed: a list of values"),
        ("sqrt(4) < i", "found '4', allowed: something with a column in it"),
        ("i in [r]", r"found '\[r\]', allowed: numbers or text in a list"),
        ("1 < 2", "column: found None, allowed: big"),
        ("label < 3", "found text compared with a number"),
        ("i in ['a']", "found text compared with a number"),
        ("label + 1 > 2", "found text in arithmetic"),
        ("label", "column 'label' holds text"),
        ("i & 3 == 1", "can't be evaluated"),
    ],
)
def test_expressions_that_are_not_allowed(sample, expression, message):
    with pytest.raises(ConfigError, match=message) as caught:
        catalogue.select(sample, [expression])
    assert str(caught.value).startswith("select ")
    assert "\n" not in str(caught.value)


def test_expressions_are_checked_without_data():
    catalogue.check_expressions(["20 < i < 21", "`g-r` > 0 and isnull(i)"], ["i", "g-r"])
    with pytest.raises(ConfigError, match=r"found 'imag', allowed: i_mag, z; did you mean 'i_mag'"):
        catalogue.check_expressions(["imag < 3"], ["z", "i_mag"])


# -------------------------------------------------------------------------------------- counting


def test_count_agrees_with_select(tmp_path, sample):
    frame = sample.drop(columns="group").assign(id=range(len(sample)))
    frame.to_csv(tmp_path / "s.csv", index=False)
    frame.to_parquet(tmp_path / "s.parquet")
    expressions = ["20.0 < i < 20.5", "isprimary"]
    expected = len(catalogue.select(frame, expressions)[0])
    assert catalogue.count(tmp_path / "s.csv", expressions) == expected
    assert catalogue.count(tmp_path / "s.parquet", expressions) == expected
    assert catalogue.count(tmp_path / "s.parquet") == len(frame)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("header.csv", b"id,ra,dec\n", "found no rows, allowed: at least one"),
        ("comments.csv", b"# nothing\n# here\n", "found no header line"),
        ("numbers.csv", b"1,2,3\n4,5,6\n", "found numbers in the first line"),
        ("ragged.csv", b"id,ra\n1,2\n3\n", r"can't be read as CSV \("),
        ("twice.csv", b"id,ra,ra\n1,2,3\n", "found two columns named 'ra'"),
        ("text.fits", b"not a FITS file", r"can't be read as FITS \("),
        ("text.parquet", b"not a Parquet file", r"can't be read as Parquet \("),
        ("text.vot", b"<html></html>", r"can't be read as VOTable \("),
        ("text.ecsv", b"a b\n1 2\n", r"can't be read as ECSV \("),
        ("cut.csv.gz", gzip.compress(b"id,ra\n" + b"1,2\n" * 9)[:-9], "can't be read as"),
        ("what.bin", b"\0\1\2", "allowed: CSV, FITS, ECSV, VOTable, Parquet"),
    ],
)
def test_structural_faults_are_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    for look in (catalogue.count, catalogue.read):
        with pytest.raises(ConfigError, match=message) as caught:
            look(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_missing_files_folders_columns_and_images(tmp_path):
    path = _csv(tmp_path, "id,mag\n1,20\n2,21\n")
    with pytest.raises(ConfigError, match=r"sampel.csv: no such file; did you mean 'sample.csv'"):
        catalogue.count(tmp_path / "sampel.csv")
    with pytest.raises(ConfigError, match="found a folder"):
        catalogue.count(tmp_path)
    with pytest.raises(
        ConfigError, match="column: found 'mags', allowed: id, mag; did you mean 'mag'"
    ):
        catalogue.read(path, columns=["mags"])
    with pytest.raises(ConfigError, match="id_column: found 'objid', allowed: id, mag"):
        catalogue.count(path, id_column="objid")
    with pytest.raises(ConfigError, match="ra_column and dec_column: found None, allowed: id, mag"):
        catalogue.count(path, need_position=True)
    with pytest.raises(ConfigError, match="dec_column: found None, allowed: id, mag"):
        catalogue.count(path, ra_column="mag")
    with pytest.raises(ConfigError, match="select leaves none of 2 rows: mag > 30"):
        catalogue.count(path, ["mag > 30"])
    fits.writeto(tmp_path / "image.fits", np.zeros((4, 4)))
    with pytest.raises(ConfigError, match="found no table in this FITS file"):
        catalogue.count(tmp_path / "image.fits")
    with pytest.raises(ConfigError, match="found unit 'pc', allowed: deg"):
        catalogue.count(_csv(tmp_path, "id,ra,dec\n1,2,3\n", "u.csv"), ra_unit="pc")


@pytest.mark.parametrize(
    "ids",
    [
        np.array([1.0, 2.0**53]),
        np.array([1.0, 2.0**24], dtype=np.float32),
        np.array([1.0, 2.5]),
        np.array([1.0, np.inf]),
        np.array(["1.23764872069376e+18", "1.2e18"]),
        np.array(["1237648720693755904.0", "2.0"]),
    ],
)
def test_rounded_ids_stop_the_run_while_planning(tmp_path, ids):
    frame = pd.DataFrame({"objid": ids, "x": 1})
    frame.to_parquet(tmp_path / "sample.parquet")
    for look in (
        lambda: catalogue.count(tmp_path / "sample.parquet"),
        lambda: catalogue.prepare(frame),
    ):
        with pytest.raises(
            ConfigError, match="column 'objid': found identifiers that are not whole"
        ):
            look()


# ------------------------------------------------------------------------------------- preparing


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 2.0**53 - 1], ["3", "9007199254740991"]),
        (["3.0", "17.00"], ["3", "17"]),
        (["1.10", "1.1"], ["1.10", "1.1"]),
        ([" a ", "b"], ["a", "b"]),
        ([b"a", b"b"], ["a", "b"]),
        (np.array([3, 4], dtype=">i8").astype("i8"), ["3", "4"]),
        (pd.array([BIG[0], 2], dtype="Int64"), [str(BIG[0]), "2"]),
        (pd.Categorical(["x", "y"]), ["x", "y"]),
        ([2**64 - 1, 5], ["18446744073709551615", "5"]),
    ],
)
def test_ids_become_text(values, expected):
    prepared = catalogue.prepare(pd.DataFrame({"id": values}))
    assert prepared.table["object_id"].tolist() == expected


def test_right_ascension_wraps():
    frame = pd.DataFrame({"id": range(5), "ra": [-180, -0.5, 360.0, -1e-20, 0.0], "dec": 0.0})
    table = catalogue.prepare(frame).table
    assert table["ra_deg"].tolist() == [180.0, 359.5, 0.0, 0.0, 0.0]
    assert table["ra"].tolist() == frame["ra"].tolist()


def _faulty() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["a", "b", "c", "d", "e", None, "g", "h"],
            "ra": [1.0, 400.0, -180.5, np.nan, np.nan, 1.0, np.inf, 2.0],
            "dec": [1.0, 0.0, 0.0, 5.0, np.nan, 1.0, 0.0, -90.5],
        },
        index=range(100, 108),
    )


def test_rows_that_cannot_be_used_go_to_the_rejects(tmp_path):
    prepared = catalogue.prepare(_faulty(), need_position=True)
    assert prepared.table["object_id"].tolist() == ["a"]
    reasons = dict(zip(prepared.rejects["row"], prepared.rejects["reason"], strict=True))
    assert reasons == {
        101: "ra: found 400 deg, allowed: -180..360 deg",
        102: "ra: found -180.5 deg, allowed: -180..360 deg",
        103: "ra: found nothing, allowed: both coordinates",
        104: "ra: found nothing, allowed: both coordinates",
        105: "id: found nothing, allowed: an identifier",
        106: "ra: found inf deg, allowed: -180..360 deg",
        107: "dec: found -90.5 deg, allowed: -90..90 deg",
    }
    assert prepared.rejects["object_id"].isna().tolist() == [i == 4 for i in range(7)]
    tables.write("rejects", prepared.rejects, tmp_path / "rejects.parquet")


def test_without_need_of_positions_both_coordinates_may_be_missing():
    prepared = catalogue.prepare(_faulty())
    assert prepared.table["object_id"].tolist() == ["a", "e"]
    assert prepared.rejects["row"].tolist() == [101, 102, 103, 105, 106, 107]
    assert "both coordinates or neither" in prepared.rejects["reason"][2]
    bare = catalogue.prepare(pd.DataFrame({"id": [1], "ra": [3.0]})).table
    assert bare[["ra_deg", "dec_deg"]].isna().all(axis=None)


def test_text_coordinates_that_cannot_be_read():
    frame = pd.DataFrame({"id": [1, 2, 3], "ra": ["12:00:00", "noon", " "], "dec": ["1", "2", ""]})
    prepared = catalogue.prepare(frame)
    assert prepared.table["object_id"].tolist() == ["1", "3"]
    assert prepared.rejects["reason"].tolist() == ["ra: found 'noon', allowed: degrees or hh:mm:ss"]


def test_strict_stops_at_row_faults():
    message = r"^night: found 7 of 8 rows .*; the first: row 101, ra: found 400 deg"
    with pytest.raises(ConfigError, match=message):
        catalogue.prepare(_faulty(), need_position=True, strict=True, base_name="night")
    clash = pd.DataFrame({"id": [1, 1], "x": [1, 2]})
    with pytest.raises(ConfigError, match="found 1 of 2 rows"):
        catalogue.prepare(clash, strict=True)
    assert len(catalogue.prepare(clash[:1], strict=True).table) == 1


def test_duplicates_merge_and_clashes_are_rejected():
    frame = pd.DataFrame(
        {
            "id": ["a", "b", "a", "a", "b", "c", "c"],
            "mag": [1.0, np.nan, 1.0, 1.5, np.nan, 2.0, 2.0],
            "note": ["x", None, "x", "x", None, "p", "q"],
            "cells": [[1.0, np.nan], None, [1.0, np.nan], [1.0], None, [3], [3]],
        }
    )
    prepared = catalogue.prepare(frame)
    assert prepared.table["object_id"].tolist() == ["a", "b", "c"]
    assert prepared.table["mag"][0] == 1.0
    assert prepared.table["note"][2] == "p"
    assert prepared.n_merged == 2
    assert prepared.rejects["row"].tolist() == [3, 6]
    assert prepared.rejects["reason"].tolist() == [
        "object_id: found 'a' with another mag (1.5) than in row 0, allowed: the same content",
        "object_id: found 'c' with another note ('q') than in row 5, allowed: the same content",
    ]


def test_a_row_that_is_rejected_leaves_its_id_to_the_next():
    frame = pd.DataFrame({"id": ["a", "a"], "ra": [999.0, 1.0], "dec": [0.0, 0.0]})
    prepared = catalogue.prepare(frame)
    assert prepared.table["ra_deg"].tolist() == [1.0]
    assert prepared.rejects["row"].tolist() == [0]


def test_earlier_batches_come_first(tmp_path):
    first = pd.DataFrame({"id": [1, 2], "ra": [1.0, 359.0], "dec": [0.0, 0.0], "mag": [20.0, 21.0]})
    second = pd.DataFrame({"id": [3], "ra": [3.0], "dec": [0.0], "note": ["x"]})
    earlier = {}
    for name, frame in (("first", first), ("second", second)):
        path = tmp_path / f"{name}.parquet"
        tables.write("catalogue", catalogue.prepare(frame).table, path)
        earlier[name] = tables.read("catalogue", path)
    night = pd.DataFrame(
        {
            "id": [2, 1, 3, 4, 1],
            "ra": [359.0, 1.0, 3.0, 5.0, 1.0],
            "dec": 0.0,
            "mag": [21.0, 20.5, 9.0, 22.0, 20.0],
        }
    )
    prepared = catalogue.prepare(night, earlier=earlier)
    assert prepared.table["object_id"].tolist() == ["4"]
    assert prepared.n_merged == 3
    assert prepared.rejects["reason"].tolist() == [
        "object_id: found '1' with another mag (20.5) than in earlier batch 'first', "
        "allowed: the same content"
    ]
    second = catalogue.prepare(night, earlier={"second": earlier["second"]})
    assert second.n_merged == 1
    assert second.rejects["reason"][0].endswith("in row 1, allowed: the same content")


def test_names_from_positions_are_cut_off_not_rounded():
    ra = Angle(["12h34m56.789s", "0h0m0.0009s", "23h59m59.9999s", "1h2m3.4599s"]).deg
    dec = Angle(["1d23m45.69s", "-0d0m0.019s", "-89d59m59.999s", "10d0m0.3s"], u.deg).deg
    assert coordinates.position_names(ra, dec) == [
        "J123456.789+012345.69",
        "J000000.000-000000.01",
        "J235959.999-895959.99",
        "J010203.459+100000.30",
    ]
    table = catalogue.prepare(pd.DataFrame({"ra": ra, "dec": dec})).table
    assert table["object_id"][0] == "J123456.789+012345.69"


def test_a_position_has_the_same_name_in_every_batch():
    ra = np.array([10.0, 10.0 + 1e-5, 20.0, 20.0])
    frame = pd.DataFrame({"ra": ra, "dec": [1.0, 1.0, 2.0, 2.0], "mag": [1.0, 2.0, 3.0, 3.0]})
    first = catalogue.prepare(frame)
    assert first.n_merged == 1
    names = ["J004000.000+010000.00", "J004000.002+010000.00", "J012000.000+020000.00"]
    assert first.table["object_id"].tolist() == names
    night = pd.DataFrame({"ra": [20.0, 20.0 + 1e-5, 10.0], "dec": [2, 2, 1], "mag": [3, 5, 1]})
    second = catalogue.prepare(night, earlier={"first": first.table})
    assert second.n_merged == 2
    assert second.table["object_id"].tolist() == ["J012000.002+020000.00"]


def test_rows_without_id_and_position_are_named_by_their_number():
    frame = pd.DataFrame({"x": [5.0, 5.0, 6.0]}, index=[2, 5, 1234567])
    prepared = catalogue.prepare(frame, base_name="features")
    assert prepared.table["object_id"].tolist() == [
        "features-0000002",
        "features-0000005",
        "features-1234567",
    ]
    assert prepared.n_merged == 0


def test_labels_splits_and_the_users_columns():
    frame = pd.DataFrame(
        {
            "id": [1, 2],
            "Label": [1.0, np.nan],
            "split": ["train", ""],
            "ra_deg": [0.1, 0.2],
            "dec_deg": [0.0, 0.0],
            "object_id": ["p", "q"],
            "mag": np.array([1, 2], dtype=np.int16),
        }
    )
    frame.attrs["units"] = {"ra_deg": "rad", "mag": "mag"}
    table = catalogue.prepare(frame, id_column="id").table
    assert list(table.columns) == [
        *("object_id", "ra_deg", "dec_deg", "label", "split", "id", "Label"),
        *("ra_deg_original", "object_id_original", "mag"),
    ]
    assert table["object_id"].tolist() == ["1", "2"]
    assert table["label"][0] == "1" and pd.isna(table["label"][1])
    assert table["split"][0] == "train" and pd.isna(table["split"][1])
    np.testing.assert_allclose(table["ra_deg"], np.rad2deg([0.1, 0.2]))
    assert table["object_id_original"].tolist() == ["p", "q"]
    assert table["mag"].dtype == np.int16
    assert table.attrs["units"] == {"ra_deg": "deg", "dec_deg": "deg", "mag": "mag"}


def test_the_callers_frame_is_left_alone(sample):
    before = sample.copy()
    catalogue.select(sample, ["i < 20"])
    catalogue.prepare(sample)
    pd.testing.assert_frame_equal(sample, before)
