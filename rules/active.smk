# Experiments with an oracle that knows the labels. A job runs a block of trials; a trial depends on
# its number alone, so that any block can be run by itself and further trials change none.
rule run_trials:
    input:
        unpack(trial_objects),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
    output:
        trials="results/{run}/active/{experiment}/trials-{block}.parquet",
    log:
        "results/{run}/logs/run_trials/{experiment}-{block}.log",
    benchmark:
        "results/{run}/benchmarks/run_trials/{experiment}-{block}.tsv"
    priority: 1  # more waits for it than for a figure
    conda:
        "../envs/torch.yaml"
    params:
        experiment=experiment_section,
        trials=trial_numbers,
        seed=SEED,
        code=code_of_experiment("run_trials"),
        libraries=libraries("torch"),
    message:
        "Run trials of {wildcards.experiment}, block {wildcards.block}"
    script:
        "../workflow/scripts/run_trials.py"


rule compare_trials:
    input:
        trials=all_trials(),
    output:
        rounds="results/{run}/tables/rounds.parquet",
        comparisons="results/{run}/tables/comparisons.csv",
    log:
        "results/{run}/logs/compare_trials.log",
    benchmark:
        "results/{run}/benchmarks/compare_trials.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        experiments=trial_names(),
        seed=SEED,
        code=code("compare_trials"),
        libraries=libraries("analysis"),
    message:
        "Compare the experiments round by round"
    script:
        "../workflow/scripts/compare_trials.py"
