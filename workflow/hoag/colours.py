"""What the objects of a map may be coloured by: features, scores, columns of the catalogue."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hoag.options import ConfigError, unknown
from hoag.scores import OWN, score_name


@dataclass(frozen=True)
class Colour:
    """One column, and the table that has it.

    Attributes
    ----------
    name
        As the configuration has it.
    column
        As the table has it.
    features, detector
        The feature space, for a feature; both, for a score; none, for a column of the catalogue.
    """

    name: str
    column: str
    features: str = ""
    detector: str = ""


def resolve(
    name: str,
    key: str,
    *,
    features: Mapping[str, Sequence[str] | None],
    scores: Mapping[tuple[str, str], Sequence[str]],
    catalogue: Collection[str] | None,
) -> Colour:
    """Find the column that a name of the configuration means.

    Parameters
    ----------
    name
        ``<feature space>.<feature>``, a column of the catalogue, or a score's column as in the
        ranked table (``<detector>_<feature space>_sigma``); the first that fits.
    key
        Path in the configuration, for the message.
    features
        Names of the feature spaces, with those of their features where they are known.
    scores
        (features, detector) of every score, with the names of its components.
    catalogue
        Columns of the catalogue; None where they aren't known before it is there. A name that
        begins as a score's columns do then means one of these.

    Raises
    ------
    ConfigError
        If there is no such column.
    """
    space, dot, column = name.partition(".")
    if dot and space in features:
        known = features[space]
        if known is not None and column not in known:
            raise ConfigError(unknown(f"{key}: column of {space}", column, known))
        return Colour(name, column, features=space)
    if catalogue is not None and name in catalogue:
        return Colour(name, name)
    columns = {
        f"{score_name(*of)}_{part}": (*of, part)
        for of, components in scores.items()
        for part in (*OWN, *components)
    }
    if name in columns:
        space, detector, column = columns[name]
        return Colour(name, column, features=space, detector=detector)
    if catalogue is None and not name.startswith(tuple(f"{score_name(*of)}_" for of in scores)):
        return Colour(name, name)
    raise ConfigError(
        unknown(key, name, [*(catalogue or ()), *(f"{s}.<feature>" for s in features), *columns])
    )
