"""Tables of features as the scripts read them."""

from collections.abc import Mapping, Sequence

import pandas as pd

from hoag import tables

_SPACE = "space_"  # before a space's name, in a rule's inputs


def spaces_of(inputs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Files of each feature space among a rule's inputs, by the space's name."""
    names = (key for key in inputs if key.startswith(_SPACE))
    return {key.removeprefix(_SPACE): list(inputs[key]) for key in names}


def join(inputs: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The columns of all spaces side by side, by object; of several, with the space's name first.

    An object that one of them lacks is NaN there.
    """
    spaces = spaces_of(inputs)
    parts = []
    for name, paths in spaces.items():
        part = pd.concat([tables.read("features", p) for p in paths]).set_index("object_id")
        parts.append(part.add_prefix(f"{name}_") if len(spaces) > 1 else part)
    return pd.concat(parts, axis=1).rename_axis("object_id").reset_index()
