"""The simulated reader's voice: eSpeak NG in a process of its own, or plain tones.

eSpeak NG is GPL-3 and is never loaded into the caller: `python -m
capture.simulation.voice` reads one JSON line and answers with one JSON line and the
audio. A new process for every reading also makes the bytes repeatable: within one
process eSpeak varies its sound from call to call.
"""

import ctypes
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from capture.config import VoiceEngine
from capture.errors import MissingExtraError, RadgazeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE_HZ = 16_000
"""Sampling rate of what `speak` returns."""

_ESPEAK_RATE_HZ = 22_050
_TIMEOUT_S = 120.0
_WORD_EVENT = 1
_SYNCHRONOUS = 2
_PHONEME_EVENTS = 1
_PARAMETER_RATE, _PARAMETER_PITCH = 1, 3
_AUDIBLE = 200  # of 32,767: below is what eSpeak appends after the last sound
_TAIL_S = 0.02


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A white-space token of a sentence and when it was heard."""

    text: str
    """As written, with its punctuation."""
    char_start: int
    """Of its first character in the sentence."""
    char_end: int
    """One past its last character in the sentence."""
    start_s: float | None
    """From the sentence's first audio sample; None where the engine told no time."""
    end_s: float | None
    """Start of the next timed word, or the end of the sound."""


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """The sound of one sentence and its words."""

    pcm: "NDArray[np.int16]"
    """(n,) audio at `RATE_HZ`, without silence at its end."""
    words: tuple[SpokenWord, ...]
    """Every token of the text, in order."""

    @property
    def duration_s(self) -> float:
        """Length of the sound."""
        return len(self.pcm) / RATE_HZ


def speak(
    sentences: Sequence[str],
    *,
    engine: VoiceEngine = "espeak",
    voice: str = "en-us",
    words_per_minute: float = 160.0,
    seed: int = 0,
) -> list[SpokenSentence]:
    """Read sentences aloud; the same arguments give the same bytes.

    Args:
        sentences: Texts, each spoken on its own.
        engine: What makes the sound.
        voice: eSpeak's name of voice and variant, such as `en-us+f3`.
        words_per_minute: Rate of speech; each sentence varies around it by 5 %.
        seed: Of that variation.

    Returns:
        One entry a sentence; empty audio for a text without a word.

    Raises:
        MissingExtraError: `engine` is espeak and its package is not installed.
        RadgazeError: eSpeak knows no such voice, or failed.
    """
    rates = [
        words_per_minute * (0.95 + 0.1 * _unit(seed, i)) for i in range(len(sentences))
    ]
    if engine == "tones":
        return [_tones(text, rate) for text, rate in zip(sentences, rates, strict=True)]
    if importlib.util.find_spec("espeakng_loader") is None:
        raise MissingExtraError(
            "the simulated voice 'espeak'", "simulation-voice", "--voice tones"
        )
    request = {
        "sentences": [_said(text) for text in sentences],
        "voice": voice,
        "words_per_minute": [round(rate) for rate in rates],
        "pitch": 35 + round(30 * _unit(seed, -1)),
    }
    return [
        replace(spoken, words=_as_written(text, spoken.words))
        for text, spoken in zip(sentences, _ask_child(request), strict=True)
    ]


_UNITS = {"cm": "centimeters", "mm": "millimeters"}


def _said(text: str) -> str:
    """Write units as a reader says them; eSpeak would spell their letters."""
    return re.sub(r"\b(cm|mm)\b", lambda unit: _UNITS[unit[0]], text)


def _as_written(text: str, words: Sequence[SpokenWord]) -> tuple[SpokenWord, ...]:
    """Give the times of the said words to the written ones, which are as many."""
    written = list(re.finditer(r"\S+", text))
    return tuple(
        replace(word, text=match[0], char_start=match.start(), char_end=match.end())
        for match, word in zip(written, words, strict=True)
    )


def match_words(
    text: str, events: Sequence[tuple[int, float]], end_s: float
) -> tuple[SpokenWord, ...]:
    """Give the engine's word events to the tokens of a sentence by position.

    A token such as `4.2` has several events, the first one counts; `in the` may have
    one for both words, and the second stays without a time.

    Args:
        text: The sentence.
        events: Position of the word's first character (0-based) and start in seconds.
        end_s: End of the sound in seconds.

    Returns:
        Every token; times never decrease.
    """
    spans = [(m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    starts: list[float | None] = []
    last_s = 0.0
    for begin, end in spans:
        inside = [s for position, s in events if begin <= position < end]
        start_s = min(max(inside[0], last_s), end_s) if inside else None
        last_s = last_s if start_s is None else start_s
        starts.append(start_s)
    words = []
    following: float = end_s
    for (begin, end), start_s in reversed(list(zip(spans, starts, strict=True))):
        until_s = None if start_s is None else following
        words.append(SpokenWord(text[begin:end], begin, end, start_s, until_s))
        following = following if start_s is None else start_s
    return tuple(reversed(words))


def _unit(seed: int, index: int) -> float:
    import random

    return random.Random(f"{seed}/{index}").random()


def _ask_child(request: dict[str, object]) -> list[SpokenSentence]:
    done = subprocess.run(
        [sys.executable, "-m", "capture.simulation.voice"],
        input=json.dumps(request).encode() + b"\n",
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise RadgazeError(
            f"the simulated voice {request['voice']!r} failed: {' '.join(last)}; "
            "choose another voice, or the engine 'tones'"
        )
    line, _, audio = done.stdout.partition(b"\n")
    return _unpack(json.loads(line), audio)


def _unpack(answer: list[dict[str, Any]], audio: bytes) -> list[SpokenSentence]:
    import numpy as np

    samples = np.frombuffer(audio, dtype="<i2")
    spoken, first = [], 0
    for entry in answer:
        raw = samples[first : first + entry["samples"]]
        first += entry["samples"]
        pcm = _resample(_trim(raw))
        events = [
            (int(position), sample / _ESPEAK_RATE_HZ)
            for position, sample in entry["events"]
        ]
        words = match_words(entry["text"], events, len(pcm) / RATE_HZ)
        spoken.append(SpokenSentence(pcm, words))
    return spoken


def _trim(raw: "NDArray[np.int16]") -> "NDArray[np.int16]":
    import numpy as np

    loud = np.flatnonzero(np.abs(raw.astype(np.int32)) > _AUDIBLE)
    end = int(loud[-1]) + 1 + round(_TAIL_S * _ESPEAK_RATE_HZ) if len(loud) else 0
    return raw[:end]


def _resample(raw: "NDArray[np.int16]") -> "NDArray[np.int16]":
    import numpy as np
    from scipy.signal import resample_poly

    if not len(raw):
        return np.zeros(0, dtype=np.int16)
    slow = resample_poly(raw.astype(np.float32), 320, 441)
    whole: NDArray[np.int16] = np.clip(np.rint(slow), -32768, 32767).astype(np.int16)
    return whole


def _tones(text: str, words_per_minute: float) -> SpokenSentence:
    """One gliding tone a word, as long as a word of its letters takes to say."""
    import numpy as np

    letter_s = 60.0 / words_per_minute / 5.7  # 4.7 letters and a space in English
    pieces, events, now_s = [], [], 0.0
    for match in re.finditer(r"\S+", text):
        n = max(1, round(len(match.group()) * letter_s * RATE_HZ))
        gap = round(letter_s * RATE_HZ)
        pitch_hz = 110.0 + 7.0 * (sum(match.group().encode()) % 12)
        phase = 2 * np.pi * pitch_hz / RATE_HZ * np.arange(n)
        wave = np.sin(phase) + 0.5 * np.sin(3 * phase) + 0.25 * np.sin(7 * phase)
        pieces += [6000 * wave * np.sin(np.pi * np.arange(n) / n), np.zeros(gap)]
        events.append((match.start(), now_s))
        now_s += (n + gap) / RATE_HZ
    sound = np.concatenate(pieces[:-1] or [np.zeros(0)])
    pcm = np.rint(sound).astype(np.int16)
    return SpokenSentence(pcm, match_words(text, events, len(pcm) / RATE_HZ))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Espeak:
    """The library, loaded and told which voice to use; for the child process only."""

    def __init__(self, voice: str, pitch: int) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path()).encode()
        rate_hz = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, data, _PHONEME_EVENTS
        )
        if rate_hz != _ESPEAK_RATE_HZ:
            raise RadgazeError(f"eSpeak NG started with {rate_hz} Hz, expected 22050")
        self._callback = _Callback(self._receive)  # the library keeps only a pointer
        self._library.espeak_SetSynthCallback(self._callback)
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise RadgazeError(f"eSpeak NG has no voice {voice!r}")
        self._library.espeak_SetParameter(_PARAMETER_PITCH, pitch, 0)
        # breathy voices draw random numbers, seeded from the clock if not by us
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
            ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self._audio = bytearray()
        self._events: list[tuple[int, int]] = []

    def say(
        self, text: str, words_per_minute: int
    ) -> tuple[bytes, list[tuple[int, int]]]:
        """Return int16 audio and (0-based position, sample) of every word event."""
        self._audio.clear()
        self._events.clear()
        self._library.espeak_SetParameter(_PARAMETER_RATE, words_per_minute, 0)
        data = text.encode()
        failed = self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)
        if failed or self._library.espeak_Synchronize():
            raise RadgazeError("eSpeak NG could not read a sentence")
        return bytes(self._audio), list(self._events)

    def _receive(self, wav: Any, count: int, events: Any) -> int:
        if wav and count > 0:
            self._audio += ctypes.string_at(wav, 2 * count)
        index = 0
        while events[index].type:
            event = events[index]
            if event.type == _WORD_EVENT:
                self._events.append((event.text_position - 1, event.sample))
            index += 1
        return 0


def main() -> int:
    """Answer the one request on stdin: a JSON line, then int16 audio at 22,050 Hz."""
    request = json.loads(sys.stdin.buffer.readline())
    engine = _Espeak(request["voice"], request["pitch"])
    answer, audio = [], []
    rates = request["words_per_minute"]
    for text, rate in zip(request["sentences"], rates, strict=True):
        sound, events = engine.say(text, rate)
        answer.append({"text": text, "samples": len(sound) // 2, "events": events})
        audio.append(sound)
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + b"".join(audio))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RadgazeError as error:
        sys.exit(str(error))
