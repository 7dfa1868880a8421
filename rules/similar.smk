rule find_similar:
    input:
        features=similar_features,
    output:
        table="results/{run}/tables/similar-{search}.csv",
    log:
        "results/{run}/logs/find_similar/{search}.log",
    benchmark:
        "results/{run}/benchmarks/find_similar/{search}.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        section=lambda wc: PLAN.similar[wc.search],
        seed=SEED,
        code=code("find_similar"),
        libraries=libraries("analysis"),
    message:
        "Find objects like those of {wildcards.search}"
    script:
        "../workflow/scripts/find_similar.py"


rule plot_similar:
    input:
        table="results/{run}/tables/similar-{search}.csv",
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
        images=shards(PICTURES),
    output:
        png=report(
            "results/{run}/figures/similar-{search}.png",
            caption="../workflow/report/similar.rst",
            category="Similar objects",
            labels={"search": "{search}"},
        ),
        pdf="results/{run}/figures/similar-{search}.pdf",
        table="results/{run}/tables/figures/similar-{search}.csv",
    log:
        "results/{run}/logs/plot_similar/{search}.log",
    benchmark:
        "results/{run}/benchmarks/plot_similar/{search}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        section=lambda wc: PLAN.similar[wc.search],
        code=code("plot_similar"),
        libraries=libraries("figures"),
    message:
        "Draw the objects like those of {wildcards.search}"
    script:
        "../workflow/scripts/plot_similar.py"


rule measure_retrieval:
    input:
        features=lambda wc: claim_features("retrieval"),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
    output:
        table="results/{run}/tables/retrieval.csv",
    log:
        "results/{run}/logs/measure_retrieval.log",
    benchmark:
        "results/{run}/benchmarks/measure_retrieval.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        spaces=CONFIG["retrieval"],
        seeds=CONFIG["seeds"],
        code=code("measure_retrieval"),
        libraries=libraries("analysis"),
    message:
        "Does one example of a label find the others in each feature space?"
    script:
        "../workflow/scripts/measure_retrieval.py"
