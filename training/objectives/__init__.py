"""Pretraining objectives, one module each, and the table of their names."""

from capture.errors import UnknownNameError
from training.config import TrainConfig
from training.objectives.base import Objective
from training.objectives.clip import Clip
from training.objectives.egma import Egma

OBJECTIVES: dict[str, type[Objective]] = {"clip": Clip, "egma": Egma}
"""Name on the command line to class. A new method is one module and one line here."""


def make_objective(config: TrainConfig) -> Objective:
    """Build the objective that a run's settings name.

    Raises:
        UnknownNameError: It is not in `OBJECTIVES`.
    """
    if config.objective not in OBJECTIVES:
        raise UnknownNameError("objective", config.objective, OBJECTIVES)
    return OBJECTIVES[config.objective].from_config(config)
