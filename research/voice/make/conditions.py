"""Sounds that a voice is scored on besides the views: every line, cut clips, long turns in one mood, ordinary speech on
the lines of angry clips.

python -m research.voice.make.conditions --data ../shared/data --ordinary ../synth --out runs/conditions
"""

import argparse
import csv
import logging
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.audio.windows import cut_windows
from rasa_emotion.training.acoustic.clips import noise_sounds
from rasa_emotion.training.voice.lines import Samples, g711, line_of, test_lines
from rasa_emotion.training.voice.material import Sound, read_samples, read_sounds
from rasa_emotion.training.voice.views import served, write_sounds
from research.voice.make.answered import NEVER

logger = logging.getLogger(__name__)

SCORED = "ravdess"
JOINED = ("ravdess", "emodb", "nemo", "digits")
JOINED_SECS = (2, 6, 11, 18, 30)
CUT_SECS = (0.5, 1.0, 2.0, 3.0)
WINDOW_SECS, HOP_SECS = 4.0, 2.0
"""How turns over `LONG_SECS` are heard in use."""

LONG_SECS = 5.0
UNDISTURBED = "undisturbed"
ANGRY_LINES = ("ravdess", "emodb", "nemo", "iesc")
"""Whose angry clips lend their lines to ordinary speech."""


@dataclass(frozen=True)
class Condition:
    """One sound under one condition.

    Args:
        sound: what it was made of (the first clip of a joined one).
        name: of the condition.
        samples: 16 kHz, as served.
    """

    sound: Sound
    name: str
    samples: Samples


def windows(samples: Samples) -> list[Samples]:
    """A turn as it is heard in use: whole up to `LONG_SECS`, else in windows."""
    if len(samples) <= LONG_SECS * SAMPLE_RATE:
        return [samples]
    return list(cut_windows(iter([samples]), int(WINDOW_SECS * SAMPLE_RATE), int(HOP_SECS * SAMPLE_RATE)))


def on_lines(sounds: Sequence[Sound], noises: Sequence[np.ndarray]) -> Iterator[Condition]:  # type: ignore[type-arg]
    """Each sound undisturbed and on each line."""
    for sound in tqdm(sounds, desc="lines", mininterval=5):
        samples = served(read_samples(sound))
        yield Condition(sound, UNDISTURBED, samples)
        for name, condition in test_lines(noises).items():
            random = np.random.default_rng(zlib.crc32(f"{sound.name}/{name}".encode()))
            yield Condition(sound, name, served(condition(samples, random)))


def on_angry_lines(
    ordinary: Sequence[Sound],
    angry: Sequence[Sound],
    noises: Sequence[np.ndarray],  # type: ignore[type-arg]
) -> Iterator[Condition]:
    """Ordinary sounds on each line, and on that of an angry clip of each corpus, as recorded and through mu-law."""
    yield from on_lines(ordinary, noises)
    for sound in tqdm(ordinary, desc="lines of angry clips", mininterval=5):
        samples = served(read_samples(sound))
        for corpus in ANGRY_LINES:
            name = f"line of an angry clip, {corpus}"
            random = np.random.default_rng(zlib.crc32(f"{sound.name}/{name}".encode()))
            own = [clip for clip in angry if clip.clip.corpus == corpus]
            if not own:
                continue
            line = line_of(served(read_samples(own[int(random.integers(len(own)))])))
            heard = line(samples, random)
            yield Condition(sound, name, served(heard))
            yield Condition(sound, f"{name}, mu-law", served(g711("ULAW")(heard, random)))


def some(sounds: Sequence[Sound], count: int) -> list[Sound]:
    """So many sounds, as many of each speaker and emotion as of each other; all where `count` is 0."""
    alike: dict[tuple[str, str | None], list[Sound]] = defaultdict(list)
    for sound in sorted(sounds, key=lambda sound: zlib.crc32(sound.name.encode())):
        alike[sound.clip.speaker, sound.clip.emotion].append(sound)
    rounds = [
        own[number] for number in range(max(map(len, alike.values()))) for own in alike.values() if number < len(own)
    ]
    return rounds[: count or len(rounds)]


def cut(sounds: Sequence[Sound]) -> Iterator[Condition]:
    """The first seconds of each sound."""
    for sound in tqdm(sounds, desc="cut", mininterval=5):
        samples = served(read_samples(sound))
        for secs in CUT_SECS:
            yield Condition(sound, f"first {secs:g} s", samples[: int(secs * SAMPLE_RATE)])


def long_turns(sounds: Sequence[Sound]) -> Iterator[Condition]:
    """Clips of one speaker and emotion joined to each length, as a telephone carries them: windows, one row each."""
    alike: dict[tuple[str, str | None], list[Sound]] = defaultdict(list)
    for sound in sounds:
        alike[sound.clip.speaker, sound.clip.emotion].append(sound)
    for own in tqdm(list(alike.values()), desc="long turns", mininterval=5):
        ordered = sorted(own, key=lambda sound: zlib.crc32(sound.name.encode()))
        heard = np.concatenate([served(read_samples(sound)) for sound in ordered[:16]])
        line = g711("ULAW")(heard / max(float(np.abs(heard).max()), 1e-9) * np.float32(0.5), np.random.default_rng(0))
        for secs in JOINED_SECS:
            turn = np.resize(line, int(secs * SAMPLE_RATE))
            for window in windows(served(turn)):
                yield Condition(ordered[0], f"joined {secs} s", window)


def _reported(sound: Sound) -> bool:
    return sound.clip.emotion == "angry" or sound.clip.corpus == "digits"


def write(name: str, conditions: Iterable[Condition], out: Path) -> None:
    """Write sounds with a table that names the condition of each; what is there stays."""
    if (out / f"{name}.csv").is_file():
        return
    made = list(conditions)
    write_sounds([condition.samples for condition in made], out / f"{name}-all")
    with (out / f"{name}.part").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "corpus", "speaker", "emotion", "fold", "augmented", "condition"])
        for condition in made:
            clip = condition.sound.clip
            row = [condition.sound.name, clip.corpus, clip.speaker, clip.emotion, condition.sound.fold, 0]
            writer.writerow([*row, condition.name])
    (out / f"{name}.part").replace(out / f"{name}.csv")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write the sounds of every line, cut clips and long turns.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/conditions"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--ordinary", type=Path, help="folder of ordinary speech that never trains")
    parser.add_argument("--clips", type=int, default=0, help="so many clips on lines and cut, instead of all")
    parser.add_argument("--ordinary-clips", type=int, default=120, help="so many ordinary ones on every line")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    options.out.mkdir(parents=True, exist_ok=True)
    sounds = [sound for sound in read_sounds([options.data]) if not sound.clip.augmented]
    scored = some([sound for sound in sounds if sound.clip.corpus == SCORED], options.clips)
    noises = noise_sounds(options.data, options.cache, held_out=True)
    parts: dict[str, Callable[[], Iterator[Condition]]] = {
        "joined": lambda: long_turns([sound for sound in sounds if sound.clip.corpus in JOINED and _reported(sound)]),
        "cut": lambda: cut(scored),
        "lines": lambda: on_lines(scored, noises),
    }
    if options.ordinary:
        never = [sound for sound in read_sounds([options.ordinary]) if sound.clip.corpus.startswith(NEVER)]
        angry = [sound for sound in sounds if sound.clip.emotion == "angry"]
        parts["ordinary"] = lambda: on_angry_lines(some(never, options.ordinary_clips), angry, noises)
    for name, make in parts.items():
        write(name, make(), options.out)


if __name__ == "__main__":
    main()
