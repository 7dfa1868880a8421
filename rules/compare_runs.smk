# Figures and tables over the finished runs of several data sets.
from hoag.collection import make_collection

try:
    COLLECTION = make_collection(config)
except ConfigError as error:
    sys.exit(f"hoag: {error}")

RUN = COLLECTION.run
RESULTS = f"results/{RUN}"
ROUNDS = {name: path for name, path in COLLECTION.rounds.items() if path}


wildcard_constraints:
    run=RUN,
    figure="|".join(COLLECTION.figures) or "none",


def all_results():
    figures = [f"{RESULTS}/figures/{name}.png" for name in COLLECTION.figures]
    return [f"{RESULTS}/tables/collected.csv", *figures]


rule collect_rounds:
    input:
        rounds=list(ROUNDS.values()),
        published=COLLECTION.published or [],
    output:
        table="results/{run}/tables/collected.csv",
    log:
        "results/{run}/logs/collect_rounds.log",
    benchmark:
        "results/{run}/benchmarks/collect_rounds.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        datasets=list(COLLECTION.rounds),
        run_datasets=list(ROUNDS),
        code=code("collect_rounds"),
        libraries=libraries("analysis"),
    message:
        "Set the last rounds beside the published numbers"
    script:
        "../workflow/scripts/collect_rounds.py"


rule plot_datasets:
    input:
        rounds=list(ROUNDS.values()),
    output:
        png=report(
            "results/{run}/figures/{figure}.png",
            caption="../workflow/report/datasets.rst",
            category="Active learning",
            labels={"figure": "{figure}"},
        ),
        pdf="results/{run}/figures/{figure}.pdf",
        table="results/{run}/tables/figures/{figure}.csv",
    log:
        "results/{run}/logs/plot_datasets/{figure}.log",
    benchmark:
        "results/{run}/benchmarks/plot_datasets/{figure}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        datasets=list(COLLECTION.rounds),
        run_datasets=list(ROUNDS),
        section=lambda wc: COLLECTION.figures[wc.figure],
        code=code("plot_datasets"),
        libraries=libraries("figures"),
    message:
        "Draw {wildcards.figure}"
    script:
        "../workflow/scripts/plot_datasets.py"
