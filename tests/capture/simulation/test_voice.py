import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import MissingExtraError, RadgazeError
from capture.simulation.voice import RATE_HZ, match_words, speak

TEXTS = ["A 1.2 cm nodule is in the left upper lobe.", "No pneumothorax."]
needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="the extra simulation-voice is not installed",
)


def rms(pcm):
    return float(np.sqrt((pcm.astype(float) ** 2).mean()))


@needs_espeak
def test_espeak_says_the_sentences_with_times_of_their_words():
    first, second = speak(TEXTS, words_per_minute=160, seed=1)

    assert 2.0 < first.duration_s < 5.0
    assert 0.5 < second.duration_s < 2.0
    assert rms(first.pcm) > 1000
    assert [word.text for word in first.words] == TEXTS[0].split()
    starts_s = [word.start_s for word in first.words if word.start_s is not None]
    assert starts_s == sorted(starts_s)
    assert len(starts_s) >= len(first.words) - 2
    assert first.words[-1].end_s == pytest.approx(first.duration_s)


@needs_espeak
def test_sound_is_where_a_word_is_said_to_be():
    spoken = speak(["No pneumothorax."], seed=1)[0]
    word = spoken.words[1]

    inside = spoken.pcm[int(word.start_s * RATE_HZ) : int(word.end_s * RATE_HZ)]

    assert rms(inside) > 1000


@needs_espeak
@pytest.mark.parametrize("voice", ["en-us", "en-us+f3"])  # f3 is breathy: random
def test_espeak_gives_the_same_bytes_again(voice):
    first, second = (speak(TEXTS, voice=voice, seed=5) for _ in range(2))

    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.pcm, b.pcm)
        assert a.words == b.words


@needs_espeak
def test_a_faster_reader_needs_less_time():
    slow, fast = (speak(TEXTS[:1], words_per_minute=w)[0] for w in (140, 190))

    assert fast.duration_s < 0.85 * slow.duration_s


@needs_espeak
def test_an_unknown_voice_is_named():
    with pytest.raises(RadgazeError, match="no voice 'xx-nobody'"):
        speak(TEXTS, voice="xx-nobody")


@needs_espeak
def test_espeak_never_enters_this_process():
    code = (
        "import sys; from capture.simulation.voice import speak; speak(['One.']);"
        "print('espeakng_loader' in sys.modules)"
    )

    told = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert told.strip() == "False"


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(MissingExtraError, match=r"radgaze\[simulation-voice\]"):
        speak(TEXTS)


def test_tones_last_as_long_as_speech():
    # 8 words, 34 letters: 42 letters and spaces at 160 words of 5.7 a minute
    spoken = speak(["eight words of four letters make some time"], engine="tones")[0]

    assert 2.0 < spoken.duration_s < 4.0
    assert rms(spoken.pcm) > 500
    assert all(word.start_s is not None for word in spoken.words)


def test_a_text_without_words_is_silence():
    assert len(speak(["  "], engine="tones")[0].pcm) == 0


def test_a_word_without_an_event_stays_untimed():
    # "in the" had one event, "4.2" had two
    words = match_words("in the 4.2", [(0, 0.1), (7, 0.5), (9, 0.7)], 1.0)

    assert [(w.start_s, w.end_s) for w in words] == [
        (0.1, 0.5),
        (None, None),
        (0.5, 1.0),
    ]


@given(
    st.lists(st.sampled_from(["a", "in", "4.2", "right-sided"]), max_size=8),
    st.lists(st.tuples(st.integers(0, 60), st.floats(0, 9)), max_size=10),
)
def test_word_times_never_go_back(tokens, events):
    words = match_words(" ".join(tokens), events, 5.0)

    times_s = [t for w in words if w.start_s is not None for t in (w.start_s, w.end_s)]
    assert [w.text for w in words] == tokens
    assert times_s == sorted(times_s)
    assert all(0 <= t <= 5 for t in times_s)


def test_units_are_said_in_full_and_keep_their_place():
    pytest.importorskip("espeakng_loader")
    text = "A 1.2 cm nodule."

    (short,) = speak([text])
    (full,) = speak(["A 1.2 centimeters nodule."])

    assert [text[w.char_start : w.char_end] for w in short.words] == text.split()
    assert [w.text for w in short.words] == text.split()
    np.testing.assert_array_equal(short.pcm, full.pcm)
