rule train_wgan:
    input:
        images=shards(IMAGES, PLAN.fit_batches),
    output:
        weights="results/{run}/models/wgan/seed-{seed}/weights.safetensors",
        description="results/{run}/models/wgan/seed-{seed}/options.json",
        history="results/{run}/models/wgan/seed-{seed}/history.csv",
    log:
        "results/{run}/logs/train_wgan/seed-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/train_wgan/seed-{seed}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        options=model_options("wgan"),
        seed=lambda wc: int(wc.seed),
        threads=THREADS,
        code=code("train_wgan"),
        libraries=libraries("torch"),
    message:
        "Train the Wasserstein GAN, seed {wildcards.seed}"
    script:
        "../workflow/scripts/train_wgan.py"


rule check_wgan:
    input:
        images=shards(IMAGES, PLAN.fit_batches),
        weights="results/{run}/models/wgan/seed-{seed}/weights.safetensors",
        description="results/{run}/models/wgan/seed-{seed}/options.json",
        history="results/{run}/models/wgan/seed-{seed}/history.csv",
    output:
        checks="results/{run}/models/wgan/seed-{seed}/checks.csv",
    log:
        "results/{run}/logs/check_wgan/seed-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/check_wgan/seed-{seed}.tsv"
    conda:
        "../envs/torch.yaml"
    params:
        limits=CONFIG["checks"],
        seed=lambda wc: int(wc.seed),
        code=code("check_wgan"),
        libraries=libraries("torch"),
    message:
        "Check the Wasserstein GAN, seed {wildcards.seed}"
    script:
        "../workflow/scripts/check_wgan.py"


rule train_encoder:
    input:
        images=shards(IMAGES, PLAN.fit_batches),
        weights="results/{run}/models/wgan/seed-{seed}/weights.safetensors",
        description="results/{run}/models/wgan/seed-{seed}/options.json",
    output:
        weights="results/{run}/models/encoder/seed-{seed}/weights.safetensors",
        description="results/{run}/models/encoder/seed-{seed}/options.json",
        history="results/{run}/models/encoder/seed-{seed}/history.csv",
    log:
        "results/{run}/logs/train_encoder/seed-{seed}.log",
    benchmark:
        "results/{run}/benchmarks/train_encoder/seed-{seed}.tsv"
    priority: 1  # more waits for it than for a figure
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        gpu=GPU,
    params:
        options=model_options("encoder"),
        seed=lambda wc: int(wc.seed),
        threads=THREADS,
        code=code("train_encoder"),
        libraries=libraries("torch"),
    message:
        "Train the encoder, seed {wildcards.seed}"
    script:
        "../workflow/scripts/train_encoder.py"
