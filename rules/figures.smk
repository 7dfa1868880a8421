rule plot_scores:
    input:
        scores=f"results/{{run}}/scores/{{features}}/{{detector}}/seed-{SEED}.parquet",
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
    output:
        png=report(
            "results/{run}/figures/scores-{features}-{detector}.png",
            caption="../workflow/report/score_histogram.rst",
            category="Scores",
            labels={
                "detector": "{detector}",
                "on": "{features}",
                "figure": "histogram",
            },
        ),
        pdf="results/{run}/figures/scores-{features}-{detector}.pdf",
        table="results/{run}/tables/figures/scores-{features}-{detector}.csv",
    log:
        "results/{run}/logs/plot_scores/scores-{features}-{detector}.log",
    benchmark:
        "results/{run}/benchmarks/plot_scores/scores-{features}-{detector}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        title=title_of,
        flag_above_sigma=CONFIG["ranking"]["flag_above_sigma"],
        code=code("plot_scores"),
        libraries=libraries("figures"),
    message:
        "Draw the histogram of scores of {wildcards.detector} ({wildcards.features})"
    script:
        "../workflow/scripts/plot_scores.py"


rule plot_gallery:
    input:
        scores=f"results/{{run}}/scores/{{features}}/{{detector}}/seed-{SEED}.parquet",
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
        images=shards(PICTURES),
    output:
        top_png=report(
            "results/{run}/figures/gallery-{features}-{detector}-top.png",
            caption="../workflow/report/gallery_top.rst",
            category="Galleries",
            labels={"detector": "{detector}", "on": "{features}", "figure": "top 25"},
        ),
        top_pdf="results/{run}/figures/gallery-{features}-{detector}-top.pdf",
        top_table="results/{run}/tables/figures/gallery-{features}-{detector}-top.csv",
        bottom_png=report(
            "results/{run}/figures/gallery-{features}-{detector}-bottom.png",
            caption="../workflow/report/gallery_bottom.rst",
            category="Galleries",
            labels={
                "detector": "{detector}",
                "on": "{features}",
                "figure": "bottom 25",
            },
        ),
        bottom_pdf="results/{run}/figures/gallery-{features}-{detector}-bottom.pdf",
        bottom_table="results/{run}/tables/figures/gallery-{features}-{detector}-bottom.csv",
    log:
        "results/{run}/logs/plot_gallery/{features}-{detector}.log",
    benchmark:
        "results/{run}/benchmarks/plot_gallery/{features}-{detector}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        title=title_of,
        code=code("plot_gallery"),
        libraries=libraries("figures"),
    message:
        "Draw the galleries of {wildcards.detector} ({wildcards.features})"
    script:
        "../workflow/scripts/plot_gallery.py"


rule plot_first:
    input:
        scores=all_scores([SEED]),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
        images=shards(PICTURES),
    output:
        png=report(
            "results/{run}/figures/first.png",
            caption="../workflow/report/first.rst",
            category="Galleries",
            labels={"detector": "all", "figure": "first 10"},
        ),
        pdf="results/{run}/figures/first.pdf",
        table="results/{run}/tables/figures/first.csv",
    log:
        "results/{run}/logs/plot_first.log",
    benchmark:
        "results/{run}/benchmarks/plot_first.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        names=score_names([SEED]),
        code=code("plot_first"),
        libraries=libraries("figures"),
    message:
        "Draw what each detector finds first"
    script:
        "../workflow/scripts/plot_first.py"


rule plot_reconstructions:
    input:
        images=shards(IMAGES),
        reconstructions=shards(RECONSTRUCTIONS, seed=SEED),
        scores=f"results/{{run}}/scores/images/{{detector}}/seed-{SEED}.parquet",
    output:
        png=report(
            "results/{run}/figures/reconstructions-{detector}.png",
            caption="../workflow/report/reconstructions.rst",
            category="Reconstructions",
            labels={"detector": "{detector}"},
        ),
        pdf="results/{run}/figures/reconstructions-{detector}.pdf",
        table="results/{run}/tables/figures/reconstructions-{detector}.csv",
    log:
        "results/{run}/logs/plot_reconstructions/reconstructions-{detector}.log",
    benchmark:
        "results/{run}/benchmarks/plot_reconstructions/reconstructions-{detector}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        seed=SEED,
        code=code("plot_reconstructions"),
        libraries=libraries("figures"),
    message:
        "Draw originals, reconstructions and residuals of {wildcards.detector}"
    script:
        "../workflow/scripts/plot_reconstructions.py"


rule plot_rebuilt:
    input:
        fit=f"results/{{run}}/features/{{features}}/seed-{SEED}/fit.npz",
        images=shards(IMAGES, PLAN.fit_batches),
        catalogues=catalogues_of_columns,
    output:
        png=report(
            "results/{run}/figures/rebuilt-{features}.png",
            caption="../workflow/report/rebuilt.rst",
            category="Autoencoders",
            labels={"network": "{features}", "figure": "reconstructions"},
        ),
        pdf="results/{run}/figures/rebuilt-{features}.pdf",
        table="results/{run}/tables/figures/rebuilt-{features}.csv",
        profiles_png=report(
            "results/{run}/figures/profiles-{features}.png",
            caption="../workflow/report/profiles.rst",
            category="Autoencoders",
            labels={"network": "{features}", "figure": "light"},
        ),
        profiles_pdf="results/{run}/figures/profiles-{features}.pdf",
        profiles_table="results/{run}/tables/figures/profiles-{features}.csv",
    log:
        "results/{run}/logs/plot_rebuilt/{features}.log",
    benchmark:
        "results/{run}/benchmarks/plot_rebuilt/{features}.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPU,
    params:
        plugin=plugin_of("features"),
        columns=handed_columns,
        seed=SEED,
        code=code_of_features("plot_rebuilt"),
        libraries=libraries("torch"),
    message:
        "Draw what the network of {wildcards.features} makes of images"
    script:
        "../workflow/scripts/plot_rebuilt.py"


rule plot_generated:
    input:
        fit=f"results/{{run}}/features/{{features}}/seed-{SEED}/fit.npz",
        images=shards(IMAGES, PLAN.fit_batches),
        catalogues=catalogues_of_columns,
    output:
        png=report(
            "results/{run}/figures/generated-{features}.png",
            caption="../workflow/report/generated.rst",
            category="Autoencoders",
            labels={"network": "{features}", "figure": "samples"},
        ),
        pdf="results/{run}/figures/generated-{features}.pdf",
        table="results/{run}/tables/figures/generated-{features}.csv",
        traversals_png=report(
            "results/{run}/figures/traversals-{features}.png",
            caption="../workflow/report/traversals.rst",
            category="Autoencoders",
            labels={"network": "{features}", "figure": "walks"},
        ),
        traversals_pdf="results/{run}/figures/traversals-{features}.pdf",
        traversals_table="results/{run}/tables/figures/traversals-{features}.csv",
    log:
        "results/{run}/logs/plot_generated/{features}.log",
    benchmark:
        "results/{run}/benchmarks/plot_generated/{features}.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPU,
    params:
        plugin=plugin_of("features"),
        columns=handed_columns,
        seed=SEED,
        code=code_of_features("plot_generated"),
        libraries=libraries("torch"),
    message:
        "Draw samples of {wildcards.features} and walks along its codes"
    script:
        "../workflow/scripts/plot_generated.py"


rule plot_attributes:
    input:
        fit=f"results/{{run}}/features/{{features}}/seed-{SEED}/fit.npz",
        images=shards(IMAGES, PLAN.fit_batches),
        catalogues=catalogues_of_columns,
    output:
        png=report(
            "results/{run}/figures/attributes-{features}.png",
            caption="../workflow/report/attributes.rst",
            category="Autoencoders",
            labels={"network": "{features}", "figure": "samples by column"},
        ),
        pdf="results/{run}/figures/attributes-{features}.pdf",
        table="results/{run}/tables/figures/attributes-{features}.csv",
        changed_png=report(
            "results/{run}/figures/changed-{features}.png",
            caption="../workflow/report/changed.rst",
            category="Autoencoders",
            labels={"network": "{features}", "figure": "changed objects"},
        ),
        changed_pdf="results/{run}/figures/changed-{features}.pdf",
        changed_table="results/{run}/tables/figures/changed-{features}.csv",
        predicted_png=report(
            "results/{run}/figures/predicted-{features}.png",
            caption="../workflow/report/predicted.rst",
            category="Autoencoders",
            labels={"network": "{features}", "figure": "columns from images"},
        ),
        predicted_pdf="results/{run}/figures/predicted-{features}.pdf",
        predicted_table="results/{run}/tables/figures/predicted-{features}.csv",
    log:
        "results/{run}/logs/plot_attributes/{features}.log",
    benchmark:
        "results/{run}/benchmarks/plot_attributes/{features}.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        gpu=GPU,
    params:
        plugin=plugin_of("features"),
        columns=handed_columns,
        seed=SEED,
        code=code_of_features("plot_attributes"),
        libraries=libraries("torch"),
    message:
        "Draw images and columns of {wildcards.features} from one another"
    script:
        "../workflow/scripts/plot_attributes.py"


rule plot_latents:
    input:
        map="results/{run}/active/{experiment}/latent_map.parquet",
    output:
        png=report(
            "results/{run}/figures/latents-{experiment}.png",
            caption="../workflow/report/latents.rst",
            category="Active learning",
            labels={"figure": "latent space of {experiment}"},
        ),
        pdf="results/{run}/figures/latents-{experiment}.pdf",
        table="results/{run}/tables/figures/latents-{experiment}.csv",
    log:
        "results/{run}/logs/plot_latents/{experiment}.log",
    benchmark:
        "results/{run}/benchmarks/plot_latents/{experiment}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_latents"),
        libraries=libraries("figures"),
    message:
        "Draw the latent space of {wildcards.experiment}"
    script:
        "../workflow/scripts/plot_latents.py"


rule plot_rounds:
    input:
        rounds="results/{run}/tables/rounds.parquet",
    output:
        png=report(
            "results/{run}/figures/rounds.png",
            caption="../workflow/report/rounds.rst",
            category="Active learning",
            labels={"figure": "MCC and AUC per round"},
        ),
        pdf="results/{run}/figures/rounds.pdf",
        table="results/{run}/tables/figures/rounds.csv",
    log:
        "results/{run}/logs/plot_rounds.log",
    benchmark:
        "results/{run}/benchmarks/plot_rounds.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_rounds"),
        libraries=libraries("figures"),
    message:
        "Draw MCC and AUC per round"
    script:
        "../workflow/scripts/plot_rounds.py"


rule plot_viewed:
    input:
        viewed="results/{run}/tables/viewed.csv",
    output:
        png=report(
            "results/{run}/figures/viewed.png",
            caption="../workflow/report/viewed.rst",
            category="Active learning",
            labels={"figure": "Anomalies found against objects viewed"},
        ),
        pdf="results/{run}/figures/viewed.pdf",
        table="results/{run}/tables/figures/viewed.csv",
    log:
        "results/{run}/logs/plot_viewed.log",
    benchmark:
        "results/{run}/benchmarks/plot_viewed.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        spaces=spaces_of_experiments(),
        code=code("plot_viewed"),
        libraries=libraries("figures"),
    message:
        "Draw anomalies found against objects viewed"
    script:
        "../workflow/scripts/plot_viewed.py"


rule plot_training:
    input:
        histories=training_histories(),
        fits=expand(
            "results/{{run}}/features/{features}/seed-{seed}/fit.npz",
            features=trained_features(),
            seed=SEED,
        ),
    output:
        png=report(
            "results/{run}/figures/training.png",
            caption="../workflow/report/training_curves.rst",
            category="Training",
            labels={"figure": "curves"},
        ),
        pdf="results/{run}/figures/training.pdf",
        table="results/{run}/tables/figures/training.csv",
    log:
        "results/{run}/logs/plot_training/training.log",
    benchmark:
        "results/{run}/benchmarks/plot_training/training.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        trained=trained_features(),
        code=code("plot_training"),
        libraries=libraries("figures"),
    message:
        "Draw the training curves"
    script:
        "../workflow/scripts/plot_training.py"


rule plot_samples:
    input:
        weights=f"results/{{run}}/models/wgan/seed-{SEED}/weights.safetensors",
        description=f"results/{{run}}/models/wgan/seed-{SEED}/options.json",
        images=shards(IMAGES, PLAN.fit_batches),
    output:
        png=report(
            "results/{run}/figures/samples.png",
            caption="../workflow/report/samples.rst",
            category="Training",
            labels={"figure": "samples"},
        ),
        pdf="results/{run}/figures/samples.pdf",
        table="results/{run}/tables/figures/samples.csv",
    log:
        "results/{run}/logs/plot_samples/samples.log",
    benchmark:
        "results/{run}/benchmarks/plot_samples/samples.tsv"
    conda:
        "../envs/torch.yaml"
    params:
        seed=SEED,
        code=code("plot_samples"),
        libraries=libraries("torch"),
    message:
        "Draw samples of the generator"
    script:
        "../workflow/scripts/plot_samples.py"


rule plot_embedding:
    input:
        embedding=f"results/{{run}}/embeddings/{{embedding}}/seed-{SEED}.parquet",
        quality=f"results/{{run}}/embeddings/{{embedding}}/seed-{SEED}.quality.csv",
        scores=expand(
            "results/{{run}}/scores/{features}/{detector}/seed-{seed}.parquet",
            seed=SEED,
            **MAIN,
        ),
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
    output:
        png=report(
            "results/{run}/figures/embedding-{embedding}.png",
            caption="../workflow/report/embedding.rst",
            category="Maps",
            labels={"map": "{embedding}", "figure": "map"},
        ),
        pdf="results/{run}/figures/embedding-{embedding}.pdf",
        table="results/{run}/tables/figures/embedding-{embedding}.csv",
    log:
        "results/{run}/logs/plot_embedding/embedding-{embedding}.log",
    benchmark:
        "results/{run}/benchmarks/plot_embedding/embedding-{embedding}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        title=title_of_map,
        score=scored(*PLAN.main),
        code=code("plot_embedding"),
        libraries=libraries("figures"),
    message:
        "Draw the map {wildcards.embedding}"
    script:
        "../workflow/scripts/plot_embedding.py"


rule plot_colours:
    input:
        unpack(colour_tables),
        embedding=f"results/{{run}}/embeddings/{{embedding}}/seed-{SEED}.parquet",
        quality=f"results/{{run}}/embeddings/{{embedding}}/seed-{SEED}.quality.csv",
    output:
        png=report(
            "results/{run}/figures/colours-{embedding}.png",
            caption="../workflow/report/colours.rst",
            category="Maps",
            labels={"map": "{embedding}", "figure": "colours"},
        ),
        pdf="results/{run}/figures/colours-{embedding}.pdf",
        table="results/{run}/tables/figures/colours-{embedding}.csv",
    log:
        "results/{run}/logs/plot_colours/colours-{embedding}.log",
    benchmark:
        "results/{run}/benchmarks/plot_colours/colours-{embedding}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        title=title_of_map,
        colours=lambda wc: [as_plain(c) for c in PLAN.colours[wc.embedding]],
        code=code("plot_colours"),
        libraries=libraries("figures"),
    message:
        "Colour the map {wildcards.embedding}"
    script:
        "../workflow/scripts/plot_colours.py"


rule plot_mosaic:
    input:
        embedding=f"results/{{run}}/embeddings/{{embedding}}/seed-{SEED}.parquet",
        quality=f"results/{{run}}/embeddings/{{embedding}}/seed-{SEED}.quality.csv",
        images=lambda wc: shards(PICTURES) if PLAN.has_pictures else [],
    output:
        png=report(
            "results/{run}/figures/mosaic-{embedding}.png",
            caption="../workflow/report/mosaic.rst",
            category="Maps",
            labels={"map": "{embedding}", "figure": "mosaic"},
        ),
        pdf="results/{run}/figures/mosaic-{embedding}.pdf",
        table="results/{run}/tables/figures/mosaic-{embedding}.csv",
    log:
        "results/{run}/logs/plot_mosaic/mosaic-{embedding}.log",
    benchmark:
        "results/{run}/benchmarks/plot_mosaic/mosaic-{embedding}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        title=title_of_map,
        lattice=lattice,
        code=code("plot_mosaic"),
        libraries=libraries("figures"),
    message:
        "Show the map {wildcards.embedding} by its objects"
    script:
        "../workflow/scripts/plot_mosaic.py"


rule plot_groups:
    input:
        groups=f"results/{{run}}/embeddings/{{embedding}}/seed-{SEED}.groups.csv",
        images=map_images,
        reconstructions=map_reconstructions,
    output:
        png=report(
            "results/{run}/figures/groups-{embedding}.png",
            caption="../workflow/report/groups.rst",
            category="Maps",
            labels={"map": "{embedding}", "figure": "groups"},
        ),
        pdf="results/{run}/figures/groups-{embedding}.pdf",
        table="results/{run}/tables/figures/groups-{embedding}.csv",
    log:
        "results/{run}/logs/plot_groups/groups-{embedding}.log",
    benchmark:
        "results/{run}/benchmarks/plot_groups/groups-{embedding}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_groups"),
        libraries=libraries("figures"),
    message:
        "Draw typical members of the groups in the map {wildcards.embedding}"
    script:
        "../workflow/scripts/plot_groups.py"


rule plot_curves:
    input:
        curves="results/{run}/tables/curves.csv",
    output:
        png=report(
            "results/{run}/figures/curves-{group}.png",
            caption="../workflow/report/performance_curves.rst",
            category="Performance",
            labels={"figure": "curves of {group}"},
        ),
        pdf="results/{run}/figures/curves-{group}.pdf",
        table="results/{run}/tables/figures/curves-{group}.csv",
    log:
        "results/{run}/logs/plot_curves/curves-{group}.log",
    benchmark:
        "results/{run}/benchmarks/plot_curves/curves-{group}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        order=[f"{space}/{name}" for space, name in PLAN.scores],
        code=code("plot_curves"),
        libraries=libraries("figures"),
    message:
        "Draw ROC and precision-recall curves of {wildcards.group}"
    script:
        "../workflow/scripts/plot_curves.py"


rule plot_metric:
    input:
        metrics="results/{run}/tables/metrics.csv",
    output:
        png=report(
            "results/{run}/figures/metric-{metric}.png",
            caption="../workflow/report/performance_by_kind.rst",
            category="Performance",
            labels={"figure": "{metric} by kind"},
        ),
        pdf="results/{run}/figures/metric-{metric}.pdf",
        table="results/{run}/tables/figures/metric-{metric}.csv",
    log:
        "results/{run}/logs/plot_metric/metric-{metric}.log",
    benchmark:
        "results/{run}/benchmarks/plot_metric/metric-{metric}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        faults=list(PLAN.truth.faults) if PLAN.truth else [],
        code=code("plot_metric"),
        libraries=libraries("figures"),
    message:
        "Draw {wildcards.metric} kind by kind"
    script:
        "../workflow/scripts/plot_metric.py"


rule plot_spaces:
    input:
        metrics="results/{run}/tables/metrics.csv",
    output:
        png=report(
            "results/{run}/figures/spaces-{group}.png",
            caption="../workflow/report/spaces.rst",
            category="Performance",
            labels={"figure": "{group} by feature space"},
        ),
        pdf="results/{run}/figures/spaces-{group}.pdf",
        table="results/{run}/tables/figures/spaces-{group}.csv",
    log:
        "results/{run}/logs/plot_spaces/spaces-{group}.log",
    benchmark:
        "results/{run}/benchmarks/plot_spaces/spaces-{group}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_spaces"),
        libraries=libraries("figures"),
    message:
        "Draw how detectors find {wildcards.group} in each feature space"
    script:
        "../workflow/scripts/plot_spaces.py"


rule plot_studies:
    input:
        study=f"results/{{run}}/tables/study-{{detector}}-{SEED}.csv",
    output:
        png=report(
            "results/{run}/figures/studies-{detector}.png",
            caption="../workflow/report/studies.rst",
            category="Studies",
            labels={"detector": "{detector}"},
        ),
        pdf="results/{run}/figures/studies-{detector}.pdf",
        table="results/{run}/tables/figures/studies-{detector}.csv",
    log:
        "results/{run}/logs/plot_studies/studies-{detector}.log",
    benchmark:
        "results/{run}/benchmarks/plot_studies/studies-{detector}.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_studies"),
        libraries=libraries("figures"),
    message:
        "Draw the studies of the score of {wildcards.detector}"
    script:
        "../workflow/scripts/plot_studies.py"


rule plot_claim:
    input:
        table="results/{run}/tables/neighbour_prediction.csv",
    output:
        png=report(
            "results/{run}/figures/claim.png",
            caption="../workflow/report/neighbour_prediction.rst",
            category="Studies",
            labels={"figure": "score from neighbours"},
        ),
        pdf="results/{run}/figures/claim.pdf",
        table="results/{run}/tables/figures/claim.csv",
    log:
        "results/{run}/logs/plot_claim/claim.log",
    benchmark:
        "results/{run}/benchmarks/plot_claim/claim.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_claim"),
        libraries=libraries("figures"),
    message:
        "Draw how well neighbours predict the score"
    script:
        "../workflow/scripts/plot_claim.py"


rule plot_purity:
    input:
        table="results/{run}/tables/purity.csv",
    output:
        png=report(
            "results/{run}/figures/purity.png",
            caption="../workflow/report/purity.rst",
            category="Studies",
            labels={"figure": "purity"},
        ),
        pdf="results/{run}/figures/purity.pdf",
        table="results/{run}/tables/figures/purity.csv",
    log:
        "results/{run}/logs/plot_purity/purity.log",
    benchmark:
        "results/{run}/benchmarks/plot_purity/purity.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_purity"),
        libraries=libraries("figures"),
    message:
        "Draw the purity of nearest neighbours"
    script:
        "../workflow/scripts/plot_purity.py"


rule plot_coverage:
    input:
        catalogues=expand(
            "results/{{run}}/catalogue/{batch}.parquet", batch=PLAN.batches
        ),
        manifests=manifests,
    output:
        png=report(
            "results/{run}/figures/coverage.png",
            caption="../workflow/report/coverage.rst",
            category="Coverage",
            labels={"figure": "sky"},
        ),
        pdf="results/{run}/figures/coverage.pdf",
        table="results/{run}/tables/figures/coverage.csv",
    log:
        "results/{run}/logs/plot_coverage/coverage.log",
    benchmark:
        "results/{run}/benchmarks/plot_coverage/coverage.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("plot_coverage"),
        libraries=libraries("figures"),
    message:
        "Draw where the objects lie and which have an image"
    script:
        "../workflow/scripts/plot_coverage.py"


rule write_summary:
    input:
        **failures_of_features(),
        ranked="results/{run}/ranked.parquet",
        metrics=evaluated("results/{run}/tables/metrics.csv"),
        checks=checked_models(),
    output:
        text="results/{run}/summary.txt",
        page=report(
            "results/{run}/summary.html",
            caption="../workflow/report/summary.rst",
            category="Summary",
            labels={"page": "the run in five lines"},
        ),
    log:
        "results/{run}/logs/write_summary.log",
    benchmark:
        "results/{run}/benchmarks/write_summary.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        run=RUN,
        main=MAIN,
        flag_above_sigma=CONFIG["ranking"]["flag_above_sigma"],
        seed=SEED,
        acknowledgement=PLAN.survey.module.ACKNOWLEDGEMENT,
        code=code("write_summary"),
        libraries=libraries("analysis"),
    message:
        "Sum the run up in a few lines"
    script:
        "../workflow/scripts/write_summary.py"
