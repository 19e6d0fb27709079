import pytest
import torch
from torch.nn.functional import interpolate, normalize


def unit(*shape, generator):
    values = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return normalize(values, dim=-1)


@pytest.fixture
def make_batch():
    """Readings of 5, 1, 3, 2 … sentences; reading 1 has no gaze."""

    def make(*, b=4, n=9, d=16, counts=None, seed=0, **entries):
        rng = torch.Generator().manual_seed(seed)
        counts = counts or [5, 1, 3, 2, 4, 2, 3, 1][:b]
        m = max(counts)
        mask = torch.arange(m)[None] < torch.tensor(counts)[:, None]
        patches = unit(b, n, d, generator=rng)
        gaze = torch.rand(b, m, n, generator=rng, dtype=torch.float64) ** 8
        has_gaze = mask.clone()
        has_gaze[1:2] = False
        return {
            "patches": patches,
            "pooled": normalize(patches.mean(1), dim=-1),
            "texts": unit(b, m, d, generator=rng) * mask[..., None],
            "text_mask": mask,
            "gaze_grid": gaze * has_gaze[..., None],
            "has_gaze": has_gaze,
            "study": torch.arange(b),
        } | entries

    return make


@pytest.fixture(scope="session")
def published():
    """The fixed inputs that reference values of the released code were taken on."""
    k, i, c = torch.meshgrid(
        *(torch.arange(s, dtype=torch.float64) for s in (4, 49, 512)), indexing="ij"
    )
    patches = normalize(
        torch.sin(0.37 * (k + 1) * (i + 1) + 0.11 * (c + 1) * (i + 2)), dim=-1
    )
    j, c = torch.meshgrid(
        *(torch.arange(s, dtype=torch.float64) for s in (11, 512)), indexing="ij"
    )
    flat = normalize(torch.cos(0.53 * (j + 1) + 0.07 * (c + 1) * (j + 2)), dim=-1)
    j, y, x = torch.meshgrid(
        *(torch.arange(s, dtype=torch.float64) for s in (11, 224, 224)), indexing="ij"
    )
    distance = (y - 20 - 18 * j) ** 2 + (x - 200 + 16 * j) ** 2
    maps = (torch.exp(-distance / 800) - 0.2).clamp(min=0)
    grid = interpolate(maps[None], (7, 7), mode="bilinear", antialias=True)[0].flatten(
        1
    )
    counts = [3, 1, 5, 2]
    mask = torch.arange(5)[None] < torch.tensor(counts)[:, None]
    texts = torch.zeros(4, 5, 512, dtype=torch.float64)
    gaze = torch.zeros(4, 5, 49, dtype=torch.float64)
    texts[mask], gaze[mask] = flat, grid
    has_gaze = mask & torch.tensor([1, 0, 1, 1]).bool()[:, None]
    return {
        "patches": patches,
        "pooled": normalize(patches.mean(1), dim=-1),
        "texts": texts,
        "text_mask": mask,
        "gaze_grid": gaze,
        "has_gaze": has_gaze,
        "study": torch.arange(4),
        "scale": 1 / 0.07,
    }
