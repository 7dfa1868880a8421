from snakemake.utils import min_version

min_version("9.25")


# A configuration given with --configfile replaces the default run; it is not merged into it.
if not workflow.configfiles:

    configfile: workflow.source_path("config/config.yaml")


include: "rules/base.smk"


if "collect" in config:  # figures and tables over finished runs

    include: "rules/compare_runs.smk"

else:

    include: "rules/common.smk"
    include: "rules/fetch.smk"
    include: "rules/images.smk"
    include: "rules/train.smk"
    include: "rules/features.smk"
    include: "rules/score.smk"
    include: "rules/residuals.smk"
    include: "rules/similar.smk"
    include: "rules/active.smk"
    include: "rules/uncertainty.smk"
    include: "rules/figures.smk"
    include: "rules/collect.smk"


report: "workflow/report/workflow.rst"


onstart:
    hold_run()


onsuccess:
    print_summary()


localrules:
    all,


rule all:
    default_target: True
    input:
        all_results(),
    message:
        "All results are there"
