"""A small simulated recording, made once: two sessions over four studies."""

import os

import pytest


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """Folder with `studies/studies.csv` and `sessions/`; never change it."""
    from capture.simulation.simulate import simulate_sessions
    from capture.simulation.studies import write_studies_folder

    root = tmp_path_factory.mktemp("simulated")
    before = os.environ.get("RADGAZE_KEY_FILE")
    os.environ["RADGAZE_KEY_FILE"] = str(root / "key")
    try:
        studies = write_studies_folder(root / "studies", n=4, seed=5, height_px=512)
        simulate_sessions(
            studies,
            root / "sessions",
            readers=2,
            seed=2,
            voice="tones",
            progress="none",
        )
    finally:
        if before is None:
            del os.environ["RADGAZE_KEY_FILE"]
        else:
            os.environ["RADGAZE_KEY_FILE"] = before
    return root
