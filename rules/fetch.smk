rule prepare_catalogue:
    input:
        sources=batch_sources,
        earlier=earlier_catalogues,
    output:
        catalogue="results/{run}/catalogue/{batch}.parquet",
        rejects="results/{run}/catalogue/{batch}.rejects.parquet",
        cuts="results/{run}/tables/selection-{batch}.csv",
    log:
        "results/{run}/logs/prepare_catalogue/{batch}.log",
    benchmark:
        "results/{run}/benchmarks/prepare_catalogue/{batch}.tsv"
    conda:
        "../envs/fetch.yaml"
    params:
        survey=dict(kind=PLAN.survey.kind, options=PLAN.survey.plain),
        batch=batch_section,
        strict=CONFIG["strict"],
        seed=SEED,
        identity=batch_identity,
        code=code("prepare_catalogue", ("surveys", PLAN.survey.kind)),
        libraries=libraries("fetch"),
    message:
        "Read batch {wildcards.batch} and set faulty rows aside"
    script:
        "../workflow/scripts/prepare_catalogue.py"


# The catalogue is `ancient` here and the code is no parameter: neither an edit of a schema nor one
# of the survey's code may download a million cutouts again. What does is another selection or
# source, another option or seed, or a new FORMAT_VERSION of the survey.
rule fetch_cutouts:
    input:
        catalogue=ancient("results/{run}/catalogue/{batch}.parquet"),
    output:
        cutouts="results/{run}/cutouts/{batch}/shard-{shard}.h5",
        manifest="results/{run}/cutouts/{batch}/shard-{shard}.manifest.parquet",
    log:
        "results/{run}/logs/fetch_cutouts/{batch}-{shard}.log",
    benchmark:
        "results/{run}/benchmarks/fetch_cutouts/{batch}-{shard}.tsv"
    conda:
        "../envs/fetch.yaml"
    params:
        survey=dict(kind=PLAN.survey.kind, options=PLAN.survey.plain),
        batch=batch_section,
        shard=lambda wc: int(wc.shard),
        n_shards=n_shards,
        seed=SEED,
        identity=request_identity,
    message:
        "Get the cutouts of {wildcards.batch}, shard {wildcards.shard}"
    script:
        "../workflow/scripts/fetch_cutouts.py"
