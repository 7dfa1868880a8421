"""Every figure: ordinary, tiny, empty and grey input; no warnings; the same bytes each time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hoag.figures import (
    _style,
    claim,
    codes,
    embedding,
    galleries,
    latents,
    mosaic,
    performance,
    profiles,
    reconstructions,
    rounds,
    scores,
    similar,
    studies,
    training,
    uncertainty,
    viewed,
)
from hoag.images.photometry import measure

KINDS = ("merger", "ring", "arc", "saturated band", "satellite trail")
FAULTS = KINDS[3:]
REPORT = Path(__file__).parents[2] / "workflow" / "report"


def draw_images(n: int, *, size: int = 32, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Galaxies as elliptical blobs on noise, uint8 (n, size, size, channels)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - size / 2
    q, angle, width = rng.uniform(0.3, 1, n), rng.uniform(0, np.pi, n), rng.uniform(2, 5, n)
    images = np.empty((n, size, size, channels), np.uint8)
    for i in range(n):
        u = x * np.cos(angle[i]) + y * np.sin(angle[i])
        v = (y * np.cos(angle[i]) - x * np.sin(angle[i])) / q[i]
        blob = 220 * np.exp(-np.hypot(u, v) / width[i])[..., None]
        flux = blob * rng.uniform(0.4, 1, channels) + rng.normal(12, 6, (size, size, channels))
        images[i] = np.clip(flux, 0, 255)
    return images


def draw_population(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Scores and labels of n objects; a twentieth is labelled, higher kinds score higher."""
    rng = np.random.default_rng(seed)
    ids = [f"galaxy-{i:016d}" for i in range(n)]
    kind = rng.integers(0, 20 * len(KINDS), n)
    labels = pd.Series([KINDS[k] if k < len(KINDS) else None for k in kind], ids, dtype=object)
    labels[(kind >= len(KINDS)) & (kind < 60)] = "ordinary"
    sigma = rng.gamma(2, 0.7, n) - 1.4 + np.where(kind < len(KINDS), 1.5 * kind, 0)
    table = pd.DataFrame({"object_id": ids, "batch": "first", "score": sigma, "sigma": sigma})
    return table, labels


def draw_plane(table: pd.DataFrame, labels: pd.Series, seed: int = 0) -> pd.DataFrame:
    """An embedding in which labelled kinds and the rest form clumps."""
    rng = np.random.default_rng(seed)
    group = labels.map({k: i for i, k in enumerate(KINDS)}).fillna(-1).astype(int).to_numpy()
    place = rng.normal(0, 1, (len(table), 2)) + np.c_[np.cos(group), np.sin(group)] * 5
    plane = pd.DataFrame({"object_id": table["object_id"], "x": place[:, 0], "y": place[:, 1]})
    return plane.assign(group=group, typical=(group >= 0) & (rng.random(len(group)) < 0.1))


METRICS = ("auroc", "average_precision", "recall_at_3_sigma", "mcc")
METRICS += ("precision_at_50", "recall_at_10_percent")


def draw_metrics(seeds: int, detectors: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    names = [("images", "wgan"), ("codes", "isolation_forest"), ("codes", "k_nearest_neighbours"),
             ("image_statistics", "column"), ("pixels", "isolation_forest")]  # fmt: skip
    rows = []
    for features, detector in names[:detectors]:
        for seed in range(seeds):
            for group in ("anomalies", "faults", *KINDS):
                for metric in METRICS:
                    value = rng.beta(6, 2)
                    rows.append((features, detector, seed, group, 40, 900, metric, value,
                                 value - 0.06, min(value + 0.05, 1)))  # fmt: skip
    return pd.DataFrame(rows, columns=["features", "detector", "seed", "group", "n_positive",
        "n_negative", "metric", "value", "low", "high"])  # fmt: skip


def draw_roc(n_detectors: int = 3, points: int = 60) -> pd.DataFrame:
    x = np.linspace(0, 1, points)
    parts = []
    for i, detector in enumerate(("wgan", "isolation_forest", "column")[:n_detectors]):
        features = "images" if detector == "wgan" else "codes"
        for curve, y in (("roc", x ** (0.2 + 0.2 * i)), ("precision_recall", 1 - 0.96 * x**2)):
            order = slice(None, None, 1 if curve == "roc" else -1)
            part = pd.DataFrame({"x": x[order], "y": y[order], "curve": curve})
            parts.append(part.assign(features=features, detector=detector, group="anomalies"))
    return pd.concat(parts, ignore_index=True)


def draw_histories(n: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    iteration = np.arange(1, n + 1) * 10
    fall = np.exp(-iteration / (3 * n))

    def noisy(scale: float) -> np.ndarray:
        return scale * fall * rng.lognormal(0, 0.15, n)

    wgan = {
        "critic_distance": noisy(9),
        "gradient_penalty": noisy(0.2),
        "generator_loss": rng.normal(0, 2, n).cumsum() / np.sqrt(n),
    }
    coder = {"loss": noisy(0.05), "held_out_loss": np.where(np.arange(n) % 5, np.nan, noisy(0.06))}
    encoder = {"loss": noisy(0.1), "s_gen": noisy(0.02), "s_disc": noisy(0.9)}
    models = {"wgan": wgan, "encoder": encoder, "residual_autoencoder": coder}
    return {name: pd.DataFrame({"iteration": iteration, **c}) for name, c in models.items()}


def draw_study(seeds: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = [("lambda", "chosen", 0, "lambda", 0.05)]
    for seed in range(seeds):
        for weight in ("0", "0.01", "0.05", "0.1", "0.3", "0.5", "0.9", "1"):
            value = 1 - abs(float(weight) - 0.05) * rng.uniform(0.1, 0.3)
            rows.append(("lambda", weight, seed, "spearman", value))
        for start, ratio in (("encoder", 1.0), ("zero", 1.4), ("random", 2.1)):
            rows.append(("start", start, seed, "mean_score", 0.01 * ratio * rng.uniform(0.9, 1.1)))
            rows += [("start", start, seed, f"ratio_{p}", ratio * f)
                     for p, f in ((16, 0.8), (50, 1.0), (84, 1.5))]  # fmt: skip
        for step in range(31):
            rows.append(("steps", str(step), seed, "mean_score", 0.02 + 0.05 * np.exp(-step / 4)))
            rows.append(("steps", str(step), seed, "spearman", 1 - 0.001 * (step - 10) ** 2))
    return pd.DataFrame(rows, columns=["study", "setting", "seed", "quantity", "value"])


def draw_prediction(seeds: int) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    spaces = ("residual_codes", "image_codes", "unit_residual_codes", "residual_norm")
    rows = [
        (space, detector, seed, 3000, value, value - 0.03, value + 0.03, *less)
        for at, space in enumerate(spaces)
        for detector in ("wgan", "isolation_forest")
        for seed in range(seeds)
        for value in [0.85 - 0.15 * at + rng.normal(0, 0.02)]
        for less in [[0.15 * at, 0.15 * at - 0.02, 0.15 * at + 0.02]]
    ]
    return pd.DataFrame(rows, columns=["features", "detector", "seed", "n_objects", "spearman",
        "low", "high", "difference", "difference_low", "difference_high"])  # fmt: skip


def draw_purities(seeds: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    sizes = {"boring": 415, "bluecore": 50, "mergerstidalfeatures": 10, "trails": 10, "other": 8}
    rows = []
    for space in ("residual_codes", "image_codes"):
        for seed in range(seeds):
            for label, n in sizes.items():
                chance = n / sum(sizes.values())
                value = min(chance + rng.uniform(0, 0.3), 0.97)
                rows.append((space, seed, label, n, value, value - 0.03, value + 0.03, chance,
                             chance + 0.12 / np.sqrt(n), 0.01))  # fmt: skip
    return pd.DataFrame(rows, columns=["features", "seed", "label", "n_objects", "purity", "low",
        "high", "chance", "chance_high", "p_value"])  # fmt: skip


def panels_of(counts: tuple[int, ...], channels: int, size: int = 32) -> list[tuple]:
    titles = ("below the mean", "around 3 σ", "above 5 σ")
    panels = []
    for at, (title, n) in enumerate(zip(titles, counts, strict=True)):
        real = draw_images(n, size=size, channels=channels, seed=at)
        made = draw_images(n, size=size, channels=channels, seed=at + 9)
        residual = np.abs(real.astype(int) - made).astype(np.uint8)
        panels.append((title, real, made, residual, np.linspace(3 * at - 1, 3 * at, n)))
    return panels


def light_of(n: int) -> tuple:
    return measure(draw_images(n) / 255), measure(draw_images(n, seed=1) / 255)


def rows_of(n: int, channels: int = 3) -> dict[str, dict[str, np.ndarray]]:
    rows = {f"{20 + i}.5": draw_images(n, channels=channels, seed=i) for i in range(4)}
    return {"i_mag given": rows, "size given": {"2": draw_images(n, channels=channels)}}


def columns_of(n: int, names: tuple[str, ...] = ("i_mag", "size", "colour", "z")) -> tuple:
    rng = np.random.default_rng(6)
    ids = pd.Index([f"galaxy-{i}" for i in range(n)], name="object_id")
    known = pd.DataFrame(rng.normal(20, 1, (n, len(names))), ids, names)
    known.iloc[::3, 0] = np.nan
    return known, known + rng.normal(0, 0.2, known.shape)


def groups_of(n: int, channels: int, *, residuals: bool = True) -> list[dict]:
    def images(n: int, seed: int) -> np.ndarray:
        return draw_images(n, channels=channels, seed=seed)

    return [
        {
            "group": g,
            "n": 12 + g,
            "originals": images(max(5 - g, 1), g),
            "reconstructions": images(max(5 - g, 1), g + 7) if residuals else None,
            "residuals": images(max(5 - g, 1), g + 9) if residuals else None,
            "median_sigma": 3.4 + g,
            "label_note": "mostly satellite trail (83 %)" if g % 2 else None,
        }
        for g in range(n)
    ]


def gallery_of(n: int, channels: int) -> tuple:
    table, labels = draw_population(max(n, 1))
    rows = table.iloc[:n].assign(rank=np.arange(n) + 1, label=labels.to_numpy()[:n])
    return draw_images(n, channels=channels), galleries.title_lines(rows), "Highest scores"


def gallery_among_all(n: int, n_all: int) -> tuple[Figure, pd.DataFrame]:
    table, _ = draw_population(n_all)
    rows = table.nlargest(n, "sigma").assign(rank=np.arange(n) + 1)
    titles = galleries.title_lines(rows)
    return galleries.draw(draw_images(n), titles, "Highest", numbers=rows, among=table["sigma"])


def first_of(n: int, channels: int) -> tuple:
    table, labels = draw_population(max(n, 1))
    rows = table.iloc[:n].assign(rank=np.arange(n) + 1, label=labels.to_numpy()[:n])
    images = draw_images(n, channels=channels)
    names = ("wgan", "extended isolation forest on image codes")
    return [(name, rows.copy(), images) for name in names], "What each detector finds first"


def plane_of(n: int, *, labelled: bool) -> tuple:
    table, labels = draw_population(n)
    sigma = table.set_index("object_id")["sigma"]
    shown = labels if labelled else None
    return draw_plane(table, labels), sigma, shown, "codes of the residuals"


def colours_of(n: int, names: tuple[str, ...]) -> tuple:
    table, labels = draw_population(n)
    rng = np.random.default_rng(3)
    values = pd.DataFrame(
        {
            "label": labels,
            "statistics.total_flux": rng.lognormal(2, 1, n),
            "is_primary": pd.array(rng.random(n) < 0.5, "boolean"),
            "n_visits": pd.array(rng.integers(1, 9, n), "Int64"),
        },
        index=table["object_id"],
    )
    values.iloc[: n // 10] = None
    return draw_plane(table, labels), values[list(names)], "map", "15 nearest; fitted: all"


def mosaic_of(n: int, channels: int = 3) -> tuple:
    table, labels = draw_population(n)
    chosen = mosaic.choose(draw_plane(table, labels), 12)
    return chosen, draw_images(len(chosen), channels=channels), "map", "15 nearest; fitted: all"


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mosaic_is_no_larger_than_it_is_printed(channels):
    """Large images are averaged down; small ones stay, pixel by pixel."""
    chosen, small, *rest = mosaic_of(300, channels=channels)
    large = np.repeat(np.repeat(small, 12, axis=1), 12, axis=2)

    def sheet(images):
        figure, _ = mosaic.draw(chosen, images, *rest)
        (axes,) = figure.axes
        return axes.images[0].get_array()

    n_columns = chosen["column"].max() + 1
    assert sheet(small).shape[1] == n_columns * small.shape[2]
    assert sheet(large).shape[1] <= 2 * 10 * 150 + n_columns
    row, column = chosen[["row", "column"]].iloc[0]
    side = sheet(large).shape[1] // n_columns
    cell = sheet(large)[row * side : (row + 1) * side, column * side : (column + 1) * side]
    assert cell.mean() == pytest.approx(small[0].mean(), abs=1.5)


def histogram_of(n: int, *, labelled: bool) -> tuple:
    table, labels = draw_population(n)
    return table, labels if labelled else None, "wgan"


def draw_rounds(experiments: int, classes: int, n_rounds: int = 12) -> pd.DataFrame:
    """Quantities that rise with the rounds, with their bands."""
    rng = np.random.default_rng(0)
    rows = [
        (f"learner_{e}", KINDS[c], r, quantity, 5, *[r / n_rounds * rng.uniform(0.5, 1)] * 4)
        for e in range(experiments)
        for c in range(classes)
        for r in range(1, n_rounds + 1)
        for quantity in rounds.TITLES
    ]
    columns = ["experiment", "class", "round", "quantity", "n_trials"]
    table = pd.DataFrame(rows, columns=[*columns, "mean", "mean_low", "mean_high", "median"])
    return table.assign(low=table["median"] - 0.1, high=table["median"] + 0.1)


def draw_viewed(experiments: int, classes: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """Curves that rise with the objects viewed, and what each experiment learns from."""
    table = draw_rounds(experiments, classes).rename(columns={"round": "n_viewed"})
    table = table[table["quantity"].isin(["n_found", "true_candidates"])]
    table["n_viewed"] *= 10
    names = table["experiment"].unique()
    return table, {e: ("images", "seen + components")[i % 2] for i, e in enumerate(names)}


def draw_latents(n: int, n_rounds: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame({
            "round": 5 * r + 1, "object_id": [str(i) for i in range(n)],
            "class": rng.choice(["plane", "car", "bird"], n, p=[0.5, 0.45, 0.05]),
            "asked": rng.random(n) < 0.1, "x": rng.normal(size=n), "y": rng.normal(size=n),
        })
        for r in range(n_rounds)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def draw_judged_objects(n: int) -> pd.DataFrame:
    """One network: logits in a line, entropies by them, a fifth of no class, some wrong."""
    rng = np.random.default_rng(0)
    place = rng.normal(0, 3, n)
    p = 1 / (1 + np.exp(-place))
    outside = np.arange(n) % 5 == 4
    role = np.where(outside, "outside", np.where(np.arange(n) % 5 == 0, "training", "test"))
    table = pd.DataFrame(
        {
            "training": 0,
            "fold": 0,
            "object_id": [f"galaxy-{i}" for i in range(n)],
            "role": role,
            "class": np.where(outside, -1, np.arange(n) % 2),
            "n_passes": 100,
            "wrong": (rng.random(n) < 0.2) & ~outside,
            "entropy": -(p * np.log(p) + (1 - p) * np.log1p(-p)),
            "confidence": np.maximum(p, 1 - p),
            "logit_0": place / 2,
            "logit_1": -place / 2 + rng.normal(0, 0.1, n),
            "score_local": np.abs(rng.normal(0, 1 + 3 * outside, n)),
        }
    )
    return pd.concat([table.assign(scaled=s) for s in (False, True)], ignore_index=True)


def draw_judged(trainings: int, settings: int, measures: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables judged and uncertainty."""
    rng = np.random.default_rng(0)
    judged = pd.DataFrame(
        {"setting": f"setting_{s}", "training": t, "measure": f"measure_{m}",
         "auroc": rng.random(), "flagged": float(rng.integers(0, 9))}
        for s in range(settings) for t in range(trainings) for m in range(measures)
    )  # fmt: skip
    long = judged.melt(["setting", "measure", "training"], var_name="quantity")
    found = long.groupby(["setting", "measure", "quantity"], sort=False)["value"]
    summary = found.agg(n_trainings="size", median="median", low="min", high="max")
    return judged, summary.reset_index()


def draw_explained(predictors: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"outcome": o, "predictor": f"option_{p}", "is_option": p < 3, "correlation": c,
         "low": c - 0.1, "high": c + 0.1, "importance": rng.random(), "importance_spread": 0.1,
         "forest_r2": 0.4}
        for o in ("auroc", "beyond_all") for p in range(predictors) for c in rng.uniform(-1, 1, 1)
    ]  # fmt: skip
    columns = ["outcome", "predictor", "is_option", "correlation", "low", "high", "importance"]
    return pd.DataFrame(rows, columns=[*columns, "importance_spread", "forest_r2"])


def strips_of(n: int, channels: int) -> tuple:
    """An example beside those nearest to it, ten for each further strip."""
    rng = np.random.default_rng(8)
    strips = []
    for i in range(3):
        rank = [np.nan, *range(1, n + 10 * i)][: n + 10 * i]
        rows = pd.DataFrame({"rank": rank, "distance": rng.uniform(0, 3, len(rank))})
        rows["object_id"] = [f"galaxy-{k:016d}" for k in range(len(rank))]
        rows["label"] = pd.Series(["a_very_long_label" if k % 3 else None for k in rows.index])
        strips.append((f"nearest to $object_{i}", rows, draw_images(len(rank), channels=channels)))
    return (strips if n else strips[:1]), "mine: codes, cosine distance"


def one_network(n: int) -> tuple:
    objects = draw_judged_objects(n)
    return objects[~objects["scaled"]], "local", ["FRI", "FRII"]


def call(function, *args, **kwargs):
    return lambda: function(*args, **kwargs)


FIGURES = {
    "reconstructions": call(reconstructions.draw, panels_of((6, 6, 6), 3), "wgan"),
    "reconstructions_tiny": call(reconstructions.draw, panels_of((1, 0, 0), 3), "wgan"),
    "reconstructions_grey": call(reconstructions.draw, panels_of((5, 2, 0), 1), "wgan"),
    "profiles": call(profiles.draw, *light_of(60)),
    "profiles_tiny": call(profiles.draw, *light_of(1)),
    "rows": call(codes.draw_rows, rows_of(7), "Walks", titles=["-1 σ", "0 σ"]),
    "rows_tiny": call(codes.draw_rows, {"one": {"1": draw_images(1)}}, "Samples"),
    "rows_grey": call(codes.draw_rows, rows_of(3, 1), "Samples"),
    "predictions": call(codes.draw_predictions, *columns_of(80)),
    "predictions_tiny": call(codes.draw_predictions, *columns_of(2, ("i_mag",))),
    "histogram": call(scores.draw_histogram, *histogram_of(5000, labelled=True)),
    "histogram_unlabelled": call(scores.draw_histogram, *histogram_of(5000, labelled=False)),
    "histogram_tiny": call(scores.draw_histogram, *histogram_of(1, labelled=True)),
    "embedding": call(embedding.draw, *plane_of(3000, labelled=True)),
    "embedding_unlabelled": call(embedding.draw, *plane_of(400, labelled=False)),
    "embedding_tiny": call(embedding.draw, *plane_of(1, labelled=True)),
    "colours": call(
        embedding.draw_columns,
        *colours_of(600, ("statistics.total_flux", "label", "n_visits", "is_primary")),
    ),
    "colours_tiny": call(embedding.draw_columns, *colours_of(1, ("label", "n_visits"))),
    "mosaic": call(mosaic.draw, *mosaic_of(300)),
    "mosaic_tiny": call(mosaic.draw, *mosaic_of(1)),
    "mosaic_grey": call(mosaic.draw, *mosaic_of(40, channels=1)),
    "groups": call(embedding.draw_groups, groups_of(5, 3)),
    "groups_tiny": call(embedding.draw_groups, groups_of(1, 3)),
    "groups_grey": call(embedding.draw_groups, groups_of(3, 1, residuals=False)),
    "gallery": call(galleries.draw, *gallery_of(25, 3)),
    "gallery_tiny": call(galleries.draw, *gallery_of(1, 3)),
    "gallery_grey": call(galleries.draw, *gallery_of(7, 1)),
    "gallery_spread": call(gallery_among_all, 25, 3000),
    "gallery_spread_tiny": call(gallery_among_all, 1, 1),
    "first": call(galleries.draw_first, *first_of(10, 3)),
    "first_tiny": call(galleries.draw_first, *first_of(1, 1)),
    "similar": call(similar.draw, *strips_of(8, 3)),
    "similar_tiny": call(similar.draw, *strips_of(1, 3)),
    "similar_grey": call(similar.draw, *strips_of(5, 1)),
    "history": call(training.draw_history, draw_histories(200), {"gradient_penalty": "penalty"}),
    "history_tiny": call(training.draw_history, {"encoder": draw_histories(1)["encoder"]}, {}),
    "samples": call(training.draw_samples, draw_images(36), draw_images(36, seed=1)),
    "samples_tiny": call(training.draw_samples, draw_images(1), draw_images(1)),
    "samples_grey": call(training.draw_samples, draw_images(9, channels=1), draw_images(4)),
    "curves": call(
        performance.draw_curves, draw_roc(), ["wgan", "codes/isolation_forest"], "anomalies"
    ),
    "curves_tiny": call(performance.draw_curves, draw_roc(1, points=2), ["wgan"], "anomalies"),
    "by_kind": call(performance.draw_by_kind, draw_metrics(3, 5), "auroc", faults=FAULTS),
    "by_space": call(performance.draw_by_space, draw_metrics(3, 5), "anomalies"),
    "by_space_tiny": call(performance.draw_by_space, draw_metrics(1, 1), "ring"),
    "by_kind_tiny": call(
        performance.draw_by_kind, draw_metrics(1, 1), "recall_at_3_sigma", faults=FAULTS
    ),
    "studies": call(studies.draw, draw_study(3)),
    "studies_tiny": call(studies.draw, draw_study(1).drop(columns="seed").iloc[:2]),
    "prediction": call(claim.draw_neighbour_prediction, draw_prediction(3)),
    "prediction_tiny": call(claim.draw_neighbour_prediction, draw_prediction(1).iloc[:1]),
    "rounds": call(rounds.draw_rounds, draw_rounds(4, 2)),
    "rounds_tiny": call(rounds.draw_rounds, draw_rounds(1, 1, n_rounds=1)),
    "datasets": call(
        rounds.draw_datasets,
        {"digits": draw_rounds(3, 2), "photographs": draw_rounds(2, 1), "galaxies": None},
        "Dynamic and static",
        ["learner_0", "learner_2"],
        ["pool_mcc", "true_candidates"],
    ),
    "viewed": call(viewed.draw, *draw_viewed(5, 2)),
    "viewed_tiny": call(viewed.draw, *draw_viewed(1, 1)),
    "latents": call(latents.draw, draw_latents(900, 4), "ahunt"),
    "latents_tiny": call(latents.draw, draw_latents(1, 1), "ahunt"),
    "uncertainty": call(uncertainty.draw_objects, *one_network(800)),
    "uncertainty_tiny": call(uncertainty.draw_objects, *one_network(1)),
    "spread": call(uncertainty.draw_spread, *draw_judged(20, 3, 12)),
    "spread_tiny": call(uncertainty.draw_spread, *draw_judged(1, 1, 1)),
    "reliability": call(uncertainty.draw_reliability, draw_judged_objects(800)),
    "reliability_tiny": call(uncertainty.draw_reliability, draw_judged_objects(2)),
    "explained": call(uncertainty.draw_explained, draw_explained(7)),
    "explained_tiny": call(uncertainty.draw_explained, draw_explained(1)),
    "purity": call(claim.draw_purity, draw_purities(3)),
    "purity_tiny": call(claim.draw_purity, draw_purities(1).iloc[:1]),
}
EMPTY = {
    "reconstructions": call(reconstructions.draw, panels_of((0, 0, 0), 3), "wgan"),
    "reconstructions_none": call(reconstructions.draw, [], "wgan"),
    "profiles": call(profiles.draw, *light_of(0)),
    "rows": call(codes.draw_rows, {}, "Samples"),
    "predictions": call(codes.draw_predictions, *columns_of(0)),
    "histogram": call(
        scores.draw_histogram, draw_population(4)[0].assign(sigma=np.nan), None, "wgan"
    ),
    "embedding": call(
        embedding.draw, plane_of(3, labelled=True)[0].iloc[:0], *plane_of(3, labelled=True)[1:]
    ),
    "colours": call(
        embedding.draw_columns,
        colours_of(3, ("label",))[0].iloc[:0],
        *colours_of(3, ("label",))[1:],
    ),
    "mosaic": call(
        mosaic.draw, mosaic.choose(plane_of(3, labelled=True)[0].iloc[:0]), draw_images(0), "map"
    ),
    "groups": call(embedding.draw_groups, []),
    "gallery": call(galleries.draw, *gallery_of(0, 3)),
    "gallery_spread": call(gallery_among_all, 0, 1),
    "similar": call(similar.draw, *strips_of(0, 3)),
    "history": call(training.draw_history, {}, {}),
    "samples": call(training.draw_samples, draw_images(0), draw_images(0)),
    "curves": call(performance.draw_curves, draw_roc(), ["wgan"], "faults"),
    "by_kind": call(performance.draw_by_kind, draw_metrics(1).iloc[:0], "mcc"),
    "by_space": call(performance.draw_by_space, draw_metrics(1).iloc[:0], "anomalies"),
    "first": call(galleries.draw_first, *first_of(0, 3)),
    "studies": call(studies.draw, draw_study(1).iloc[:0]),
    "prediction": call(claim.draw_neighbour_prediction, draw_prediction(1).iloc[:0]),
    "purity": call(claim.draw_purity, draw_purities(1).iloc[:0]),
    "rounds": call(rounds.draw_rounds, draw_rounds(1, 1).iloc[:0]),
    "viewed": call(viewed.draw, draw_viewed(1, 1)[0].iloc[:0], {}),
    "explained": call(uncertainty.draw_explained, draw_explained(0)),
}
ORDINARY = [name for name in FIGURES if not name.endswith(("_tiny", "_grey", "_unlabelled"))]
pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("name", ORDINARY)
def test_the_same_numbers_give_the_same_bytes(name, tmp_path):
    for run in ("first", "second"):
        figure, table = FIGURES[name]()
        assert isinstance(figure, Figure)
        assert len(table)
        figure.savefig(tmp_path / f"{run}.png", metadata={"Software": None})
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


@pytest.mark.parametrize("name", sorted(set(FIGURES) - set(ORDINARY)))
def test_tiny_and_grey_input_is_drawn(name):
    figure, table = FIGURES[name]()
    figure.canvas.draw()
    assert len(table)


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_said(name):
    figure, _ = EMPTY[name]()
    figure.canvas.draw()
    texts = " ".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))
    assert any(phrase in texts for phrase in ("no ", "0 of 0", "too few"))


def test_a_data_set_without_a_run_is_said_and_an_unknown_experiment_refused():
    found = {"digits": draw_rounds(2, 1), "galaxies": None}
    figure, table = rounds.draw_datasets(found, "Both", ["learner_0"], ["pool_mcc"])
    assert len(figure.axes) == 1 and figure.get_suptitle() == "Both\nnot run: galaxies"
    assert set(table["dataset"]) == {"digits"} and set(table["experiment"]) == {"learner_0"}
    other = draw_rounds(2, 1).replace({"experiment": {"learner_0": "learner_9"}})
    figure, _ = rounds.draw_datasets(found | {"more": other}, "Both", ["learner_0"], ["pool_mcc"])
    assert figure.get_suptitle().endswith("not run: galaxies\nwithout these experiments: more")
    with pytest.raises(ValueError, match="allowed: learner_0, learner_1"):
        rounds.draw_datasets(found, "Both", ["other"], ["pool_mcc"])


@pytest.mark.parametrize(("experiments", "has_bands"), [(6, True), (7, False)])
def test_bands_that_would_hide_one_another_are_left_out(experiments, has_bands):
    figure, _ = rounds.draw_rounds(draw_rounds(experiments, 1))
    assert all(bool(axes.collections) == has_bands for axes in figure.axes)
    assert all(len(axes.lines) == experiments for axes in figure.axes)


def test_save_writes_png_and_pdf_without_dates(tmp_path):
    for run in ("first", "second"):
        figure, _ = FIGURES["purity"]()
        _style.save(figure, tmp_path / f"{run}.png", tmp_path / f"{run}.pdf")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "first.pdf", "first.png", "second.pdf", "second.png"
    ]  # fmt: skip
    for suffix in ("png", "pdf"):
        data = (tmp_path / f"first.{suffix}").read_bytes()
        assert data == (tmp_path / f"second.{suffix}").read_bytes()
        assert b"CreationDate" not in data
    assert data.startswith(b"%PDF")


def test_the_users_settings_change_nothing(tmp_path):
    import matplotlib

    FIGURES["studies_tiny"]()[0].savefig(tmp_path / "plain.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "figure.dpi": 40}):
        figure, _ = FIGURES["studies_tiny"]()
        _style.save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
        assert matplotlib.rcParams["font.size"] == 30
    figure, _ = FIGURES["studies_tiny"]()
    _style.save(figure, tmp_path / "b.png", tmp_path / "b.pdf")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_pairs_of_light_stand_in_the_table():
    real, rebuilt = light_of(5)
    _, table = profiles.draw(real, rebuilt)
    own = table[table["panel"] == "total_light"]
    np.testing.assert_array_equal(own["real"], real.total)
    np.testing.assert_array_equal(own["reconstructed"], rebuilt.total)
    profile = table[table["panel"] == "profile"]
    np.testing.assert_allclose(profile["real"], np.median(real.profile, axis=0))
    assert (profile["reconstructed_low"] <= profile["reconstructed_high"]).all()


def test_objects_without_a_column_are_left_out_of_its_panel():
    known, predicted = columns_of(9)
    _, table = codes.draw_predictions(known, predicted)
    assert table["column"].value_counts().to_dict() == {"i_mag": 6, "size": 9, "colour": 9, "z": 9}
    row = table[table["column"] == "size"].iloc[4]
    assert row["catalogue"] == known["size"].iloc[4]
    assert row["predicted"] == predicted["size"].iloc[4]


def test_images_stand_in_their_rows():
    panels = panels_of((2, 3, 0), 3)
    figure, table = reconstructions.draw(panels, "wgan")
    for axes, (_, *rows, sigma) in zip(figure.axes, panels, strict=True):
        shown = axes.get_images()
        assert len(shown) == 3 * len(sigma)
        for artist, image in zip(shown, [i for row in rows for i in row], strict=True):
            np.testing.assert_array_equal(artist.get_array(), image)
        tops = [artist.get_extent()[3] for artist in shown]
        assert tops == sorted(tops)
    assert table["panel"].tolist() == ["below the mean"] * 2 + ["around 3 σ"] * 3
    np.testing.assert_allclose(table["sigma"], [-1, 0, 2, 2.5, 3])
    assert table["mean_residual"][0] == pytest.approx(panels[0][3][0].mean())


def test_histogram_counts_every_scored_object():
    table = pd.DataFrame({"object_id": list("abcdef"), "sigma": [-30, 0, 3.0, 3.1, 99, np.nan]})
    labels = pd.Series({"e": "trail", "d": "arc", "f": "arc", "unseen": "ring"})
    figure, numbers = scores.draw_histogram(table, labels, "wgan")
    bins = numbers[numbers["quantity"] == "bin"].groupby("label")["n_objects"].sum()
    assert bins.to_dict() == {"all": 5, "arc": 1, "trail": 1}
    beyond = numbers[numbers["quantity"] == "beyond"].set_index("label")
    assert beyond["n_objects"].to_dict() == {"all": 2, "trail": 1, "arc": 1}
    assert beyond.loc["all", "share"] == pytest.approx(0.4)
    title = figure.axes[0].get_title(loc="left")
    assert "2 of 5 scored objects (40.00%) beyond 3 σ" in title
    assert "1 without a score" in title
    assert "1 beyond 20 σ in the last bin" in title


def test_scores_and_labels_join_on_the_object():
    plane, sigma, labels, title = plane_of(50, labelled=True)
    _, straight = embedding.draw(plane, sigma, labels, title)
    shuffled = sigma.sample(frac=1, random_state=1), labels.sample(frac=1, random_state=2)
    _, joined = embedding.draw(plane, *shuffled, title)
    pd.testing.assert_frame_equal(straight, joined)
    np.testing.assert_array_equal(straight["sigma"], sigma[straight["object_id"]])


def test_a_map_has_one_scale_and_says_whose_score_it_shows():
    figure, _ = embedding.draw(*plane_of(50, labelled=True), score="forest on codes")
    assert "forest on codes (σ above the mean)" in {axes.get_ylabel() for axes in figure.axes}
    maps = [axes for axes in figure.axes if axes.get_xlabel().startswith("first")]
    assert len(maps) == 3 and all(axes.get_aspect() == 1 for axes in maps)


@pytest.mark.parametrize(("n_kinds", "said"), [(3, "none (10)"), (40, "none, or a rarer one (36)")])
def test_the_key_says_what_is_grey(n_kinds, said):
    plane, sigma, labels, title = plane_of(50, labelled=True)
    labels = pd.Series([f"kind {i % n_kinds:02d}" for i in range(50)], labels.index, dtype=object)
    labels.iloc[-10:] = None
    figure, _ = embedding.draw(plane, sigma, labels, title)
    [key] = [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    assert key.get_texts()[-1].get_text() == said


def test_a_loss_that_is_the_error_is_drawn_once():
    history = pd.DataFrame({"iteration": [1, 2], "loss": [3.0, 2.0], "error": [3.0, 2.0]})
    more = history.assign(loss=[4.0, 3.0])
    figure, table = training.draw_history({"codes": history, "latent": more}, {})
    assert sum(axes.axison for axes in figure.axes) == 3
    assert set(zip(table["model"], table["quantity"], strict=True)) == {
        ("codes", "error"),
        ("latent", "error"),
        ("latent", "loss"),
    }


def test_values_have_digits_enough_to_tell_them_apart():
    assert codes.numbered([20.3612, 19.0]) == {20.3612: "20.36", 19.0: "19"}
    assert list(codes.numbered([20.3612, 20.3618]).values()) == ["20.361", "20.362"]


def test_typical_members_may_be_unknown():
    plane, sigma, labels, title = plane_of(20, labelled=False)
    plane["typical"] = pd.Series([None] * 20, dtype=object)
    plane.loc[0, "x"] = np.nan
    _, table = embedding.draw(plane, sigma.iloc[5:], labels, title)
    assert len(table) == 19
    assert table["sigma"].isna().sum() == 4


def test_columns_join_on_the_object_and_missing_values_are_grey():
    plane, values, *rest = colours_of(50, ("statistics.total_flux", "is_primary"))
    figure, table = embedding.draw_columns(plane, values.sample(frac=1, random_state=1), *rest)
    np.testing.assert_array_equal(
        table["statistics.total_flux"], values["statistics.total_flux"].loc[table["object_id"]]
    )
    dots = [len(c.get_offsets()) for axes in figure.axes[:1] for c in axes.collections]
    assert dots == [5, 45]  # grey ones first


def test_what_a_plane_keeps_is_said():
    ends = ("", "_low", "_high")
    columns = [f"{m}{e}" for m in ("trustworthiness", "continuity") for e in ends]
    quality = pd.DataFrame({c: [0.9, 0.9876, 0.8, np.nan] for c in columns})
    quality["n_neighbours"] = [5, 15, 15, 50]
    quality["objects"] = ["fitted", "fitted", "placed", "fitted"]
    assert embedding.stated(quality) == (
        "15 nearest; fitted objects: trustworthiness 0.988, continuity 0.988; "
        "placed objects: trustworthiness 0.800, continuity 0.800"
    )
    assert embedding.stated(quality.iloc[3:]).startswith("too few objects")


def test_the_object_nearest_to_a_cells_centre_is_chosen():
    places = {"a": (0, 0), "b": (0.6, 0.4), "c": (1, 1), "d": (4, 2), "e": (2.5, 0.5)}
    xy = np.array(list(places.values()), float)
    plane = pd.DataFrame({"object_id": list(places), "x": xy[:, 0], "y": xy[:, 1]})
    plane.loc[len(plane)] = ["nowhere", np.nan, 0.0]
    chosen = mosaic.choose(plane, n_cells=4).set_index("object_id")
    # cells of side 1, four across and two down; the upper ends belong to the last cells
    assert chosen[["row", "column"]].to_dict("index") == {
        "b": {"row": 1, "column": 0},
        "c": {"row": 0, "column": 1},
        "d": {"row": 0, "column": 3},
        "e": {"row": 1, "column": 2},
    }
    assert chosen["n_objects"].to_dict() == {"b": 2, "c": 1, "d": 1, "e": 1}
    assert mosaic.choose(plane)["column"].max() == 2  # of five objects
    own = mosaic.choose(plane, lattice=(5, 4)).set_index("object_id")
    assert own[["row", "column"]].to_dict("index") == {  # a at (0, 0) is the first unit's centre
        "a": {"row": 3, "column": 0},
        "b": {"row": 3, "column": 1},
        "c": {"row": 2, "column": 1},
        "d": {"row": 1, "column": 4},
        "e": {"row": 2, "column": 3},
    }
    figure, _ = mosaic.draw(chosen.reset_index(), np.full((4, 8, 8, 3), 7, np.uint8), "map")
    sheet = figure.axes[0].images[0].get_array()
    shown = sheet.reshape(2, 8, 4, 8, 3)[:, 0, :, 0, 0] == 7
    assert shown.tolist() == [[False, True, False, True], [True, False, True, False]]


def test_gallery_titles_name_rank_score_label_and_object():
    rows = pd.DataFrame(
        {
            "rank": [1, 2],
            "object_id": ["1237648720693755918", "image-of-the-cost-$5-and-$6-galaxy"],
            "sigma": [12.34, np.nan],
            "label": ["ring", None],
        }
    )
    titles = galleries.title_lines(rows)
    assert titles[0] == "1:  12.3 σ\nring\n1237648720693755918"
    assert titles[1].startswith("2:  no score\nimage-of")
    figure, table = galleries.draw(draw_images(2), titles, "$a$ and $b$", numbers=rows)
    figure.canvas.draw()
    assert table["sigma"][0] == 12.34
    assert table["position"].tolist() == [1, 2]


def test_gallery_marks_the_shown_ones_among_all_scores():
    sigma = pd.Series([-1.0, -0.9, 0.1, 0.6, 2.3, np.nan])
    rows = pd.DataFrame({"rank": [1], "object_id": ["a"], "sigma": [2.3]})
    figure, _ = galleries.draw(draw_images(1), ["a"], "Highest", numbers=rows, among=sigma)
    everyone, shown = (patch.get_data() for patch in figure.axes[0].patches)
    assert everyone.values.sum() == 5 and shown.values.sum() == 1
    np.testing.assert_array_equal(everyone.edges[:-1][everyone.values == 2], [-1.0])
    np.testing.assert_array_equal(everyone.edges[:-1][shown.values == 1], [2.25])
    assert [t.get_text() for t in figure.axes[0].get_legend().texts] == ["5 objects", "the 1 below"]


def test_first_objects_stand_in_their_detector_s_row():
    strips, heading = first_of(10, 3)
    strips[1][1]["label"] = "satellite_trail"
    strips[1][1]["sigma"] = np.arange(10.0)
    figure, table = galleries.draw_first(strips, heading)
    assert [t.get_text() for t in figure.axes[1].texts].count("satellite\ntrail") == 10
    own = table[table["detector"] == strips[1][0]]
    assert own["sigma"].tolist() == list(range(10)) and len(table) == 20


def test_seeds_of_a_cell_are_summed_up():
    metrics = draw_metrics(3, 5)
    _, table = performance.draw_by_space(metrics, "anomalies")
    own = (metrics["group"] == "anomalies") & (metrics["metric"] == "auroc")
    own &= (metrics["features"] == "codes") & (metrics["detector"] == "isolation_forest")
    row = table[(table["metric"] == "auroc") & (table["features"] == "codes")].iloc[0]
    assert row["detector"] == "isolation_forest" and row["n_seeds"] == 3 == own.sum()
    values = metrics.loc[own, "value"]
    assert row["value"] == pytest.approx(values.mean())
    assert (row["lowest"], row["highest"]) == (values.min(), values.max())
    chances = table.drop_duplicates("metric").set_index("metric")["chance"].to_dict()
    assert chances["auroc"] == 0.5 and chances["precision_at_50"] == pytest.approx(40 / 940)
    assert chances["recall_at_10_percent"] == pytest.approx(0.1)


def test_words_of_the_user_are_no_formulae():
    assert _style.plain("$x^$") == r"\$x^\$"
    assert _style.plain("_hidden") == " _hidden"
    assert _style.shortened("123456789012345678901234567890", 11) == "12345…67890"
    assert _style.sigmas(-0.01) == "0.0 σ"


def test_held_out_loss_shares_its_panel():
    figure, table = training.draw_history(
        draw_histories(30), {"wgan.generator_loss": "the critic's verdict", "loss": "mean square"}
    )
    shown = [axes for axes in figure.axes if axes.has_data()]
    assert len(shown) == 7
    labels = [axes.get_ylabel() for axes in shown]
    assert labels.count("the critic's verdict") == 1
    assert labels.count("mean square") == 2
    assert len(shown[-1].lines) == 2
    assert (
        len(table)
        == 30 * 7 + np.isfinite(draw_histories(30)["residual_autoencoder"])["held_out_loss"].sum()
    )


def test_curves_come_in_the_order_asked_for():
    figure, table = performance.draw_curves(draw_roc(), ["column", "images/wgan"], "anomalies")
    assert table["detector"].drop_duplicates().tolist() == ["column", "wgan"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["column on codes", "wgan", "chance"]
    np.testing.assert_allclose(figure.axes[1].lines[-1].get_ydata(), 0.04)


def test_kinds_are_averaged_over_seeds_and_parted_from_faults():
    metrics = draw_metrics(3)
    _, table = performance.draw_by_kind(metrics, "average_precision", faults=FAULTS)
    faults = table[table["family"] == "fault"]
    assert set(faults["group"]) == {"faults", *FAULTS}
    assert set(table["n_seeds"]) == {3}
    np.testing.assert_allclose(table["chance"], 40 / 940)
    mean = metrics[
        (metrics["metric"] == "average_precision")
        & (metrics["group"] == "ring")
        & (metrics["detector"] == "wgan")
    ]["value"].mean()
    row = table[(table["group"] == "ring") & (table["detector"] == "wgan")]
    assert row["value"].item() == pytest.approx(mean)


def test_studies_fold_percentiles_into_bars():
    figure, table = studies.draw(draw_study(2))
    ratios = table[table["quantity"] == "ratio_50"].set_index("setting")
    assert ratios.loc["random", ["low", "value", "high"]].tolist() == pytest.approx(
        [1.68, 2.1, 3.15]
    )
    assert not table["quantity"].isin(["ratio_16", "ratio_84"]).any()
    assert "chosen" not in set(table["setting"])
    assert any(t.get_text() == " in use" for t in figure.axes[0].texts)


def test_purity_not_above_chance_is_hollow():
    table = draw_purities(1).iloc[:2].assign(purity=[0.9, 0.05], chance=0.1, chance_high=0.2)
    figure, _ = claim.draw_purity(table)
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() for line in marks] == [_style.COLOURS[0], "white"]


def test_any_two_series_differ_in_more_than_colour():
    looks = [_style.look(i) for i in range(30)]
    pairs = [(look["marker"], str(look["linestyle"])) for look in looks]
    assert len(set(pairs)) == len(pairs)


CAPTIONS = sorted(path.stem for path in REPORT.glob("*.rst"))


@pytest.mark.parametrize("name", CAPTIONS)
def test_captions_are_valid_text(name):
    core = pytest.importorskip("docutils.core")
    text = (REPORT / f"{name}.rst").read_text(encoding="utf-8")
    assert text.strip().endswith(".")
    core.publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 2})


def test_the_first_experiment_is_drawn_in_every_panel_of_found_against_viewed():
    table, spaces = draw_viewed(4, 1)
    figure, drawn = viewed.draw(table, spaces)
    panels = {a.get_title(loc="left").split(") ")[1]: a for a in figure.axes}
    assert set(panels) == {"images", "seen + components"}
    names = {k: {line.get_label() for line in a.lines} for k, a in panels.items()}
    assert names["images"] == {"learner_0", "learner_2"}
    assert names["seen + components"] == {"learner_0", "learner_1", "learner_3"}
    assert set(drawn["quantity"]) == {"n_found"} and set(drawn["space"]) == set(panels)
    assert all(a.collections for a in figure.axes)
    figure, _ = viewed.draw(*draw_viewed(18, 1))
    assert not any(a.collections for a in figure.axes), "bands would hide one another"


def test_rounds_without_held_out_objects_have_no_empty_panels():
    table = draw_rounds(2, 3)
    columns = ["mean", "mean_low", "mean_high", "median", "low", "high"]
    table.loc[table["quantity"].str.startswith("held_out"), columns] = np.nan
    figure, drawn = rounds.draw_rounds(table)
    assert set(drawn["quantity"]) == {"pool_mcc", "n_found"}
    assert len(figure.axes) == 2 * 3 and all(axes.lines for axes in figure.axes)
    assert len(rounds.draw_rounds(draw_rounds(2, 3))[0].axes) == 4 * 3
