import json

import numpy as np
import pytest

from capture.errors import InputError, UnknownNameError
from training.evaluation.cli import main
from training.evaluation.report import summary_lines
from training.evaluation.run import TASKS, evaluate


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make_reading):
    """A real run folder and its data set, trained for one step."""
    from curation.dataset import DatasetWriter
    from training.config import TrainConfig
    from training.loop import fit

    folder = tmp_path_factory.mktemp("trained")
    with DatasetWriter(folder / "data", image_size=32) as writer:
        for i in range(24):
            writer.add(make_reading(i, sick=i % 2 == 0))
        writer.finish(split_shares=(0.4, 0.1, 0.5))
    fit(
        TrainConfig(
            dataset=folder / "data", out=folder / "run", objective="egma", epochs=1,
            batch_size=4, image_size=32, joint_dim=16, device="cpu", progress="none",
        )
    )  # fmt: skip
    return folder


@pytest.mark.parametrize("task", sorted(TASKS))
def test_a_task_writes_its_result_figure_and_resamples(trained, tmp_path, task):
    result = evaluate(
        trained / "run", task, trained / "data", out=tmp_path, resamples=20
    )

    written = json.loads((tmp_path / f"{task}.json").read_text())
    assert written == json.loads(json.dumps(result))
    assert written["protocol"]["split"] == "test"
    assert written["protocol"]["similarity"] == "patchmax"
    assert (tmp_path / f"{task}.png").read_bytes().startswith(b"\x89PNG")
    assert np.load(tmp_path / f"{task}.npy", allow_pickle=False).shape == (21,)


def test_the_same_evaluation_gives_the_same_bytes(trained, tmp_path):
    for name in ("a", "b"):
        evaluate(
            trained / "run", "grounding", trained / "data", out=tmp_path / name,
            resamples=20,
        )  # fmt: skip

    a, b = ((tmp_path / n / "grounding.json").read_bytes() for n in ("a", "b"))
    assert a == b


def test_a_model_of_another_data_set_is_told_of(trained, make_reading, tmp_path):
    from curation.dataset import DatasetWriter

    with DatasetWriter(tmp_path / "other", image_size=32) as writer:
        for i in range(24):
            writer.add(make_reading(i + 100, sick=i % 2 == 0))
        writer.finish(split_shares=(0.4, 0.1, 0.5))

    own, other = (
        evaluate(
            trained / "run", "retrieval", dataset, out=tmp_path / "out", resamples=20
        )
        for dataset in (trained / "data", tmp_path / "other")
    )

    assert own["protocol"]["trained_on_this_data_set"]
    assert not other["protocol"]["trained_on_this_data_set"]
    assert "another data set" not in summary_lines(own)[0]
    assert "another data set" in summary_lines(other)[0]


def test_an_unknown_task_lists_the_known(trained):
    with pytest.raises(UnknownNameError, match="grounding, retrieval, zero-shot"):
        evaluate(trained / "run", "zeroshot", trained / "data")


def test_an_unknown_split_lists_the_known(trained):
    with pytest.raises(UnknownNameError, match="test, train, validation"):
        evaluate(trained / "run", "grounding", trained / "data", split="tset")


def test_a_folder_that_is_no_run_is_named(trained, tmp_path):
    with pytest.raises(InputError, match=r"config\.json"):
        evaluate(tmp_path, "grounding", trained / "data")


def test_the_command_prints_figures_and_ends_with_its_code(trained, tmp_path, capsys):
    words = [str(trained / "run"), "retrieval", str(trained / "data")]

    code = main([*words, "--out", str(tmp_path), "--resamples", "20"])

    assert code == 0
    assert "image to text, precision at 1" in capsys.readouterr().out
    assert main([words[0], "retrieval,retrival", words[2]]) == 2
    assert "no evaluation task named 'retrival'" in capsys.readouterr().err


def test_all_tasks_run_at_once_and_print_a_line_each(trained, tmp_path, capsys):
    words = [str(trained / "run"), "all", str(trained / "data"), "--out", str(tmp_path)]

    code = main([*words, "--resamples", "20", "--json", "--progress", "none"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert [line["task"] for line in lines] == list(TASKS)
    assert len(list(tmp_path.glob("*.json"))) == len(TASKS)
