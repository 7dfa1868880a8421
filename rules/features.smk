rule fit_features:
    input:
        unpack(features_to_fit),
    output:
        fit="results/{run}/features/{features}/seed-{seed}/fit.npz",
    log:
        "results/{run}/logs/fit_features/{features}-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/fit_features/{features}-{seed}.tsv"
    priority: 1  # more waits for it than for a figure
    conda:
        "../envs/torch.yaml"
    threads: lambda wc: THREADS if trains(wc) else 1
    resources:
        gpu=lambda wc: GPU * trains(wc),
    params:
        plugin=plugin_of("features"),
        network=asked_network,
        view=feature_view,
        columns=handed_columns,
        seed=lambda wc: int(wc.seed),
        threads=THREADS,
        code=code_of_features("fit_features"),
        libraries=libraries("torch"),
    message:
        "Fit the feature space {wildcards.features}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/fit_features.py"


rule extract_features:
    input:
        unpack(features_to_extract),
        fit="results/{run}/features/{features}/seed-{seed}/fit.npz",
    output:
        features="results/{run}/features/{features}/seed-{seed}/{batch}/shard-{shard}.parquet",
        failures="results/{run}/features/{features}/seed-{seed}/{batch}/shard-{shard}.failures.parquet",
    log:
        "results/{run}/logs/extract_features/{features}-{seed}-{batch}-{shard}.log",
    benchmark:
        "results/{run}/benchmarks/extract_features/{features}-{seed}-{batch}-{shard}.tsv"
    priority: 1  # more waits for it than for a figure
    conda:
        "../envs/torch.yaml"
    threads: lambda wc: SIDE_BY_SIDE if measures_slowly(wc) else 1
    resources:
        gpu=lambda wc: GPU * applies(wc),
    params:
        plugin=plugin_of("features"),
        view=feature_view,
        columns=handed_columns,
        shard=lambda wc: int(wc.shard),
        n_shards=n_shards,
        code=code_of_features("extract_features"),
        libraries=libraries("torch"),
    message:
        "Extract {wildcards.features} from {wildcards.batch}, shard {wildcards.shard}"
    script:
        "../workflow/scripts/extract_features.py"
