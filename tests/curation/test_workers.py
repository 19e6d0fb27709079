"""Jobs in processes: all answers, or one clear error and no process left."""

import multiprocessing
import os
import signal
import time
from functools import partial

import pytest

from curation.workers import WorkerLostError, completed


def fail():
    raise ValueError("job")


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_answered_with_its_number(workers):
    jobs = [partial(pow, 2, n) for n in range(5)]

    assert sorted(completed(jobs, workers)) == [(n, 2**n) for n in range(5)]


def test_a_killed_process_is_told_with_a_remedy():
    jobs = [partial(signal.raise_signal, signal.SIGKILL)] * 2

    with pytest.raises(WorkerLostError, match="fewer --workers"):
        list(completed(jobs, 2))


def test_a_failing_job_ends_the_others_at_once():
    start_s = time.monotonic()

    with pytest.raises(ValueError, match="job"):
        list(completed([fail, partial(time.sleep, 60)], 2))

    assert time.monotonic() - start_s < 30
    assert not multiprocessing.active_children()


def test_processes_use_one_thread_each_and_ours_is_left_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")

    found = dict(completed([partial(os.getenv, "OMP_NUM_THREADS")] * 2, 2))

    assert found == {0: "1", 1: "1"}
    assert os.environ["OMP_NUM_THREADS"] == "3"
