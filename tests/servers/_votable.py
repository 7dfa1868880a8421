"""VOTables as IVOA services send them (VOTable 1.3; DALI 1.1 for QUERY_STATUS)."""

from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response

Field = tuple[str, str, str]  # name, datatype (char, int, double), UCD


def votable(
    fields: Sequence[Field],
    rows: Iterable[dict],
    *,
    utypes: Mapping[str, str] | None = None,
    after: str = "",
) -> Response:
    """A reply of one results table; ``after`` is XML that follows it."""
    utypes = utypes or {}
    heads = "".join(
        f"<FIELD name={quoteattr(name)} ID={quoteattr(name)} datatype={quoteattr(kind)}"
        + (' arraysize="*"' if kind == "char" else "")
        + (f" ucd={quoteattr(ucd)}" if ucd else "")
        + (f" utype={quoteattr(utypes[name])}" if name in utypes else "")
        + "/>\n"
        for name, kind, ucd in fields
    )
    cells = "".join(
        f"<TR>{''.join(f'<TD>{escape(str(row[name]))}</TD>' for name, _, _ in fields)}</TR>\n"
        for row in rows
    )
    table = f"<TABLE>\n{heads}<DATA><TABLEDATA>\n{cells}</TABLEDATA></DATA>\n</TABLE>\n"
    return _document(f'<INFO name="QUERY_STATUS" value="OK"/>\n{table}', after)


def votable_error(message: str, status: int = 200) -> Response:
    """A reply that says what was wrong; DAL services send it with 200, or 400."""
    info = f'<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO>\n'
    return _document(info, "", status)


def _document(inside: str, after: str, status: int = 200) -> Response:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        f'<RESOURCE type="results">\n{inside}</RESOURCE>\n{after}</VOTABLE>\n'
    )
    return Response(text, status, media_type="application/x-votable+xml")
