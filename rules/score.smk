# Detectors of images (the WGAN) stand under scores/images/, detectors of vectors under the name of
# their feature space.
ruleorder: score_images > score_objects
ruleorder: aggregate_scores > merge_scores


rule score_images:
    input:
        images="results/{run}/images/{batch}/shard-{shard}.h5",
        wgan="results/{run}/models/wgan/seed-{seed}/weights.safetensors",
        wgan_description="results/{run}/models/wgan/seed-{seed}/options.json",
        encoder="results/{run}/models/encoder/seed-{seed}/weights.safetensors",
        encoder_description="results/{run}/models/encoder/seed-{seed}/options.json",
    output:
        scores="results/{run}/scores/images/{detector}/seed-{seed}/{batch}/shard-{shard}.parquet",
        reconstructions="results/{run}/reconstructions/{detector}/seed-{seed}/{batch}/shard-{shard}.h5",
    log:
        "results/{run}/logs/score_images/{detector}-{seed}-{batch}-{shard}.log",
    benchmark:
        "results/{run}/benchmarks/score_images/{detector}-{seed}-{batch}-{shard}.tsv"
    priority: 1  # more waits for it than for a figure
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        plugin=plugin_of("detectors"),
        seed=lambda wc: int(wc.seed),
        threads=THREADS,
        code=code_of_detector("score_images"),
        libraries=libraries("torch"),
    message:
        "Score images with {wildcards.detector}: {wildcards.batch}, shard {wildcards.shard}"
    script:
        "../workflow/scripts/score_images.py"


rule fit_detector:
    input:
        features=shards(FEATURES, PLAN.fit_batches),
        space="results/{run}/features/{features}/seed-{seed}/fit.npz",
    output:
        fit="results/{run}/scores/{features}/{detector}/seed-{seed}/fit.npz",
    log:
        "results/{run}/logs/fit_detector/{features}-{detector}-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/fit_detector/{features}-{detector}-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        plugin=plugin_of("detectors"),
        seed=lambda wc: int(wc.seed),
        code=code_of_detector("fit_detector"),
        libraries=libraries("analysis"),
    message:
        "Fit {wildcards.detector} to {wildcards.features}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/fit_detector.py"


rule score_objects:
    input:
        features="results/{run}/features/{features}/seed-{seed}/{batch}/shard-{shard}.parquet",
        fit="results/{run}/scores/{features}/{detector}/seed-{seed}/fit.npz",
    output:
        scores="results/{run}/scores/{features}/{detector}/seed-{seed}/{batch}/shard-{shard}.parquet",
    log:
        "results/{run}/logs/score_objects/{features}-{detector}-{seed}-{batch}-{shard}.log",
    benchmark:
        "results/{run}/benchmarks/score_objects/{features}-{detector}-{seed}-{batch}-{shard}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        plugin=plugin_of("detectors"),
        code=code_of_detector("score_objects"),
        libraries=libraries("analysis"),
    message:
        "Score {wildcards.features} with {wildcards.detector}: {wildcards.batch}, shard {wildcards.shard}"
    script:
        "../workflow/scripts/score_objects.py"


rule merge_scores:
    input:
        scores=shards(SCORES),
    output:
        scores="results/{run}/scores/{features}/{detector}/seed-{seed}.parquet",
    log:
        "results/{run}/logs/merge_scores/{features}-{detector}-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/merge_scores/{features}-{detector}-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        batches=[name for name, batch in PLAN.batches.items() for _ in batch.shards],
        reference_batches=PLAN.reference_batches,
        code=code("merge_scores"),
        libraries=libraries("analysis"),
    message:
        "Merge the scores of {wildcards.detector} in {wildcards.features}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/merge_scores.py"


rule aggregate_scores:
    input:
        scores=aggregated_scores,
    output:
        scores=f"results/{{run}}/scores/{AGGREGATES}/{{aggregate}}/seed-{{seed}}.parquet",
    log:
        "results/{run}/logs/aggregate_scores/{aggregate}-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/aggregate_scores/{aggregate}-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        how=lambda wc: PLAN.aggregates[wc.aggregate].how,
        reference_batches=PLAN.reference_batches,
        code=code("aggregate_scores"),
        libraries=libraries("analysis"),
    message:
        "Combine the ranks of several detectors into {wildcards.aggregate}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/aggregate_scores.py"


rule rank_objects:
    input:
        scores=all_scores([SEED]),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
        manifests=manifests,
    output:
        parquet="results/{run}/ranked.parquet",
        csv="results/{run}/ranked.csv",
    log:
        "results/{run}/logs/rank_objects.log",
    benchmark:
        "results/{run}/benchmarks/rank_objects.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        names=score_names([SEED]),
        batches=list(PLAN.batches),
        main=MAIN,
        code=code("rank_objects"),
        libraries=libraries("analysis"),
    message:
        "Rank all objects"
    script:
        "../workflow/scripts/rank_objects.py"


rule evaluate_scores:
    input:
        scores=all_scores(CONFIG["seeds"]),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
    output:
        metrics="results/{run}/tables/metrics.csv",
        curves="results/{run}/tables/curves.csv",
    log:
        "results/{run}/logs/evaluate_scores.log",
    benchmark:
        "results/{run}/benchmarks/evaluate_scores.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        names=score_names(CONFIG["seeds"]),
        truth=as_plain(PLAN.truth) if PLAN.truth else {},
        seed=SEED,
        code=code("evaluate_scores"),
        libraries=libraries("analysis"),
    message:
        "Compare the scores with the labels"
    script:
        "../workflow/scripts/evaluate_scores.py"


rule study_scores:
    input:
        images=shards(IMAGES, PLAN.fit_batches),
        wgan="results/{run}/models/wgan/seed-{seed}/weights.safetensors",
        wgan_description="results/{run}/models/wgan/seed-{seed}/options.json",
        encoder="results/{run}/models/encoder/seed-{seed}/weights.safetensors",
        encoder_description="results/{run}/models/encoder/seed-{seed}/options.json",
    output:
        study="results/{run}/tables/study-{detector}-{seed}.csv",
    log:
        "results/{run}/logs/study_scores/{detector}-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/study_scores/{detector}-{seed}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        plugin=plugin_of("detectors"),
        n_objects=CONFIG["studies"].get("n_objects", 0),
        seed=lambda wc: int(wc.seed),
        threads=THREADS,
        code=code_of_detector("study_scores"),
        libraries=libraries("torch"),
    message:
        "Study lambda, the start and the number of steps of {wildcards.detector}"
    script:
        "../workflow/scripts/study_scores.py"
