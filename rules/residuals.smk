rule embed_objects:
    input:
        features=embedding_features,
        scores=expand(
            "results/{{run}}/scores/{features}/{detector}/seed-{{seed}}.parquet",
            **MAIN,
        ),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
    output:
        embedding="results/{run}/embeddings/{embedding}/seed-{seed}.parquet",
        groups="results/{run}/embeddings/{embedding}/seed-{seed}.groups.csv",
    log:
        "results/{run}/logs/embed_objects/{embedding}-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/embed_objects/{embedding}-{seed}.tsv"
    priority: 1  # more waits for it than for a figure
    conda:
        "../envs/analysis.yaml"
    params:
        plugin=plugin_of("embeddings"),
        section=embedding_section,
        flag_above_sigma=CONFIG["ranking"]["flag_above_sigma"],
        fit_batches=PLAN.fit_batches,
        seed=lambda wc: int(wc.seed),
        code=code_of_embedding("embed_objects"),
        libraries=libraries("analysis"),
    message:
        "Map objects onto the plane: {wildcards.embedding}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/embed_objects.py"


rule measure_embedding:
    input:
        features=embedding_features,
        embedding="results/{run}/embeddings/{embedding}/seed-{seed}.parquet",
    output:
        table="results/{run}/embeddings/{embedding}/seed-{seed}.quality.csv",
    log:
        "results/{run}/logs/measure_embedding/{embedding}-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/measure_embedding/{embedding}-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        metric=embedding_option("metric", "euclidean"),
        standardise=embedding_option("standardise", False),
        seed=lambda wc: int(wc.seed),
        code=code("measure_embedding"),
        libraries=libraries("analysis"),
    message:
        "How much of its neighbourhoods does the map {wildcards.embedding} keep, seed {wildcards.seed}?"
    script:
        "../workflow/scripts/measure_embedding.py"


rule measure_claim:
    input:
        features=lambda wc: claim_features("claim"),
        scores=expand(
            "results/{{run}}/scores/{features}/{detector}/seed-{seed}.parquet",
            seed=CONFIG["seeds"],
            **MAIN,
        ),
    output:
        table="results/{run}/tables/neighbour_prediction.csv",
    log:
        "results/{run}/logs/measure_claim.log",
    benchmark:
        "results/{run}/benchmarks/measure_claim.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        spaces=CONFIG["claim"],
        seeds=CONFIG["seeds"],
        detector=MAIN["detector"],
        code=code("measure_claim"),
        libraries=libraries("analysis"),
    message:
        "How well is the score predicted from an object's neighbours in each feature space?"
    script:
        "../workflow/scripts/measure_claim.py"


rule measure_purity:
    input:
        features=lambda wc: claim_features("purity"),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
    output:
        table="results/{run}/tables/purity.csv",
    log:
        "results/{run}/logs/measure_purity.log",
    benchmark:
        "results/{run}/benchmarks/measure_purity.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        spaces=CONFIG["purity"],
        seeds=CONFIG["seeds"],
        code=code("measure_purity"),
        libraries=libraries("analysis"),
    message:
        "Do objects of one label lie together in each feature space?"
    script:
        "../workflow/scripts/measure_purity.py"
