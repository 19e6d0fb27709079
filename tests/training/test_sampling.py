import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.sampling import batches_of, derange, epoch_order, nested_subset, prefetch

IDS = np.array([f"reading-{i}" for i in range(200)], dtype=object)


def test_the_order_differs_by_epoch_and_seed_and_is_a_permutation():
    orders = [epoch_order(50, seed, epoch) for seed, epoch in [(0, 0), (0, 1), (1, 0)]]

    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert (epoch_order(50, 0, 1) == orders[1]).all()


@given(st.integers(0, 3), st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_share_lies_within_a_larger_one(seed, a, b):
    rows = np.arange(0, 200, 2)

    small, large = (nested_subset(rows, IDS, s, seed) for s in sorted((a, b)))

    assert set(small.tolist()) <= set(large.tolist()) <= set(rows.tolist())


def test_a_share_has_its_size():
    rows = np.arange(200)

    sizes = [len(nested_subset(rows, IDS, s, 0)) for s in (0, 0.001, 0.05, 0.5, 1)]

    assert sizes == [0, 1, 10, 100, 200]


def test_another_reading_does_not_change_which_are_chosen():
    half = set(nested_subset(np.arange(100), IDS, 0.5, 0).tolist())

    more = set(nested_subset(np.arange(101), IDS, 0.5, 0).tolist())

    assert len(half & more) >= 49


@pytest.mark.parametrize(
    ("count", "keep", "sizes"),
    [
        (9, False, [4, 4]),
        (9, True, [4, 4]),  # a single image cannot be compared
        (10, True, [4, 4, 2]),
        (8, False, [4, 4]),
        (3, False, [3]),  # a small split is one batch
        (1, False, []),
    ],
)
def test_batches_hold_two_images_or_more(count, keep, sizes):
    assert [len(b) for b in batches_of(np.arange(count), 4, keep_rest=keep)] == sizes


def test_prefetch_keeps_the_order():
    assert list(prefetch(iter(range(20)), depth=3)) == list(range(20))


def test_prefetch_hands_on_an_error():
    def items():
        yield 1
        raise RuntimeError("disk gone")

    found = prefetch(items())

    assert next(found) == 1
    with pytest.raises(RuntimeError, match="disk gone"):
        next(found)


def test_prefetch_can_be_left_early():
    found = prefetch(iter(range(1000)))

    assert next(found) == 0
    found.close()


@pytest.mark.parametrize("count", [2, 3, 10])
def test_nobody_gets_their_own_gaze_back(count):
    rows = np.arange(count) * 7

    donors = derange(rows, np.random.default_rng(0))

    assert sorted(donors) == rows.tolist()
    assert all(donor != row for donor, row in zip(donors, rows, strict=True))
