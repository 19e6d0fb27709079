"""How eyes jump: duration and profile of a saccade, by the main sequence."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PEAK_TO_MEAN_VELOCITY = 16 / 9
"""Of `saccade_profile`: its fastest moment, at a third of its time."""


def saccade_duration_s(amplitude_deg: float) -> float:
    """Return how long a saccade takes: 2.2 ms a degree and 21 ms.

    Source:
        Carpenter, Movements of the Eyes (Pion, 1988): the main sequence.
    """
    return 0.0022 * amplitude_deg + 0.021


def saccade_profile(share: Floats) -> Floats:
    """Return the share of the way covered at a share of the saccade's time.

    Velocity is 12 t (1 - t)²: it rises faster than it falls, as in the eye. With
    `saccade_duration_s` the peak is 140, 412 and 544 deg/s for 2, 10 and 20 degrees,
    which saturates as the main sequence does.

    Args:
        share: (n,) in 0 to 1; values outside are taken as the nearer end.

    Returns:
        (n,) from 0 to 1.

    Source:
        Bahill, Clark & Stark, Mathematical Biosciences 24 (1975): the main sequence.
    """
    t = np.clip(share, 0.0, 1.0)
    return t * t * (6.0 + t * (3.0 * t - 8.0))
