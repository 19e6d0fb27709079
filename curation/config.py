"""What can be set when sessions become a data set; no heavy import, so help is fast."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from capture.errors import ConfigError
from capture.progress import ProgressMode

MethodName = Literal["adaptive", "ivt", "idt"]
PolicyName = Literal[
    "during", "andpause", "reflacx-5s", "reflacx-1.5s", "lead-1.5", "double", "all"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventConfig:
    """How samples become events; still images only, as pursuit is not known."""

    method: MethodName = "adaptive"
    """adaptive: velocity against the noise of the recording; ivt; idt."""
    window_s: float = 0.015
    """Savitzky-Golay window of the velocity."""
    velocity_deg_s: float = 30.0
    """ivt: a sample as fast as this is a saccade's."""
    noise_factor: float = 7.0
    """adaptive: a saccade's peak is so many standard deviations over the noise."""
    edge_factor: float = 4.0
    """adaptive: a saccade ends so many standard deviations over the noise."""
    dispersion_deg: float = 1.0
    """idt: spread of a fixation, width plus height."""
    min_fixation_s: float = 0.05
    """What is shorter between two saccades belongs to them."""
    min_saccade_s: float = 0.008
    """What is shorter is noise within a fixation."""
    max_gap_s: float = 0.075
    """Losses up to this are bridged, longer ones end a fixation."""
    max_blink_s: float = 0.5
    """A loss between `max_gap_s` and this is a blink."""
    merge_gap_s: float = 0.03
    """Fixations of one place that lie closer in time are one."""
    merge_deg: float = 0.2
    """How close one place is."""

    def __post_init__(self) -> None:
        for name in ("window_s", "velocity_deg_s", "dispersion_deg", "min_fixation_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above 0, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLimits:
    """What a recording must reach to be accepted."""

    min_valid_share: float = 0.5
    """Of the samples expected at the measured rate, how many found an eye."""
    min_rate_hz: float = 20.0
    """Gaze samples a second."""
    min_duration_s: float = 1.0
    """Time that the image was shown."""
    max_gap_s: float = 10.0
    """Longest stretch without any gaze while the image was shown."""
    min_on_image_share: float = 0.3
    """Of the valid gaze, how much lies on the image."""
    min_fixations: int = 3
    """Fixations on or off the image."""
    min_timed_share: float = 0.0
    """Of the sentences, how many were found in the audio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurateConfig:
    """Sessions in, one data set out."""

    sessions: tuple[Path, ...]
    """Session folders, or folders that hold some at any depth."""
    out: Path
    """Folder of the data set; an earlier data set there is replaced at the end."""
    studies: tuple[Path, ...] = ()
    """Study lists with images and reports; default: studies.csv near the sessions."""
    unread: bool = False
    """Also add the studies of the lists that nobody read, without gaze."""
    image_size: int = 512
    """Edge of the stored square images, pixels."""
    policy: PolicyName = "lead-1.5"
    """Which gaze belongs to a sentence."""
    speech: bool = True
    """Find the sentences of the report in the audio."""
    accept_unverified: bool = False
    """Keep readings whose dictation does not sound like their report."""
    scrub: bool = True
    """Blank dates, names and numbers of people in the reports."""
    readings_per_shard: int | None = None
    """Default: as many as make 1 GiB of images."""
    split_shares: tuple[float, float, float] = (0.7, 0.1, 0.2)
    """Shares of the patients in train, validation and test."""
    seed: int = 0
    """Of the division into splits and of the speech aligner."""
    workers: int = 1
    """Processes; the result does not depend on it."""
    progress: ProgressMode = "auto"
    """How progress is shown on stderr."""
    events: EventConfig = field(default_factory=EventConfig)
    quality: QualityLimits = field(default_factory=QualityLimits)

    def __post_init__(self) -> None:
        if not self.sessions:
            raise ConfigError("no sessions given; name at least one session folder")
        for name, least in (("image_size", 8), ("workers", 1)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"{name} must be at least {least}, got {getattr(self, name)}"
                )
        if self.readings_per_shard is not None and self.readings_per_shard < 1:
            raise ConfigError(
                f"readings_per_shard must be at least 1, got {self.readings_per_shard}"
            )
        if min(self.split_shares) < 0 or abs(sum(self.split_shares) - 1) > 1e-9:
            raise ConfigError(
                f"split_shares must be 0 or more and sum to 1, got {self.split_shares}"
            )
