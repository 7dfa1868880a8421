"""Options of plug-ins: what a section of the configuration becomes, and what is said against it."""

import dataclasses
import json
from typing import Any

import pytest
import yaml

from hoag.options import ConfigError, as_identity, as_plain, build, option, unknown


@dataclasses.dataclass(frozen=True)
class Options:
    """One option of each form."""

    n: int = option(3, doc="A count.", minimum=1, maximum=9)
    rate: float = option(1e-4, doc="A rate.", unit="px", minimum=0)
    kind: str = option("a", doc="A choice.", choices=("a", "b"))
    live: bool = option(False, doc="A switch.")
    sizes: tuple[int, ...] = option((1, 2), doc="Any number of sizes.", minimum=1)
    pair: tuple[float, float] = option((0.0, 1.0), doc="Two limits.")
    named: dict = option({"x": 1}, doc="A mapping.")  # noqa: RUF009 (the fields' own helper)
    seed: int | None = option(None, doc="A seed or none.", minimum=0)
    level: float | tuple[float, float, float] = option(0.0, doc="One level or three.", minimum=-1)
    share: float | None = option(None, doc="A share or none.", maximum=1)
    any_of: tuple[Any, ...] = option((), doc="Values of any type.")
    mark: str | int | None = option(None, doc="A name or a number.")

    def __post_init__(self) -> None:
        if self.pair[0] > self.pair[1]:
            raise ConfigError(f"pair: found {self.pair}, allowed: in order")


@dataclasses.dataclass(frozen=True)
class Needy:
    """One required option."""

    source: str = option(doc="Where from.")


def test_defaults_stand_where_nothing_is_given():
    assert build(Options, {}, "x") == Options()
    assert build(Options, {}, "x").named is not build(Options, {}, "x").named


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n: 4", 4),
        ("n: 4.0", 4),
        ("rate: 1e-4", 1e-4),  # text in YAML 1.1
        ("rate: 1.0e-4", 1e-4),
        ("rate: 2", 2.0),
        ("kind: b", "b"),
        ("live: true", True),
        ("sizes: []", ()),
        ("sizes: [3, 4, 5]", (3, 4, 5)),
        ("pair: [0, 1e3]", (0.0, 1000.0)),
        ("named: {y: 2}", {"y": 2}),
        ("seed: null", None),
        ("seed: 0", 0),
        ("level: 1", 1.0),
        ("level: 1e-3", 1e-3),
        ("level: [0, 1, 2e0]", (0.0, 1.0, 2.0)),
        ("any_of: [1, a, [2]]", (1, "a", [2])),
        ("mark: 5", 5),
        ("mark: five", "five"),
        ("mark: null", None),
    ],
)
def test_values_that_fit(text, value):
    section = yaml.safe_load(text)
    (name,) = section
    found = getattr(build(Options, section, "x"), name)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "m: 4",
            "x.m: found 'm', allowed: any_of, kind, level, live, mark, n, named, pair, ",
        ),
        ("sise: 4", "; did you mean 'sizes'?"),
        ("n: 0", "x.n: found 0, allowed: 1..9"),
        ("n: 10", "x.n: found 10, allowed: 1..9"),
        ("n: 2.5", "x.n: found 2.5, allowed: a whole number"),
        ("n: true", "x.n: found True, allowed: a whole number"),
        ("n: null", "x.n: found None, allowed: a whole number"),
        ("rate: -1", "x.rate: found -1.0, allowed: 0.. px"),
        ("rate: .nan", "x.rate: found nan, allowed: 0.. px"),
        ("rate: fast", "x.rate: found 'fast', allowed: a number"),
        ("kind: c", "x.kind: found 'c', allowed: a, b"),
        ("kind: 1", "x.kind: found 1, allowed: text"),
        ("live: 1", "x.live: found 1, allowed: true or false"),
        ("sizes: 3", "x.sizes: found 3, allowed: a list"),
        ("sizes: [3, 0]", "x.sizes[1]: found 0, allowed: 1.."),
        ("pair: [1]", "x.pair: found [1], allowed: a list of 2 values"),
        ("pair: [2, 1]", "x: pair: found (2.0, 1.0), allowed: in order"),
        ("named: [1]", "x.named: found [1], allowed: a mapping"),
        ("seed: -1", "x.seed: found -1, allowed: 0.."),
        ("seed: one", "x.seed: found 'one', allowed: a whole number"),
        ("level: low", "x.level: found 'low', allowed: a number or a list"),
        ("level: -2", "x.level: found -2, allowed: -1.. or a list"),
        ("level: [1, 2]", "x.level: found [1, 2], allowed: a number or a list of 3 values"),
        ("level: [1, 2, a]", "x.level[2]: found 'a', allowed: a number"),
        ("share: 2", "x.share: found 2.0, allowed: ..1"),
        ("mark: [1]", "x.mark: found [1], allowed: text or a whole number"),
        ('kind: "two\\nlines"', "x.kind: found 'two\\nlines', allowed: a, b"),
    ],
)
def test_values_that_do_not_fit_are_named_in_one_line(text, message):
    with pytest.raises(ConfigError) as caught:
        build(Options, yaml.safe_load(text), "x")
    assert message in str(caught.value)
    assert str(caught.value).startswith("x") and "\n" not in str(caught.value)


def test_a_required_option_says_what_it_is():
    with pytest.raises(ConfigError, match=r"^x\.source: required, found nothing \(Where from\.\)$"):
        build(Needy, {}, "x")
    assert build(Needy, {"source": "here"}, "x").source == "here"


def test_options_become_plain_values_and_come_back():
    options = build(Options, {"level": [0, 1, 2], "sizes": [7], "seed": 5}, "x")
    plain = as_plain(options)
    assert plain["level"] == [0.0, 1.0, 2.0] and plain["sizes"] == [7]
    assert build(Options, json.loads(json.dumps(plain)), "x") == options


def test_options_that_shape_no_result_are_no_part_of_its_identity():
    @dataclasses.dataclass(frozen=True)
    class Asked:
        size: int = option(1, doc="A size.")
        retries: int = option(2, doc="Tries.", shapes_result=False)

    assert as_identity(Asked(3, 4)) == {"size": 3} and "retries" in as_plain(Asked(3, 4))


def test_an_option_that_is_not_used_is_no_part_of_the_identity():
    @dataclasses.dataclass(frozen=True)
    class Asked:
        size: int = option(1, doc="Size.")
        column: str | None = option(None, doc="Column.")

    assert as_identity(Asked()) == {"size": 1}
    assert as_identity(Asked(column="radius")) == {"size": 1, "column": "radius"}


def test_unknown_names_the_nearest_in_any_case_and_shortens_long_lists():
    assert unknown("a", "IMAG", ["i_mag", "z"]) == (
        "a: found 'IMAG', allowed: i_mag, z; did you mean 'i_mag'?"
    )
    assert unknown("a", "b", []) == "a: found 'b', allowed: nothing"
    assert unknown("a", None, ["none"]) == "a: found None, allowed: none"
    many = unknown("a", "c77", [f"c{i:02d}" for i in range(99)])
    assert "c29, ... (99 in all); did you mean 'c77'?" in many and "c30" not in many
