"""Score maps of the standard and the extended forest: bands of low score, and how they go.

    python benchmarks/score_maps.py OUTPUT.png

The two data sets of Hariri, Carrasco Kind & Brunner (2021): two blobs, and a
sinusoid with noise. Each forest is fitted to the points and scores a grid around them. The numbers
beside the figure: mean score in the bands, where no point is, and equally far from the points
outside them. A forest without bands gives both the same.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.detectors import extended_isolation_forest, isolation_forest
from hoag.figures import _style

FORESTS = {
    "isolation forest": (isolation_forest, {}),
    "extended, level 0": (extended_isolation_forest, {"extension_level": 0}),
    "extended, level 1": (extended_isolation_forest, {"extension_level": 1}),
}
ACROSS = 120  # points of the grid


def blobs(rng: np.random.Generator) -> np.ndarray:
    centres = np.array([[0.0, 10.0], [10.0, 0.0]])
    return (centres[np.arange(1000) % 2] + rng.normal(size=(1000, 2))).astype(np.float32)


def sinusoid(rng: np.random.Generator) -> np.ndarray:
    x = np.linspace(0, 8 * np.pi, 2000)
    return np.column_stack([x, 3 * np.sin(x) + rng.normal(0, 0.3, 2000)]).astype(np.float32)


DATA = {  # name -> points, range of both axes
    "two blobs": (blobs, ((-6, 16), (-6, 16))),
    "sinusoid": (sinusoid, ((-4, 29), (-9, 9))),
}
# places of equal distance to the nearest blob: where the two bands cross, and away from both
IN_BANDS = np.float32([[0, 0], [10, 10]])
OUTSIDE = np.float32([[17.07, -7.07], [-7.07, 17.07]])


def scores(kind: str, points: np.ndarray, places: np.ndarray) -> np.ndarray:
    module, changes = FORESTS[kind]
    options = module.Options(n_trees=400, **changes)
    return module.score(places, options, module.fit(points, options, 1))


@_style.styled
def draw() -> Figure:
    rng = np.random.default_rng(1)
    figure = _style.new_figure(7.0, layout="constrained")
    panels = figure.subplots(len(DATA), len(FORESTS))
    for row, (name, (sample, ranges)) in enumerate(DATA.items()):
        points = sample(rng)
        x, y = (np.linspace(*r, ACROSS) for r in ranges)
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
        for column, kind in enumerate(FORESTS):
            axes = panels[row, column]
            values = scores(kind, points, grid).reshape(ACROSS, ACROSS)
            drawn = axes.contourf(x, y, values, levels=np.arange(0.3, 0.86, 0.05), cmap="cividis",
                                  extend="both")  # fmt: skip
            axes.plot(*points.T, ".", color="white", ms=1, alpha=0.5)
            axes.set_title(f"{name}: {kind}", size=_style.SMALL_PT)
    figure.colorbar(drawn, ax=panels, label="anomaly score", shrink=0.6)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="PNG file")
    output = parser.parse_args().output
    figure = draw()
    _style.save(figure, output, output.with_suffix(".pdf"))
    points = blobs(np.random.default_rng(1))
    print("| forest | score where bands cross | as far outside |")
    print("|---|---|---|")
    for kind in FORESTS:
        inside, outside = (scores(kind, points, p).mean() for p in (IN_BANDS, OUTSIDE))
        print(f"| {kind} | {inside:.3f} | {outside:.3f} |")


if __name__ == "__main__":
    main()
