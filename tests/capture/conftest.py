"""Live streams that stay on this machine and apart from any other test run."""

import os

import pytest

from capture.lsl_config import VARIABLE, apply, machine_only

# before any test module loads pylsl, which reads its settings once
apply(machine_only(f"test-{os.getpid()}"))


@pytest.fixture(scope="session")
def lsl_environment() -> dict[str, str]:
    """What a child process needs to see this process's streams."""
    return {VARIABLE: os.environ[VARIABLE]}
