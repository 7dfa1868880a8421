# The code is no parameter of these two rules: neither an edit of a schema nor one of a survey's
# code may download a million cutouts again. What does is another selection or source, another
# option that shapes the result (timeouts don't: the scripts read the survey's section from the
# configuration), another seed, or a new FORMAT_VERSION of the survey or of the catalogue.
# (`ancient` would not do: Snakemake then overlooks what else has changed downstream.)
rule prepare_catalogue:
    input:
        sources=ancient(batch_sources),  # their content counts (identity), not their date
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
        batch=batch_section,
        strict=CONFIG["strict"],
        seed=SURVEY_SEED,
        identity=request_identity,
    message:
        "Read batch {wildcards.batch} and set faulty rows aside"
    script:
        "../workflow/scripts/prepare_catalogue.py"


rule fetch_cutouts:
    input:
        catalogue="results/{run}/catalogue/{batch}.parquet",
    output:
        cutouts="results/{run}/cutouts/{batch}/shard-{shard}.h5",
        manifest="results/{run}/cutouts/{batch}/shard-{shard}.manifest.parquet",
    log:
        "results/{run}/logs/fetch_cutouts/{batch}-{shard}.log",
    benchmark:
        "results/{run}/benchmarks/fetch_cutouts/{batch}-{shard}.tsv"
    conda:
        "../envs/fetch.yaml"
    resources:
        downloads=downloads(),
    params:
        batch=batch_request,
        shard=lambda wc: int(wc.shard),
        n_shards=n_shards,
        seed=SURVEY_SEED,
        identity=request_identity,
    message:
        "Get the cutouts of {wildcards.batch}, shard {wildcards.shard}"
    script:
        "../workflow/scripts/fetch_cutouts.py"
