"""Astronomaly's labels and scores, moved over."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hoag import tables
from hoag.active.oracle import Table
from hoag.catalogue import astronomaly
from hoag.catalogue.astronomaly import read_scores
from hoag.features import table as features_table
from hoag.options import ConfigError

FILE = (  # as pandas writes it, with digits that a number would lose
    ",score,human_label,trained_score\n"
    "00123,4.5,5,3.25\n"
    "1237666274182791208,0.0,-1,0.5\n"
    "1237666274182791209,2.5,0,\n"
)
IDS = ["00123", "1237666274182791208", "1237666274182791209"]


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "ml_scores.csv"
    path.write_text(FILE)
    return path


def test_the_names_stand_in_the_index_alone(tmp_path):
    path = tmp_path / "ml_scores.csv"
    path.write_text(FILE.replace(",score,", ",object_id,").replace("trained_score", "score"))
    _, scores = read_scores(path)
    assert scores.columns.tolist() == ["object_id", "score"]
    assert scores["object_id"].tolist() == IDS


def test_labels_become_interest_and_scores_stay(kept):
    answers, scores = read_scores(kept)
    assert answers["object_id"].tolist() == [IDS[0], IDS[2]]
    assert answers["interest"].tolist() == [5, 0] and answers["class"].isna().all()
    assert scores.columns.tolist() == ["object_id", "score", "trained_score"]
    assert scores["object_id"].tolist() == IDS and scores["score"].tolist() == [4.5, 0, 2.5]
    assert scores["trained_score"].tolist()[:2] == [3.25, 0.5]
    assert np.isnan(scores["trained_score"].iloc[2])
    turned = read_scores(kept, lower_is_weirder=True).scores
    assert turned["score"].tolist() == [-4.5, 0, -2.5]
    assert turned["trained_score"].tolist()[:2] == [3.25, 0.5], "it is the user's own"


def test_a_stage_s_parquet_table_has_no_labels(tmp_path):
    frame = pd.DataFrame({"score": [0.1, -0.2]}, index=["obj1", "obj2"])
    frame.to_parquet(tmp_path / "IforestAlgorithm_output.parquet")
    answers, scores = read_scores(tmp_path / "IforestAlgorithm_output.parquet")
    assert not len(answers) and scores["object_id"].tolist() == ["obj1", "obj2"]
    tables.write("answers", answers, tmp_path / "answers.csv")


def test_identifiers_of_a_parquet_table_may_stand_in_a_column(tmp_path):
    frame = pd.DataFrame({"object_id": ["obj1", "obj2"], "score": [0.1, 0.2]})
    frame.to_parquet(tmp_path / "scores.parquet")
    assert read_scores(tmp_path / "scores.parquet").scores["object_id"].tolist() == ["obj1", "obj2"]
    frame[["score"]].to_parquet(tmp_path / "scores.parquet")
    with pytest.raises(ConfigError, match="found no identifiers, allowed: as the index"):
        read_scores(tmp_path / "scores.parquet")


def test_identifiers_of_a_csv_table_need_not_come_first(tmp_path):
    (tmp_path / "scores.csv").write_text("score,object_id\n1.5,007\n2.5,b\n")
    scores = read_scores(tmp_path / "scores.csv").scores
    assert scores["object_id"].tolist() == ["007", "b"] and scores["score"].tolist() == [1.5, 2.5]


def test_a_folder_that_is_a_file_is_one_line(kept):
    with pytest.raises(SystemExit, match=r"^hoag: --output: found .*ml_scores.csv"):
        astronomaly.main([str(kept), "--output", str(kept)])


def test_the_command_writes_what_the_workflow_reads(kept, tmp_path, capsys):
    astronomaly.main([str(kept), "--output", str(tmp_path / "moved")])
    assert capsys.readouterr().out.startswith("2 answers, 3 scores in ")
    answers = tables.read("answers", tmp_path / "moved" / "answers.csv")
    found = Table(answers, np.array(IDS, dtype=object)).answer(np.arange(3))
    assert found.index.tolist() == [0, 2] and found.as_interest({}).tolist() == [5, 0]
    assert found.as_classes().tolist() == ["interesting", "boring"]
    options = features_table.Options(str(tmp_path / "moved" / "scores.csv"), columns=("score",))
    catalogue = pd.DataFrame({"object_id": IDS[::-1]})
    state = features_table.fit(catalogue, options, 1)
    assert features_table.transform(catalogue, options, state)[:, 0].tolist() == [2.5, 0, 4.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace(",5,", ",6,"), "human_label of '00123': found 6, allowed: a whole number"),
        (FILE.replace(",5,", ",4.5,"), "human_label of '00123': found 4.5, allowed"),
        (FILE.replace(",5,", ",,"), "human_label of '00123': found nan, allowed"),
        (FILE.replace("00123", IDS[1]), f"found '{IDS[1]}' twice, allowed: once"),
        (FILE.replace("00123", ""), "found a row without an identifier"),
        (FILE.replace("score,h", "scores,h"), "column: found 'score', allowed: .*'scores'"),
        (FILE.replace("4.5", "high"), "found 'high' in score, allowed: numbers"),
        (FILE.splitlines()[0], "found no row"),
        ("", "can't be read"),
        (None, "can't be read .*No such file"),
    ],
)
def test_what_cannot_be_moved_is_named(text, message, tmp_path):
    path = tmp_path / "ml_scores.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_scores(path)


def test_a_fault_is_one_line(tmp_path):
    workflow = Path(astronomaly.__file__).parents[2]
    command = [sys.executable, "-m", "hoag.catalogue.astronomaly", str(tmp_path / "none.csv")]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": str(workflow)}
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("hoag: ") and done.stderr.count("\n") == 1
