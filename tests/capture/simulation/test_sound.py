from dataclasses import replace

import numpy as np
import pytest

from capture.simulation.profile import ReaderProfile
from capture.simulation.reader import plan_reading
from capture.simulation.sound import VECTOR_SAMPLES, mix_speech, room_noise, to_vectors
from capture.simulation.voice import RATE_HZ


@pytest.fixture
def plan(truth, speech):
    reader = ReaderProfile(unspoken_share=0.0)
    return plan_reading(truth, speech, reader, 1)


def test_a_room_is_as_loud_as_asked_and_never_silent():
    sound = room_noise(160_000, 25.0, np.random.default_rng(0))

    assert sound.std() == pytest.approx(25, rel=0.02)
    vectors = to_vectors(sound)
    assert vectors.shape == (1000, VECTOR_SAMPLES)
    assert (vectors != 0).any(1).all()


def test_a_sentence_starts_at_its_sample(plan, speech):
    sound = np.zeros(round(plan.duration_s * RATE_HZ), np.float32)

    mix_speech(sound, plan, speech, 0.0, 1.0, 1.0)

    first = round(plan.sentences[0].start_s * RATE_HZ)
    pcm = speech[0].pcm
    np.testing.assert_array_equal(sound[first : first + len(pcm)], pcm)
    assert not sound[:first].any()


def test_pieces_of_sound_join_to_the_whole(plan, speech):
    seconds = int(plan.duration_s)
    whole = np.zeros(seconds * RATE_HZ, np.float32)
    mix_speech(whole, plan, speech, 0.0, 1.0, 0.5)
    pieces = [np.zeros(RATE_HZ, np.float32) for _ in range(seconds)]

    for second, piece in enumerate(pieces):
        mix_speech(piece, plan, speech, -float(second), 1.0, 0.5)

    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_what_is_too_loud_is_clipped(plan, speech):
    loud = [replace(s, pcm=np.full_like(s.pcm, 32767)) for s in speech]
    sound = np.zeros(RATE_HZ * int(plan.duration_s), np.float32)

    mix_speech(sound, plan, loud, 0.0, 1.0, 3.0)

    assert to_vectors(sound).max() == 32767
