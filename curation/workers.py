"""Do many jobs in several processes, and end them all when one thing goes wrong."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from capture.errors import RadgazeError

T = TypeVar("T")


class WorkerLostError(RadgazeError):
    """A worker process ended without an answer."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        super().__init__(
            f"one of {workers} worker processes was killed, most often for lack of "
            "memory; what was finished is kept: run it again with fewer --workers"
        )


def completed(jobs: Sequence[Callable[[], T]], workers: int) -> Iterator[tuple[int, T]]:
    """Call the jobs, in processes where that helps.

    Args:
        jobs: They and what they return travel between processes.
        workers: How many processes; one is this one.

    Yields:
        Number of a job and what it returned, in the order in which they end.

    Raises:
        WorkerLostError: A process was killed.
    """
    if workers == 1 or len(jobs) < 2:
        yield from ((number, job()) for number, job in enumerate(jobs))
        return
    others = multiprocessing.active_children()
    with _one_thread_each(), _pool(min(workers, len(jobs))) as pool:
        futures = {pool.submit(job): number for number, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise WorkerLostError(workers) from error
        except BaseException:  # what is begun may take minutes, and is begun anew
            for child in set(multiprocessing.active_children()) - set(others):
                child.terminate()
            pool.shutdown(cancel_futures=True)
            raise


def _pool(workers: int) -> ProcessPoolExecutor:
    """Ctrl-C reaches all processes of a terminal: let the workers end in silence."""
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_DFL),
    )


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes share the cores already; children inherit the environment."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS")
        else:
            os.environ["OMP_NUM_THREADS"] = before
