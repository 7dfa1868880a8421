"""Any catalogue as one typed table: reading, selecting, and checking its rows.

Three steps, each usable alone: `read` gives the file's own columns, `select` applies the user's
cuts, `prepare` finds identifiers and positions and sets aside the rows that can't be used.
`count` does the first two cheaply, while the workflow is being planned.

Faults of the file as a whole (missing, unreadable, empty, no such column, identifiers that were
rounded) raise `ConfigError` with one line; faults of single rows end in a table of rejects.
"""

from hoag.catalogue.preparing import Prepared, count, prepare
from hoag.catalogue.reading import column_names, read
from hoag.catalogue.selection import check_expressions, select

FORMAT_VERSION = 1  # raised by hand when reading changes: everything is then fetched again

__all__ = [
    "FORMAT_VERSION",
    "Prepared",
    "check_expressions",
    "column_names",
    "count",
    "prepare",
    "read",
    "select",
]
