"""What every engine shares: who says which sentence, and how a clip is written.

A clip is 16 kHz mono FLAC of some two to eight seconds. Its level is drawn at random, so that loudness cannot tell the
engine. Each engine writes `parts/ENGINE.csv`; `speech.csv` is all parts in the columns of a data folder.
"""

import csv
import dataclasses
import os
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Sound = tuple[NDArray[np.float32], int]
"""Mono samples within [-1, 1], and their rate in Hz."""

RATE = 16_000
SHORTEST, LONGEST = 1.5, 9.0
COLUMNS = ("path", "corpus", "speaker", "label", "emotion", "fold", "seconds", "text")
HERE = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Clip:
    """One clip to be made.

    Attributes:
        voice: the engine's name of its voice.
        number: its place among the clips of that voice.
        text: what is said.
        dice: a random generator that is the clip's own, so that a run taken up again makes the same clip.
    """

    voice: str
    number: int
    text: str
    dice: random.Random


def lines(name: str) -> list[str]:
    """The lines of a file of this folder; `#` begins a comment."""
    found = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in found if line.strip() and not line.startswith("#")]


def plan(engine: str, voices: list[str], per_voice: int, *, test: bool, most_words: int) -> Iterator[Clip]:
    """Every voice says `per_voice` turns, round by round, so that a run cut short has heard every voice.

    A sentence under six words is joined to another one, as callers join them.
    """
    texts = [
        text for text in lines("test_sentences.txt" if test else "sentences.txt") if len(text.split()) <= most_words
    ]
    random.Random(f"{engine} order").shuffle(texts)
    place = 0
    for number in range(per_voice):
        for voice in voices:
            text = texts[place % len(texts)]
            place += 1
            while len(text.split()) < 6:
                text += " " + texts[place % len(texts)]
                place += 1
            yield Clip(voice, number, text, random.Random(f"{engine} {voice} {number}"))


def trimmed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The speech with a tenth of a second of what is around it; silence is below -45 dB of the peak."""
    loud = np.flatnonzero(np.abs(samples) > 0.0056 * np.abs(samples).max(initial=0.0))
    if not len(loud):
        return samples[:0]
    return samples[max(0, loud[0] - RATE // 10) : loud[-1] + RATE // 10]


def at_16_khz(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    resampled: NDArray[np.float32] = soxr.resample(np.asarray(samples, dtype=np.float32), rate, RATE)
    return resampled


def finished(samples: NDArray[np.float32], rate: int, dice: random.Random) -> NDArray[np.float32]:
    """Samples at 16 kHz, trimmed, at a level between -32 and -18 dB of full scale, never clipped."""
    wave = trimmed(at_16_khz(samples, rate))
    if not len(wave):
        return wave
    level = 10 ** (dice.uniform(-32.0, -18.0) / 20.0)
    gain = min(level / np.sqrt(np.mean(wave**2)), 0.98 / np.abs(wave).max())
    return wave * np.float32(gain)


def make(
    out: Path,
    engine: str,
    voices: list[str],
    per_voice: int,
    say: Callable[[Clip], Sound],
    *,
    test: bool = False,
    most_words: int = 99,
    texts: bool = True,
) -> int:
    """Make the clips of one engine and write its part; clips that are there already are kept.

    Args:
        out: data folder.
        engine: its name; `test-` is put before it where it only tests.
        voices: the engine's voices.
        per_voice: clips of each.
        say: makes mono samples within [-1, 1] and their rate of a clip.
        test: whether it says the sentences of the test.
        most_words: longer sentences are left out; for slow engines.
        texts: whether the clips say the planned sentences; False leaves the column empty.

    Returns:
        Number of clips in the part.
    """
    corpus = f"test-{engine}" if test else engine
    (out / corpus).mkdir(parents=True, exist_ok=True)
    (out / "parts").mkdir(exist_ok=True)
    rows: list[Sequence[object]] = []
    for clip in plan(engine, voices, per_voice, test=test, most_words=most_words):
        name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in clip.voice)
        path = out / corpus / f"{name}_{clip.number:02d}_{zlib.crc32(clip.text.encode()):08x}.flac"
        if not path.exists():
            wave = finished(*say(clip), clip.dice)
            if not SHORTEST <= len(wave) / RATE <= LONGEST:
                continue
            soundfile.write(path, wave, RATE, subtype="PCM_16")
        seconds = soundfile.info(path).duration
        text = clip.text if texts else ""
        rows.append(
            (path.relative_to(out), corpus, f"{corpus}-{name}", "neutral", "neutral", "", round(seconds, 3), text)
        )
        if len(rows) % 20 == 0:
            print(f"{corpus}: {len(rows)} clips", flush=True)
            write(out, corpus, rows)
    write(out, corpus, rows)
    return len(rows)


def write(out: Path, corpus: str, rows: Sequence[Sequence[object]]) -> None:
    """Write the part of one engine, then `speech.csv` of all parts, each at one stroke."""
    table(out / "parts" / f"{corpus}.csv", rows)
    everything: list[Sequence[object]] = []
    for part in sorted((out / "parts").glob("*.csv")):
        with part.open(encoding="utf-8", newline="") as file:
            everything += list(csv.reader(file))[1:]
    table(out / "speech.csv", everything)


def table(path: Path, rows: Sequence[Sequence[object]]) -> None:
    partial = path.with_suffix(f".{os.getpid()}")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    partial.replace(path)
