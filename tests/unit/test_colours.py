"""Which column a name of the configuration means."""

import pytest

from hoag.colours import Colour, resolve
from hoag.options import ConfigError

KNOWN = {
    "features": {"codes": None, "statistics": ["total_flux", "variance"]},
    "scores": {
        ("images", "wgan"): ("s_gen", "s_disc"),
        ("codes", "forest"): (),
        ("codes_forest", "forest"): (),
        ("aggregates", "consensus"): (),
    },
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
        ("consensus_percentile", ("percentile", "aggregates", "consensus")),
        ("wgan_mag", ("wgan_mag", "", "")),
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
        ("forest_codes_s_disc", "found 'forest_codes_s_disc', allowed: .*forest_codes_sigma"),
        ("wgan_sgima", "did you mean 'wgan_sigma'"),
    ],
)
def test_other_names_are_refused(name, said):
    with pytest.raises(ConfigError, match=said) as error:
        column(name)
    assert str(error.value).startswith("embeddings.map.colour_by: ")


def test_an_unknown_catalogue_may_have_any_column():
    assert column("redshift", catalogue=None) == Colour("redshift", "redshift")


def test_a_score_s_column_is_checked_where_the_catalogue_is_unknown():
    assert column("wgan_s_gen", catalogue=None).detector == "wgan"
    with pytest.raises(ConfigError, match=r"found 'wgan_sigmas', .*did you mean 'wgan_sigma'"):
        column("wgan_sigmas", catalogue=None)
