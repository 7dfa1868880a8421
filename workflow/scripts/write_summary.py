"""The run in five lines, as text for the terminal and as a page for the report."""

import html

import pandas as pd

from _job import job
from _spaces import spaces_of
from hoag import tables
from hoag.files import atomic
from hoag.scores import score_name


def main(
    path_ranked: str,
    paths_metrics: list[str],
    paths_checks: list[str],
    paths_failures: dict[str, list[str]],
    path_text: str,
    path_page: str,
    *,
    run: str,
    main: dict[str, str],
    flag_above_sigma: float,
    seed: int,
    acknowledgement: str,
) -> None:
    ranked = tables.read("ranked", path_ranked)
    name = score_name(main["features"], main["detector"])
    sigma = ranked[f"{name}_sigma"]
    n_flagged = int((sigma > flag_above_sigma).sum())
    lines = {
        "run": f"{run}: detector {name}, seed {seed}",
        "objects": f"{len(ranked)}, {int(sigma.notna().sum())} of them scored" + _lost(ranked),
        "flagged": f"{n_flagged} above {flag_above_sigma:g} sigma "
        f"({100 * n_flagged / max(1, len(ranked)):.1f} %)",
    }
    if incomplete := _incomplete(paths_failures):
        lines["features"] = incomplete
    if paths_metrics:
        metrics = tables.read("metrics", paths_metrics[0])
        lines |= _quality(metrics, main, seed)
    checks = [tables.read("checks", p) for p in paths_checks]
    failed = pd.concat(c[~c["passed"]] for c in checks) if checks else pd.DataFrame()
    marks = [
        f"CHECK FAILED ({r.model}, seed {r.seed}): {r.check} = {r.value:.3g}: {r.meaning}"
        for r in failed.itertuples()
    ]
    with atomic(path_text) as private:
        text = [f"{key:<9} {value}" for key, value in lines.items()] + marks
        private.write_text("\n".join(text) + "\n")
    with atomic(path_page) as private:
        private.write_text(_page(lines, marks, acknowledgement, checked=bool(checks)))


def _lost(ranked: pd.DataFrame) -> str:
    """How many objects have neither image nor trace, and why."""
    lost = ranked.loc[ranked["status"] != "ok", "status"].value_counts()
    said = ", ".join(f"{n} {status}" for status, n in lost.items())
    return f"; without data: {said}" if said else ""


def _incomplete(paths: dict[str, list[str]]) -> str:
    """How many objects lack features of each space, and the commonest reasons."""
    said = []
    for space, own in paths.items():
        reasons = pd.concat([tables.read("failures", p) for p in own])["reason"].value_counts()
        if len(reasons):
            why = ", ".join(f"{n} {reason}" for reason, n in reasons[:3].items())
            said.append(f"{reasons.sum()} lack some of {space} ({why})")
    return "; ".join(said)


def _quality(metrics: pd.DataFrame, main: dict[str, str], seed: int) -> dict[str, str]:
    """Recall and AUROC of the main detector, anomalies and faults apart."""
    own = metrics[
        (metrics["features"] == main["features"])
        & (metrics["detector"] == main["detector"])
        & (metrics["seed"] == seed)
    ].set_index(["metric", "group"])
    lines = {}
    for title, metric in (("recall", "recall_at_3_sigma"), ("AUROC", "auroc")):
        groups = [g for g in ("anomalies", "faults") if (metric, g) in own.index]
        said = [
            f"{g} {r['value']:.3f} [{r['low']:.3f}, {r['high']:.3f}]"
            for g in groups
            for r in [own.loc[(metric, g)]]
        ]
        suffix = " (at 3 sigma)" if title == "recall" else ""
        lines[title] = ", ".join(said) + suffix
    return lines


def _page(lines: dict[str, str], marks: list[str], acknowledgement: str, *, checked: bool) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in lines.items()
    )
    warning = "".join(f"<p class=failed>&#9888; {html.escape(m)}</p>" for m in marks)
    checks = warning or f"<p>{'All checks passed.' if checked else 'No training to check.'}</p>"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Summary</title>
<style>body{{font:16px/1.5 sans-serif;margin:2em;max-width:50em}}
th{{text-align:left;padding-right:2em;vertical-align:top}}
.failed{{background:#fbe3d6;border-left:6px solid #d55e00;padding:.5em 1em}}</style>
<h1>Summary</h1><table>{rows}</table><h2>Checks</h2>{checks}
<h2>Acknowledgement</h2><p>{html.escape(acknowledgement)}</p></html>
"""


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ranked,
            list(snakemake.input.metrics),
            list(snakemake.input.checks),
            spaces_of(dict(snakemake.input.items())),
            snakemake.output.text,
            snakemake.output.page,
            run=snakemake.params.run,
            main=snakemake.params.main,
            flag_above_sigma=snakemake.params.flag_above_sigma,
            seed=snakemake.params.seed,
            acknowledgement=snakemake.params.acknowledgement,
        )
