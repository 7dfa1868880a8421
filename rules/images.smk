rule make_images:
    input:
        cutouts="results/{run}/cutouts/{batch}/shard-{shard}.h5",
    output:
        images="results/{run}/images/{batch}/shard-{shard}.h5",
    log:
        "results/{run}/logs/make_images/{batch}-{shard}.log",
    benchmark:
        "results/{run}/benchmarks/make_images/{batch}-{shard}.tsv"
    conda:
        "../envs/images.yaml"
    params:
        transforms=transforms(PLAN.chain),
        kind=PLAN.kind,
        shape=list(PLAN.chain.shape) if PLAN.chain else [],
        code=code_of_transforms("make_images", PLAN.chain),
        libraries=libraries("images"),
    message:
        "Turn the cutouts of {wildcards.batch}, shard {wildcards.shard}, into images"
    script:
        "../workflow/scripts/make_images.py"


use rule make_images as make_display with:
    output:
        images="results/{run}/display/{batch}/shard-{shard}.h5",
    log:
        "results/{run}/logs/make_display/{batch}-{shard}.log",
    benchmark:
        "results/{run}/benchmarks/make_display/{batch}-{shard}.tsv"
    params:
        transforms=transforms(PLAN.display),
        kind=PLAN.kind,
        shape=list(PLAN.display.shape) if PLAN.display else [],
        code=code_of_transforms("make_images", PLAN.display),
        libraries=libraries("images"),
    message:
        "Turn the cutouts of {wildcards.batch}, shard {wildcards.shard}, into pictures to look at"
