"""What reruns after an edit: all that the edit changes, and nothing else."""

import pytest

pytestmark = pytest.mark.workflow

AFTER_ONE_DETECTOR = {
    "fit_detector": 1,
    "score_objects": 2,
    "merge_scores": 1,
    "plot_scores": 1,
    "plot_gallery": 1,
    "plot_first": 1,
    "rank_objects": 1,
    "evaluate_scores": 1,
    "plot_metric": 3,
    "plot_curves": 2,
    "plot_spaces": 2,
    "write_summary": 1,
}
LUPTON = "workflow/hoag/images/lupton.py"
LUPTON_PLUGIN = "workflow/hoag/images/transforms/lupton.py"
FOREST = "workflow/hoag/detectors/isolation_forest.py"
SURVEY = "workflow/hoag/surveys/simulated.py"


def append(workspace, path, text):
    with (workspace.folder / path).open("a") as file:
        file.write(text)


def only_the_forest(planned):
    """The forest alone is fitted, scored and drawn again."""
    assert planned.jobs == AFTER_ONE_DETECTOR
    said = " ".join(planned.messages)
    assert "forest" in said and "neighbours" not in said and "wgan" not in said


@pytest.mark.parametrize("path", [LUPTON, LUPTON_PLUGIN])
def test_editing_lupton_makes_images_again_and_fetches_nothing(small, path):
    append(small, path, "\nEDITED = True\n")
    jobs = small.plan().jobs
    assert jobs["make_images"] == 2 and jobs["train_wgan"] == 1 and jobs["rank_objects"] == 1
    assert not {"prepare_catalogue", "fetch_cutouts"} & set(jobs)


def test_editing_a_detector_reruns_it_alone(small):
    append(small, FOREST, "\nEDITED = True\n")
    only_the_forest(small.plan())


def test_changing_an_option_of_a_detector_reruns_it_alone(small):
    small.edit("small.yaml", "n_trees: 50", "n_trees: 51")
    only_the_forest(small.plan())


def test_other_limits_of_the_checks_train_nothing(small):
    small.configure(checks={"min_coverage": 0.3})
    append(small, "workflow/hoag/models/wgan/checks.py", "\nEDITED = True\n")
    jobs = small.plan().jobs
    assert jobs["check_wgan"] == 1 and jobs["write_summary"] == 1
    assert not {"train_wgan", "train_encoder", "score_images"} & set(jobs)


def test_writing_the_same_options_otherwise_reruns_nothing(small):
    small.edit(
        "small.yaml",
        "{kind: lupton, red: i, green: r, blue: g}",
        "{blue: g, green: r, red: i, q: 15, kind: lupton}",
    )
    small.edit("small.yaml", "n_trees: 50", "n_trees: 50, max_samples: 256")
    assert small.plan().nothing_to_do


def test_editing_words_reruns_nothing(small):
    """Docstrings and comments, of modules and of scripts."""
    for path in (LUPTON, FOREST, "workflow/scripts/make_images.py", "workflow/hoag/tables.py"):
        file = small.folder / path
        text = file.read_text()
        assert text.startswith('"""')
        file.write_text('"""Other words: ' + text[3:] + "\n# A last remark.\n")
    append(small, "workflow/scripts/_job.py", "\nEDITED = True  # logs and progress only\n")
    append(small, "rules/images.smk", "\n# A last remark.\n")
    assert small.plan().nothing_to_do


def test_editing_the_schemas_fetches_nothing(small):
    small.edit(
        "workflow/hoag/tables.py", '"attempts": WHOLE,', '"attempts": WHOLE,\n"instrument": TEXT,'
    )
    jobs = small.plan().jobs
    assert jobs["rank_objects"] == 1 and jobs["train_wgan"] == 1
    assert not {"prepare_catalogue", "fetch_cutouts", "make_images"} & set(jobs)


def test_editing_how_cutouts_are_fetched_fetches_nothing(small):
    for path in (SURVEY, "workflow/scripts/fetch_cutouts.py", "workflow/hoag/batches.py"):
        append(small, path, "\nEDITED = True\n")
    assert small.plan().nothing_to_do


@pytest.mark.parametrize("path", [SURVEY, "workflow/hoag/catalogue/__init__.py"])
def test_raising_a_format_version_fetches_again(small, path):
    small.edit(path, "\nFORMAT_VERSION = 1", "\nFORMAT_VERSION = 2")
    jobs = small.plan().jobs
    assert jobs["prepare_catalogue"] == 1 and jobs["fetch_cutouts"] == 2
    assert jobs["make_images"] == 2 and jobs["train_wgan"] == 1


def test_another_seed_draws_again(small):
    """Also here, where the new seed is a number that the rule's other parameters hold already."""
    small.configure(seeds=[2])
    jobs = small.plan().jobs
    assert jobs["prepare_catalogue"] == 1 and jobs["fetch_cutouts"] == 2


def test_other_pins_rerun_nothing(small):
    """What counts is the version that is installed, wherever the rule runs without conda."""
    for file in (small.folder / "envs").glob("*.yaml"):
        file.write_text(file.read_text().replace("numpy=2", "numpy=1"))
    assert small.plan().nothing_to_do


def test_colouring_a_map_otherwise_draws_it_again_and_no_more(small):
    small.edit("small.yaml", "code_00, wgan_sigma, label", "code_00, wgan_sigma, ra_deg")
    assert small.plan().jobs == {"plot_colours": 1}
