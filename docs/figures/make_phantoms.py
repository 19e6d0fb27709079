"""Draw docs/figures/phantoms.png: run `python docs/figures/make_phantoms.py`."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from capture.simulation.phantom import make_phantom, to_display

TILE_PX, COLUMNS, GRAYS = 248, 5, 24
SHOWN = (
    ("none", 202),
    ("Cardiomegaly", 107),
    ("Pleural Effusion", 106),
    ("Pneumothorax", 106),
    ("Consolidation", 102),
    ("Lung Lesion", 42),
    ("Edema", 103),
    ("Atelectasis", 101),
    ("Support Devices", 206),
    ("Support Devices", 104),
)


def tile(name: str, seed: int) -> np.ndarray:
    """Return one film as a square of gray values with its name below."""
    names = [] if name == "none" else [name]
    shown = to_display(make_phantom(seed, findings=names, height_px=4 * TILE_PX))
    scale = TILE_PX / max(shown.shape)
    small = cv2.resize(shown, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    square = np.zeros((TILE_PX + 20, TILE_PX), np.uint8)
    left = (TILE_PX - small.shape[1]) // 2
    square[: small.shape[0], left : left + small.shape[1]] = small
    at = (4, TILE_PX + 14)
    cv2.putText(square, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 230, 1, cv2.LINE_AA)
    return square


def main() -> None:
    """Write the sheet, in few gray levels so that it stays small."""
    tiles = [tile(name, seed) for name, seed in SHOWN]
    rows = [np.hstack(tiles[k : k + COLUMNS]) for k in range(0, len(tiles), COLUMNS)]
    step = 255 / (GRAYS - 1)
    sheet = (np.rint(np.vstack(rows) / step) * step).astype(np.uint8)
    out = Path(__file__).with_name("phantoms.png")
    Image.fromarray(sheet).quantize(GRAYS).save(out, optimize=True)


if __name__ == "__main__":
    main()
