"""What every test may lean on."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings made by others; a user does not have it."""
    folder = Path(os.environ.get("RADGAZE_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("real data by others is not here: set RADGAZE_SHARED to its folder")
    return folder
