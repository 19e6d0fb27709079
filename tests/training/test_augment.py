import pytest
import torch

from training.augment import Augmentation
from training.config import AugmentConfig

STILL = AugmentConfig(rotation_deg=0, scale=0, shift=0, brightness=0, contrast=0)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_no_change_leaves_images_and_points():
    images = torch.rand(2, 16, 16, generator=rng())
    xy = torch.rand(5, 2, generator=rng())
    change = Augmentation(STILL, 2, rng())

    torch.testing.assert_close(change.images(images), images)
    torch.testing.assert_close(change.points(xy, torch.zeros(5, dtype=int)), xy)


@pytest.mark.parametrize("seed", range(8))
def test_points_stay_on_the_dot_they_were_on(seed):
    at = 0.2 + 0.6 * torch.rand(1, 2, generator=rng(seed))
    axis = (torch.arange(96) + 0.5) / 96
    distance = (axis[None, :] - at[0, 0]) ** 2 + (axis[:, None] - at[0, 1]) ** 2
    image = torch.exp(-distance / 0.002)[None]
    settings = AugmentConfig(
        rotation_deg=30, scale=0.2, shift=0.1, brightness=0, contrast=0
    )
    change = Augmentation(settings, 1, rng(seed))

    moved = change.images(image)[0]

    mass = moved / moved.sum()
    center = torch.stack([(mass.sum(0) * axis).sum(), (mass.sum(1) * axis).sum()])
    expected = change.points(at, torch.zeros(1, dtype=torch.long))[0]
    torch.testing.assert_close(center, expected, atol=2e-3, rtol=0)


def test_widths_grow_with_the_image():
    change = Augmentation(AugmentConfig(scale=0.5), 1, rng(3))
    zero = torch.zeros(2, dtype=torch.long)
    ends = change.points(torch.tensor([[0.4, 0.5], [0.6, 0.5]]), zero)

    widths = change.widths(torch.tensor([[0.2, 0.2]]), zero[:1])

    assert float(widths[0, 0]) == pytest.approx(float((ends[1] - ends[0]).norm()))


def test_the_default_keeps_the_side_of_a_marker():
    images = torch.zeros(64, 32, 32)
    images[:, 10:20, 2:8] = 1

    moved = Augmentation(AugmentConfig(), 64, rng()).images(images)

    left, right = moved[:, :, :16], moved[:, :, 16:]
    assert (left.std((1, 2)) > 10 * right.std((1, 2))).all()


def test_gray_levels_stay_between_black_and_white():
    settings = AugmentConfig(brightness=0.9, contrast=0.9)

    moved = Augmentation(settings, 8, rng()).images(torch.rand(8, 8, 8))

    assert float(moved.min()) >= 0
    assert float(moved.max()) <= 1


def test_the_seed_fixes_the_change():
    images = torch.rand(3, 16, 16, generator=rng())

    first, again, other = (
        Augmentation(AugmentConfig(), 3, rng(seed)).images(images) for seed in (1, 1, 2)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
