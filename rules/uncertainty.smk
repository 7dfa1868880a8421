# Whether a classifier's uncertainty finds what belongs to none of its classes. A job trains a block of
# classifiers; a training depends on its number alone.
rule train_classifiers:
    input:
        images=shards(IMAGES, PLAN.fit_batches),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.fit_batches
        ),
    output:
        predictions="results/{run}/uncertainty/{setting}/predictions-{block}.parquet",
        trainings="results/{run}/uncertainty/{setting}/trainings-{block}.csv",
    log:
        "results/{run}/logs/train_classifiers/{setting}-{block}.log",
    benchmark:
        "results/{run}/benchmarks/train_classifiers/{setting}-{block}.tsv"
    priority: 1  # more waits for it than for a figure
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPU,
    params:
        options=options_of_trainings,
        trainings=options_by_training,
        seed=SEED,
        code=code("train_classifiers", ("features", "classifier")),
        libraries=libraries("torch"),
    message:
        "Train the classifiers of {wildcards.setting}, block {wildcards.block}"
    script:
        "../workflow/scripts/train_classifiers.py"


rule judge_classifiers:
    input:
        predictions=training_blocks(
            "results/{run}/uncertainty/{setting}/predictions-{block}.parquet"
        ),
        trainings=training_blocks(
            "results/{run}/uncertainty/{setting}/trainings-{block}.csv"
        ),
    output:
        objects="results/{run}/uncertainty/{setting}/objects.parquet",
        judged="results/{run}/uncertainty/{setting}/judged.csv",
        classifiers="results/{run}/uncertainty/{setting}/classifiers.csv",
    log:
        "results/{run}/logs/judge_classifiers/{setting}.log",
    benchmark:
        "results/{run}/benchmarks/judge_classifiers/{setting}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        measures=lambda wc: PLAN.uncertainty.measures,
        confident=CONFIG.get("uncertainty", {}).get("confident", []),
        n_passes=numbers_of_passes(),
        # networks that differ by options are no ensemble
        ensembles=lambda wc: not PLAN.uncertainty.settings[wc.setting].ranges,
        code=code_of_measures("judge_classifiers"),
        libraries=libraries("analysis"),
    message:
        "Judge the uncertainty of {wildcards.setting}"
    script:
        "../workflow/scripts/judge_classifiers.py"


rule compare_classifiers:
    input:
        judged=every_setting("judged.csv"),
        classifiers=every_setting("classifiers.csv"),
    output:
        uncertainty="results/{run}/tables/uncertainty.csv",
        pairs="results/{run}/tables/uncertainty_pairs.csv",
        explained="results/{run}/tables/explained.csv",
        classifiers="results/{run}/tables/classifiers.csv",
        networks="results/{run}/tables/networks.csv",
    log:
        "results/{run}/logs/compare_classifiers.log",
    benchmark:
        "results/{run}/benchmarks/compare_classifiers.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        measure=lambda wc: PLAN.uncertainty.measure,
        ranges=lambda wc: {
            name: list(s.ranges) for name, s in PLAN.uncertainty.settings.items()
        },
        seed=SEED,
        code=code("compare_classifiers"),
        libraries=libraries("analysis"),
    message:
        "Compare the measures of uncertainty"
    script:
        "../workflow/scripts/compare_classifiers.py"


rule plot_uncertainty:
    input:
        objects=f"results/{{run}}/uncertainty/{first_setting()}/objects.parquet",
        uncertainty="results/{run}/tables/uncertainty.csv",
        judged=every_setting("judged.csv"),
        explained="results/{run}/tables/explained.csv",
        images=shards(IMAGES, PLAN.fit_batches),
    output:
        objects_png=report(
            "results/{run}/figures/uncertainty-objects.png",
            caption="../workflow/report/uncertainty-objects.rst",
            category="Uncertainty",
            labels={"figure": "one network"},
        ),
        objects_pdf="results/{run}/figures/uncertainty-objects.pdf",
        objects_table="results/{run}/tables/figures/uncertainty-objects.csv",
        flagged_png=report(
            "results/{run}/figures/uncertainty-flagged.png",
            caption="../workflow/report/uncertainty-flagged.rst",
            category="Uncertainty",
            labels={"figure": "flagged objects"},
        ),
        flagged_pdf="results/{run}/figures/uncertainty-flagged.pdf",
        flagged_table="results/{run}/tables/figures/uncertainty-flagged.csv",
        spread_png=report(
            "results/{run}/figures/uncertainty-spread.png",
            caption="../workflow/report/uncertainty-spread.rst",
            category="Uncertainty",
            labels={"figure": "all measures"},
        ),
        spread_pdf="results/{run}/figures/uncertainty-spread.pdf",
        spread_table="results/{run}/tables/figures/uncertainty-spread.csv",
        reliability_png=report(
            "results/{run}/figures/uncertainty-reliability.png",
            caption="../workflow/report/uncertainty-reliability.rst",
            category="Uncertainty",
            labels={"figure": "calibration"},
        ),
        reliability_pdf="results/{run}/figures/uncertainty-reliability.pdf",
        reliability_table="results/{run}/tables/figures/uncertainty-reliability.csv",
        explained_png=report(
            "results/{run}/figures/uncertainty-explained.png",
            caption="../workflow/report/uncertainty-explained.rst",
            category="Uncertainty",
            labels={"figure": "what makes it work"},
        ),
        explained_pdf="results/{run}/figures/uncertainty-explained.pdf",
        explained_table="results/{run}/tables/figures/uncertainty-explained.csv",
    log:
        "results/{run}/logs/plot_uncertainty.log",
    benchmark:
        "results/{run}/benchmarks/plot_uncertainty.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        measure=lambda wc: PLAN.uncertainty.measure,
        classes=lambda wc: list(PLAN.uncertainty.options["classes"]),
        code=code("plot_uncertainty"),
        libraries=libraries("figures"),
    message:
        "Draw the uncertainty"
    script:
        "../workflow/scripts/plot_uncertainty.py"
