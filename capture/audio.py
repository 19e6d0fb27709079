"""The microphone: blocks as they come, cut into vectors of 10 ms with raw stamps."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from capture.errors import RadgazeError
from capture.streams import AUDIO_VECTOR_HZ

_RING_S = 10
_MAX_BLOCKS = 1 << 15  # 10 s of blocks of 64 frames at 192 kHz
_CUT_EVERY_S = 0.05


class MicrophoneError(RadgazeError):
    """The microphone cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrophoneConfig:
    """Which microphone dictation is recorded from."""

    device: str | int | None = None
    """Name, part of a name or number of the device; None for the system's default."""
    rate_hz: int = 48_000
    """Audio samples a second; a multiple of 100."""
    required: bool = True
    """Refuse to record without it."""

    def __post_init__(self) -> None:
        if self.rate_hz <= 0 or self.rate_hz % AUDIO_VECTOR_HZ:
            raise ValueError(
                f"audio rate must be a multiple of 100 Hz, got {self.rate_hz}"
            )


Vectors = Callable[[NDArray[np.float64], NDArray[np.int16]], None]
"""Takes (n,) seconds of each vector's first sample, and (n, rate/100) samples."""
Callback: TypeAlias = Callable[[NDArray[np.int16], int, Any, Any], None]


class InputStream(Protocol):
    """What `sounddevice.InputStream` does for us."""

    def start(self) -> None:
        """Let the callback be called."""

    def stop(self) -> None:
        """Return once the callback is no longer called."""

    def close(self) -> None:
        """Give the device back."""


OpenStream: TypeAlias = Callable[[MicrophoneConfig, Callback], InputStream]


class Microphone:
    """Records one channel; `write` is called on a thread of its own.

    A stamp is the time at which the callback was called, less the block's length: most
    sound systems state a capture time that is worse. Stamps are never smoothed here,
    since delays are only ever positive and the raw lower edge is needed to fit the
    device's clock.

    Args:
        config: Device and rate.
        write: Gets the vectors in order.
        clock: Returns seconds on the LSL clock.
        open_stream: Opens the device with the callback; None for PortAudio.
    """

    def __init__(
        self,
        config: MicrophoneConfig,
        write: Vectors,
        clock: Callable[[], float],
        open_stream: OpenStream | None = None,
    ) -> None:
        self.config, self.overflows, self.dropped_frames = config, 0, 0
        self._write, self._clock = write, clock
        self._open = open_stream or open_portaudio
        self._frame = config.rate_hz // AUDIO_VECTOR_HZ
        self._ring: NDArray[np.int16] = np.zeros(_RING_S * config.rate_hz, np.int16)
        # one row a block: first sample, end, the first's time, was there a gap before
        self._starts = np.zeros(_MAX_BLOCKS, np.int64)
        self._ends = np.zeros(_MAX_BLOCKS, np.int64)
        self._times_s = np.zeros(_MAX_BLOCKS)
        self._gaps = np.zeros(_MAX_BLOCKS, bool)
        self._blocks = self._samples = 0  # written by the callback alone
        self._first_block = self._cut = 0  # written by the cutter alone
        self._gap = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)
        self._stream: InputStream | None = None

    def start(self) -> None:
        """Open the device and record.

        Raises:
            MicrophoneError: PortAudio or the device is missing, or refuses the rate.
        """
        self._stream = self._open(self.config, self._callback)
        self._thread.start()
        self._stream.start()

    def stop(self) -> None:
        """Close the device and write what it left, but for a last part of 10 ms."""
        if self._stream is None:
            return
        self._stream.stop()
        self._stream.close()
        self._stream = None
        self._done.set()
        self._thread.join()

    def _callback(
        self, block: NDArray[np.int16], frames: int, _: Any, status: Any
    ) -> None:
        # runs while the device waits: nothing here may allocate, lock or write files
        now_s = self._clock()
        if status and status.input_overflow:
            self.overflows += 1
            self._gap = True
        behind = self._samples - self._cut + frames > len(self._ring)
        if behind or self._blocks - self._first_block >= _MAX_BLOCKS:
            self.dropped_frames += frames
            self._gap = True
            return
        row, at = self._blocks % _MAX_BLOCKS, self._samples % len(self._ring)
        head = min(frames, len(self._ring) - at)
        self._ring[at : at + head] = block[:head, 0]
        self._ring[: frames - head] = block[head:frames, 0]
        self._starts[row] = self._samples
        self._ends[row] = self._samples + frames
        self._times_s[row] = now_s - frames / self.config.rate_hz
        self._gaps[row] = self._gap
        self._gap = False
        self._samples += frames
        self._blocks += 1

    def _run(self) -> None:
        while not self._done.wait(_CUT_EVERY_S):
            self._cut_vectors()
        self._cut_vectors()

    def _cut_vectors(self) -> None:
        rows = np.arange(self._first_block, self._blocks) % _MAX_BLOCKS
        if not len(rows):
            return
        starts, times_s = self._starts[rows], self._times_s[rows]
        end = int(self._ends[rows[-1]])
        gaps = [int(s) for s in starts[self._gaps[rows]] if s > self._cut]
        for stop in (*gaps, end):
            self._write_until(stop, starts, times_s)
            if stop in gaps:
                # a vector never joins what lay before a gap to what lies behind it
                self._cut = stop
        here = int(np.searchsorted(starts, self._cut, side="right")) - 1
        self._first_block += max(here, 0)

    def _write_until(
        self, stop: int, starts: NDArray[np.int64], times_s: NDArray[np.float64]
    ) -> None:
        count = (stop - self._cut) // self._frame
        if count <= 0:
            return
        firsts = self._cut + self._frame * np.arange(count)
        blocks = np.searchsorted(starts, firsts, side="right") - 1
        stamps_s = times_s[blocks] + (firsts - starts[blocks]) / self.config.rate_hz
        places = np.arange(self._cut, self._cut + count * self._frame)
        samples = self._ring[places % len(self._ring)].reshape(count, self._frame)
        self._write(stamps_s, samples)
        self._cut += count * self._frame


def open_portaudio(config: MicrophoneConfig, callback: Callback) -> InputStream:
    """Open a device with PortAudio, at low latency, which gives the best stamps.

    Raises:
        MicrophoneError: PortAudio or the device is missing, or refuses the rate.
    """
    audio = _portaudio()
    try:
        stream: InputStream = audio.InputStream(
            device=config.device,
            samplerate=config.rate_hz,
            channels=1,
            dtype="int16",
            latency="low",
            blocksize=0,
            callback=callback,
        )
    except (audio.PortAudioError, ValueError) as error:
        inputs = [d["name"] for d in audio.query_devices() if d["max_input_channels"]]
        wanted = "the default" if config.device is None else repr(config.device)
        raise MicrophoneError(
            f"microphone {wanted} cannot record at {config.rate_hz} Hz: {error}; "
            f"inputs found: {', '.join(inputs) or 'none'}"
        ) from error
    return stream


def _portaudio() -> ModuleType:
    try:
        # loads a system library that machines without sound do not have
        import sounddevice
    except OSError as error:
        raise MicrophoneError(
            f"the microphone needs the PortAudio library: {error}; install it "
            "(Debian and Ubuntu: apt install libportaudio2) or record without one"
        ) from error
    module: ModuleType = sounddevice
    return module
