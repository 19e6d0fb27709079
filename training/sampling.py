"""Which readings a step takes: orders, subsets and look-ahead, all fixed by a seed."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Ints = NDArray[np.int64]


def nested_subset(rows: Ints, ids: NDArray[Any], share: float, seed: int) -> Ints:
    """Choose a share of readings so that a smaller share is inside a larger one.

    Args:
        rows: (n,) row numbers to choose from.
        ids: Reading id of every row of the data set.
        share: 0 to 1.
        seed: Another seed chooses others.

    Returns:
        Sorted row numbers, round(share * n) of them and at least 1 unless share is 0.
    """

    def key(row: int) -> bytes:
        return hashlib.sha256(f"{seed}\0{ids[row]}".encode()).digest()

    count = round(share * len(rows))
    if share > 0 and len(rows):
        count = max(1, count)
    return np.sort(np.array(sorted(rows.tolist(), key=key)[:count], dtype=np.int64))


def epoch_order(count: int, seed: int, epoch: int) -> Ints:
    """Shuffle the positions of a split; seed and epoch alone fix the order."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def batches_of(order: Ints, size: int, *, keep_rest: bool) -> list[Ints]:
    """Cut an order into batches of `size`.

    Args:
        order: Positions.
        size: Images per batch.
        keep_rest: Keep the incomplete batch at the end, unless it has a single image.

    Returns:
        Batches of 2 images or more; a short split is one batch.
    """
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    if len(parts) > 1 and (len(parts[-1]) < 2 or not keep_rest):
        complete = len(parts[-1]) == size
        parts = parts if complete else parts[:-1]
    return [part for part in parts if len(part) >= 2]


def prefetch(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """Compute the next items in a thread while the current one is used."""
    source, end = iter(items), object()
    with ThreadPoolExecutor(1, "prefetch") as pool:
        waiting = deque(pool.submit(next, source, end) for _ in range(depth))
        while True:
            item: Any = waiting.popleft().result()
            if item is end:
                return
            waiting.append(pool.submit(next, source, end))
            yield item


def derange(rows: Ints, rng: np.random.Generator) -> list[int]:
    """Give every row another row's place, by a cycle in random order.

    Args:
        rows: (n,) row numbers.
        rng: Fixes the order.

    Returns:
        For each row the row that it borrows from; itself only if it is alone.
    """
    order = rng.permutation(len(rows))
    donor = np.empty(len(rows), dtype=np.int64)
    donor[order] = rows[np.roll(order, 1)]
    return [int(row) for row in donor]
