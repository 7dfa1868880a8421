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
    resources:
        gpu=lambda wc: GPU * learns_together(wc),
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


rule record_latents:
    input:
        unpack(trial_objects),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
    output:
        latents="results/{run}/active/{experiment}/latents.parquet",
    log:
        "results/{run}/logs/record_latents/{experiment}.log",
    benchmark:
        "results/{run}/benchmarks/record_latents/{experiment}.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=lambda wc: GPU * learns_together(wc),
    params:
        experiment=experiment_section,
        rounds=lambda wc: PLAN.experiments[wc.experiment].latent_rounds,
        seed=SEED,
        code=code_of_experiment("record_latents"),
        libraries=libraries("torch"),
    message:
        "Keep the latent space of {wildcards.experiment}"
    script:
        "../workflow/scripts/record_latents.py"


rule embed_latents:
    input:
        latents="results/{run}/active/{experiment}/latents.parquet",
    output:
        map="results/{run}/active/{experiment}/latent_map.parquet",
    log:
        "results/{run}/logs/embed_latents/{experiment}.log",
    benchmark:
        "results/{run}/benchmarks/embed_latents/{experiment}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        seed=SEED,
        code=code("embed_latents", ("embeddings", "umap")),
        libraries=libraries("analysis"),
    message:
        "Map the latent space of {wildcards.experiment} onto the plane"
    script:
        "../workflow/scripts/embed_latents.py"


rule compare_trials:
    input:
        trials=all_trials(),
    output:
        rounds="results/{run}/tables/rounds.parquet",
        comparisons="results/{run}/tables/comparisons.csv",
        viewed="results/{run}/tables/viewed.csv",
        viewed_pairs="results/{run}/tables/viewed_pairs.csv",
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
