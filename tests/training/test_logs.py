import json
import math

from training.logs import RunLog


def test_values_are_one_object_a_line(tmp_path):
    log = RunLog(tmp_path)

    log.write("train", 1, 0, {"loss": 0.5, "rate": math.nan})
    log.close()

    line = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert line == {"split": "train", "step": 1, "epoch": 0, "loss": 0.5, "rate": None}


def test_lines_after_a_checkpoint_are_forgotten(tmp_path):
    log = RunLog(tmp_path)
    for step in (1, 2, 3):
        log.write("train", step, 0, {"loss": 1.0})

    log.forget_after(2)
    log.close()

    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]


def test_another_process_of_a_run_logs_nothing(tmp_path):
    log = RunLog(tmp_path, enabled=False)

    log.write("train", 1, 0, {"loss": 1.0})
    log.forget_after(0)
    log.close()

    assert not list(tmp_path.iterdir())
