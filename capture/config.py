"""Settings of the capture commands; the command line is made from these classes."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from capture.errors import ConfigError
from capture.geometry import Screen

_FOLDER_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"

VoiceEngine = Literal["espeak", "tones"]
"""espeak: synthetic speech. tones: a tone a word, for a machine without eSpeak."""

TrackerName = Literal["mouse", "lsl", "simulated"]
"""The names in `capture.trackers.TRACKERS`, spelled out so that nothing is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureConfig:
    """One reading session: who reads what, on which screen, watched by what."""

    studies: Path
    """CSV file that lists the studies in reading order."""
    out: Path = Path("sessions")
    """Folder of all sessions; the new one becomes OUT/READER/SESSION."""
    reader: str = "reader"
    """The reader's own name or number; only a pseudonym of it is written."""
    session: str = ""
    """Name of the session; empty makes a new one up."""
    tracker: TrackerName = "mouse"
    """Where the gaze comes from."""
    screen: Screen = field(default_factory=Screen)
    """The monitor; without full screen the window gets this size and counts as one."""
    fullscreen: bool = False
    """Take the whole monitor, as a real eye tracker needs."""
    mouse_rate_hz: float = 100.0
    """Samples a second of the mouse as a tracker, 60 to 120."""
    gaze_stream: str = ""
    """lsl tracker: name of the stream that the vendor's program publishes."""
    gaze_type: str = "Gaze"
    """lsl tracker: type of that stream."""
    find_timeout_s: float = 10.0
    """How long to look for each stream before giving up."""
    microphone: bool = False
    """Record the dictation too."""
    microphone_device: str = ""
    """Name of the microphone; empty takes the system's own choice."""
    microphone_rate_hz: int = 48_000
    """Sound samples a second."""
    network: Literal["machine", "lab"] = "machine"
    """machine: streams of this computer alone; lab: the tracker runs on another one."""
    key_file: Path | None = None
    """Key of the pseudonyms; by default the one in the user's own folder."""
    seed: int = 0
    """Fixes what a simulated reader does."""
    speed: float = 1.0
    """How fast a simulated reader reads, 1 being life; real trackers ignore it."""
    voice: VoiceEngine = "espeak"
    """What makes the sound of a simulated reader's dictation."""
    max_image_s: float | None = None
    """Longest time of a simulated reader on an image; by default a whole report."""

    def __post_init__(self) -> None:
        if not self.reader:
            raise ConfigError("reader must not be empty: sessions belong to a reader")
        if self.session and not re.fullmatch(_FOLDER_NAME, self.session):
            raise ConfigError(
                f"session names a folder, so {self.session!r} cannot be: use letters, "
                "digits, - _ ."
            )
        if not 60 <= self.mouse_rate_hz <= 120:
            raise ConfigError(
                f"mouse_rate_hz must be 60 to 120, got {self.mouse_rate_hz}: windows "
                "learn of the mouse about that often"
            )
        if not self.find_timeout_s > 0:
            raise ConfigError(
                f"find_timeout_s must be above 0, got {self.find_timeout_s}"
            )
        if not self.speed > 0:
            raise ConfigError(f"speed must be above 0, got {self.speed}")
        if self.microphone_rate_hz <= 0 or self.microphone_rate_hz % 100:
            raise ConfigError(
                "microphone_rate_hz must be a multiple of 100, got "
                f"{self.microphone_rate_hz}: sound is recorded in steps of 10 ms"
            )
        check_max_image_s(self.max_image_s)
        if self.tracker == "lsl" and not self.fullscreen:
            raise ConfigError(
                "the lsl tracker needs fullscreen: its gaze is in pixels of the "
                "monitor, not of a window"
            )


def check_max_image_s(max_image_s: float | None) -> None:
    """Refuse a time that is too short to find and say anything.

    Raises:
        ConfigError: It is below 4 s.
    """
    if max_image_s is not None and not max_image_s >= 4:
        raise ConfigError(f"max_image_s must be at least 4, got {max_image_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConfig:
    """What can be seen before a session: streams on the network, files of a list."""

    studies: Path | None = None
    """CSV file whose images are all opened; every one that fails is listed."""
    streams: bool = True
    """Look for streams."""
    wait_s: float = 2.0
    """How long to look for streams."""

    def __post_init__(self) -> None:
        if not self.wait_s > 0:
            raise ConfigError(f"wait_s must be above 0, got {self.wait_s}")
