import threading
from types import SimpleNamespace

import numpy as np
import pytest

from capture.audio import Microphone, MicrophoneConfig, MicrophoneError, open_portaudio

RATE = 16_000
CONFIG = MicrophoneConfig(rate_hz=RATE)
OK, OVERFLOW = None, SimpleNamespace(input_overflow=True)


class FakeDevice:
    """Calls the callback with chosen blocks, as a sound card's driver would."""

    def __init__(self, blocks, callback, set_clock, delay_s=0.0):
        self.blocks, self.callback, self.set_clock = blocks, callback, set_clock
        self.closed, self.next, self.delay_s = False, 0, delay_s

    def start(self):
        for frames, status, late_s in self.blocks:
            if status is OVERFLOW:
                self.next += 0.5 * RATE  # half a second that nobody got
            self.set_clock(100 + (self.next + frames) / RATE + late_s)
            count = np.arange(self.next, self.next + frames)
            block = (count % 30_000).astype(np.int16)[:, None]
            self.callback(block, frames, None, status)
            self.next += frames
            if self.delay_s:
                threading.Event().wait(self.delay_s)

    def stop(self):
        pass

    def close(self):
        self.closed = True


def record(blocks, config=CONFIG, **options):
    now = [0.0]
    stamps, vectors, devices = [], [], []

    def write(stamps_s, values):
        stamps.extend(stamps_s)
        vectors.extend(values)

    def open_stream(_, callback):
        devices.append(FakeDevice(blocks, callback, lambda s: now.__setitem__(0, s)))
        devices[0].delay_s = options.get("delay_s", 0.0)
        return devices[0]

    microphone = Microphone(config, write, lambda: now[0], open_stream)
    microphone.start()
    microphone.stop()
    assert devices[0].closed
    return np.array(stamps), np.array(vectors), microphone


@pytest.mark.parametrize("frames", [64, 100, 160, 333, 1024, 4800])
def test_blocks_of_any_length_become_vectors_stamped_at_their_first_sample(frames):
    stamps, vectors, _ = record([(frames, OK, 0.0)] * (32_000 // frames))

    count = 32_000 // frames * frames // 160
    assert vectors.shape == (count, 160)
    np.testing.assert_array_equal(vectors.ravel(), np.arange(count * 160) % 30_000)
    np.testing.assert_allclose(stamps, 100 + np.arange(count) / 100, atol=1e-9)


def test_stamps_are_raw_so_a_late_callback_shows():
    late = [(160, OK, 0.02 if i == 5 else 0.0) for i in range(10)]

    stamps, _, _ = record(late)

    expected = 100 + np.arange(10) / 100
    expected[5] += 0.02
    np.testing.assert_allclose(stamps, expected, atol=1e-9)


def test_no_vector_joins_the_two_sides_of_an_overflow():
    blocks = [(100, OVERFLOW if i == 20 else OK, 0.0) for i in range(40)]

    stamps, vectors, microphone = record(blocks)

    assert microphone.overflows == 1
    assert (np.diff(vectors.astype(int), axis=1) == 1).all()
    # 2000 samples are 12.5 vectors; the half before the gap is given up
    assert len(stamps) == 12 + 12
    assert stamps[12] == pytest.approx(100 + 2000 / RATE + 0.5)


def test_a_long_recording_goes_around_the_ring_unhurt():
    # 12 s through a ring of 10 s, in blocks of 0.2 s, while the cutter keeps up
    blocks = [(3200, OK, 0.0)] * 60

    _, vectors, microphone = record(blocks, delay_s=0.02)

    assert microphone.dropped_frames == 0
    np.testing.assert_array_equal(vectors.ravel(), np.arange(192_000) % 30_000)


def test_what_does_not_fit_is_counted_and_leaves_a_gap_in_the_stamps():
    # 12 s at once: the cutter has no chance to make room
    stamps, vectors, microphone = record([(16_000, OK, 0.0)] * 12)

    assert microphone.dropped_frames % 16_000 == 0
    assert len(stamps) * 160 + microphone.dropped_frames == 192_000
    assert (np.diff(stamps) > 0).all()
    assert len(vectors) == len(stamps)


def test_a_rate_without_whole_vectors_is_refused():
    with pytest.raises(ValueError, match="multiple of 100"):
        MicrophoneConfig(rate_hz=44_150)


def test_a_machine_without_such_a_microphone_says_what_to_do():
    config = MicrophoneConfig(device="no such device")

    with pytest.raises(MicrophoneError, match=r"libportaudio2|inputs found"):
        open_portaudio(config, lambda *_: None)
