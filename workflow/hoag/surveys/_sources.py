"""What surveys of the user's own files share: messages, labels from a table, FITS files."""

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hoag.options import ConfigError
from hoag.surveys._containers import as_text, one_line, text

if TYPE_CHECKING:
    from astropy.io import fits


@contextlib.contextmanager
def named(key: str) -> Iterator[None]:
    """Put the key's path before the message of a `ConfigError`."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None


def text_columns(path: str, id_column: str, *others: str) -> list[list[str | None]]:
    """Columns of a table, as text; the first holds ids."""
    from hoag import catalogue

    columns = [id_column, *others]
    frame = catalogue.read(path, columns=list(dict.fromkeys(columns)), id_column=id_column)
    return [as_text(frame[c].tolist()) for c in columns]


def read_labels(
    path: str, id_column: str, column: str, names: Mapping[str, str | None]
) -> dict[str | None, str | None]:
    """Id -> label of a table; ``names`` gives the labels of its values, where there are any.

    Raises
    ------
    ConfigError
        For a table that can't be read, or a value without a name.
    """
    ids, values = text_columns(path, id_column, column)
    if names:
        known = {text(k): text(v) for k, v in names.items()}
        if unnamed := sorted({v for v in values if v is not None and v not in known}):
            raise ConfigError(
                f"{path}, column {column!r}: found {unnamed[0]!r}, "
                f"allowed by labels_names: {', '.join(map(str, known))}"
            )
        values = [None if v is None else known[v] for v in values]
    return dict(zip(ids, values, strict=True))


def labels_of(
    names: Sequence[Sequence[str]], labels: Mapping[str | None, str | None]
) -> list[str | None]:
    """Each object's label: that of the first of its names that the table has, or None.

    Raises
    ------
    ConfigError
        If the table has none of the objects: its ids are then written otherwise.
    """
    found = [next((n for n in own if n in labels), None) for own in names]
    if names and not any(n is not None for n in found):
        example = next((f" such as {i!r}" for i in labels if i is not None), "")
        raise ConfigError(
            f"found no object of the batch among {len(labels)} ids{example}, allowed: ids such as "
            f"{names[0][0]!r}, or no table where nothing is labelled"
        )
    return [None if n is None else labels[n] for n in found]


@contextlib.contextmanager
def opened_fits(source: Path | io.BytesIO) -> Iterator["fits.HDUList"]:
    """An open FITS file, for which truncation is an error and an odd header is not."""
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*truncated.*")
        try:
            with fits.open(source, memmap=False, lazy_load_hdus=False) as hdus:
                yield hdus
        except UserWarning as error:
            raise OSError(one_line(error)) from None
