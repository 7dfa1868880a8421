# Short names for the parts of a run: `snakemake --cores all scores`, say.
localrules:
    download,
    images,
    scores,
    embedding,
    ranking,
    figures,
    summary,
    hunt,
    local_entropy,
    similar,


# All that needs the network: for the login node of a cluster whose nodes have none.
rule download:
    input:
        manifests,
        cutouts,
    message:
        "All cutouts are there"


rule images:
    input:
        all_images(),
    message:
        "All images are there"


rule scores:
    input:
        all_scores(CONFIG["seeds"]),
    message:
        "All scores are there"


rule embedding:
    input:
        expand("results/{run}/figures/{name}.png", run=RUN, name=embedding_figures()),
    message:
        "All maps are there"


rule ranking:
    input:
        ranking_tables(),
    message:
        "The ranked table is there"


rule hunt:
    input:
        expand("results/{run}/figures/{name}.png", run=RUN, name=active_figures()),
    message:
        "All experiments of active learning are there"


rule local_entropy:
    input:
        expand("results/{run}/figures/{name}.png", run=RUN, name=uncertainty_figures()),
    message:
        "The classifiers' uncertainty has been judged"


rule similar:
    input:
        similar_results(),
    message:
        "All searches for similar objects are there"


rule figures:
    input:
        all_figures(),
    message:
        "All figures are there"


rule summary:
    input:
        f"{RESULTS}/summary.txt",
    message:
        "The summary is there"
