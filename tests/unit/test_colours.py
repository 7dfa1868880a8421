"""Which column a name of the configuration means."""

import pytest

from hoag.colours import Colour, resolve
from hoag.options import ConfigError

KNOWN = {
    "features": {"codes": None, "statistics": ["total_flux", "variance"]},
    "scores": [("images", "wgan"), ("codes", "forest"), ("codes_forest", "forest")],
    "catalogue": ["label", "i_mag", "wgan_mag"],
}


def column(name, **changes):
    return resolve(name, "embeddings.map.colour_by", **KNOWN | changes)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("statistics.total_flux", ("total_flux", "statistics", "")),
        ("codes.code_07", ("code_07", "codes", "")),
        ("wgan_s_disc", ("s_disc", "images", "wgan")),
        ("forest_codes_sigma", ("sigma", "codes", "forest")),
        ("forest_codes_forest_sigma", ("sigma", "codes_forest", "forest")),
        ("label", ("label", "", "")),
        ("wgan_mag", ("wgan_mag", "", "")),  # the catalogue has it; no score is sure to
    ],
)
def test_names_are_found(name, found):
    assert column(name) == Colour(name, *found)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("statistics.flux", "column of statistics: found 'flux', allowed: total_flux, variance"),
        ("lable", "found 'lable', .*did you mean 'label'"),
        ("forest_sigma", "did you mean 'forest_codes_sigma'"),
    ],
)
def test_other_names_are_refused(name, said):
    with pytest.raises(ConfigError, match=said) as error:
        column(name)
    assert str(error.value).startswith("embeddings.map.colour_by: ")


def test_an_unknown_catalogue_may_have_any_column():
    assert column("redshift", catalogue=None) == Colour("redshift", "redshift")
