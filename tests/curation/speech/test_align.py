import json
import os
import time
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from capture.simulation.voice import speak
from curation.reports import Sentence, split_report
from curation.speech.align import align_report

CHECKOUT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("RADGAZE_SHARED", CHECKOUT.parent / "shared" / "data"))
RATE_HZ = 16_000
REPORT = (
    "FINDINGS: The heart is mildly enlarged. There is a small left pleural effusion. "
    "No pneumothorax. Linear atelectasis at the right base.\n\n"
    "IMPRESSION: Cardiomegaly. Small left pleural effusion."
)


@pytest.fixture(scope="module")
def dictate():
    pytest.importorskip(
        "espeakng_loader", reason="the extra simulation-voice is missing"
    )

    def make(text=REPORT, *, unspoken=(), seed=0, voice="en-us", noise=0.0):
        """Return (pcm, sentences, start of each or None), with pauses between them."""
        rng = np.random.default_rng(seed)
        sentences = split_report(text).sentences
        spoken = speak([s.text for s in sentences], voice=voice, seed=seed)
        parts, starts = [np.zeros(RATE_HZ, dtype=np.int16)], []
        for number, sound in enumerate(spoken):
            if number in unspoken:
                starts.append(None)
                continue
            before_s = sum(len(part) for part in parts) / RATE_HZ
            starts.append(before_s + (sound.words[0].start_s or 0.0))
            pause = np.zeros(int(RATE_HZ * rng.uniform(0.3, 1.2)), dtype=np.int16)
            parts += [sound.pcm, pause]
        pcm = np.concatenate(parts) + rng.normal(0, noise, sum(map(len, parts)))
        return pcm.astype(np.int16), sentences, starts

    return make


def start_errors_s(result, starts):
    pairs = zip(result.sentences, starts, strict=True)
    return [abs(s.start_s - t) for s, t in pairs if t is not None]


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3"])
@pytest.mark.parametrize("noise", [0.0, 150.0])
def test_sentences_start_where_the_voice_starts(dictate, voice, noise):
    pcm, sentences, starts = dictate(voice=voice, noise=noise)

    result = align_report(pcm, RATE_HZ, sentences)

    assert {s.method for s in result.sentences} == {"forced"}
    assert not result.unverified
    assert result.coverage == 1
    errors_s = start_errors_s(result, starts)
    assert np.median(errors_s) <= 0.060
    assert max(errors_s) <= 0.150


def test_words_are_where_the_report_has_them(dictate):
    pcm, sentences, _ = dictate()

    result = align_report(pcm, RATE_HZ, sentences)

    words = [word for sentence in result.sentences for word in sentence.words]
    assert all(REPORT[w.char_start : w.char_end] == w.text for w in words)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(words))
    assert " ".join(w.text for w in result.sentences[2].words) == "No pneumothorax"


def test_an_unspoken_sentence_gets_no_time(dictate):
    pcm, sentences, starts = dictate(unspoken={1, 4})

    result = align_report(pcm, RATE_HZ, sentences)

    missing = [s.method == "none" for s in result.sentences]
    assert missing == [False, True, False, False, True, False]
    assert result.sentences[1].start_s is None
    assert result.sentences[0].method == "grammar"
    assert np.median([
        abs(s.start_s - t)
        for s, t in zip(result.sentences, starts, strict=True) if t is not None
    ]) <= 0.060  # fmt: skip
    assert not result.unverified


def test_speech_that_is_not_in_the_report_is_noticed(dictate):
    pcm, sentences, _ = dictate()

    result = align_report(pcm, RATE_HZ, [*sentences[:1], *sentences[2:]])

    assert result.unverified
    assert result.reasons


def test_the_same_sound_gives_the_same_times(dictate):
    pcm, sentences, _ = dictate()
    first = align_report(pcm, RATE_HZ, sentences)
    align_report(pcm[: RATE_HZ * 3], RATE_HZ, sentences[:1])

    assert align_report(pcm, RATE_HZ, sentences) == first


def test_other_sampling_rates_are_resampled(dictate):
    from scipy.signal import resample_poly

    pcm, sentences, starts = dictate()
    faster = resample_poly(pcm.astype(float), 3, 1).clip(-32768, 32767).astype(np.int16)

    result = align_report(faster, 3 * RATE_HZ, sentences)

    assert np.median(start_errors_s(result, starts)) <= 0.060


def test_an_unknown_word_is_guessed_and_reported(dictate):
    text = "The zorbulation is small. No effusion."
    pcm, sentences, starts = dictate(text)

    result = align_report(pcm, RATE_HZ, sentences)

    assert result.guessed_words == ("zorbulation",)
    assert max(start_errors_s(result, starts)) <= 0.150


@pytest.mark.parametrize("level", [0, 20])
def test_silence_gives_no_times(level):
    sentences = split_report(REPORT).sentences
    noise = np.random.default_rng(0).normal(0, level, 5 * RATE_HZ).astype(np.int16)

    result = align_report(noise, RATE_HZ, sentences)

    assert {s.method for s in result.sentences} == {"none"}
    assert (result.coverage, result.unverified) == (0, True)


@pytest.mark.parametrize("samples", [0, 1, 100, 3000])
def test_audio_too_short_for_the_text_is_no_crash(dictate, samples):
    pcm, sentences, _ = dictate()

    result = align_report(pcm[RATE_HZ : RATE_HZ + samples], RATE_HZ, sentences)

    assert result.coverage == 0
    assert result.unverified


@pytest.mark.parametrize("text", ["", "___.", "XXXX XXXX."])
def test_text_without_words_has_nothing_to_align(text):
    sentences = [Sentence(text, "findings", 0, len(text))]

    result = align_report(np.zeros(RATE_HZ, dtype=np.int16), RATE_HZ, sentences)

    assert result.sentences[0].method == "none"
    assert not result.unverified


def test_no_sentences_are_no_times():
    result = align_report(np.zeros(RATE_HZ, dtype=np.int16), RATE_HZ, [])

    assert (result.sentences, result.coverage) == ((), 0)


def test_stereo_is_refused():
    with pytest.raises(ValueError, match="pcm"):
        align_report(np.zeros((100, 2), dtype=np.int16), RATE_HZ, [])


def test_human_speech_agrees_with_a_published_alignment():
    files = sorted((SHARED / "audio_librivox").glob("*.wav"))
    if not files:
        pytest.skip("the public recordings are not on this machine")
    errors_s = []
    for file in files:
        with wave.open(str(file)) as sound:
            pcm = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
        text = file.with_suffix(".txt").read_text(encoding="utf-8")
        truth = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["w"]
        result = align_report(pcm, RATE_HZ, [Sentence(text, "findings", 0, len(text))])
        words = [entry["b"] for entry in truth if entry["t"][0] not in "<["]
        found = result.sentences[0].words
        errors_s += [abs(w.start_s - t) for w, t in zip(found, words, strict=True)]
    assert np.median(errors_s) <= 0.020
    assert np.percentile(errors_s, 90) <= 0.030


def test_a_report_that_was_not_said_does_not_take_longer_than_the_sound(dictate):
    pcm, _, _ = dictate(REPORT + " No pneumonia. The aorta is tortuous. " * 2)
    other = split_report(
        "FINDINGS: Lungs are hyperinflated with flattened diaphragms. A right chest "
        "port terminates in the superior vena cava. Healed rib fractures are noted.\n\n"
        "IMPRESSION: Emphysema without consolidation. Old fractures."
    ).sentences
    begin_s = time.process_time()

    result = align_report(pcm, RATE_HZ, other)

    assert result.unverified
    assert time.process_time() - begin_s < len(pcm) / RATE_HZ
