"""Each sound as the voice hears it in training: undisturbed, and through lines, noise, speed, rooms, cuts and joins.

Every corpus has every view, ordinary speech like anger, so that band, codec, loudness and length do not tell the class.
"""

import argparse
import csv
import logging
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.audio import Waveform, trim_silence
from rasa_emotion.audio.highpass import highpass
from rasa_emotion.audio.resample import resample
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import AudioError
from rasa_emotion.training.acoustic.clips import noise_sounds
from rasa_emotion.training.voice import lines
from rasa_emotion.training.voice.lines import Condition, Samples
from rasa_emotion.training.voice.material import Sound, read_samples, read_sounds

logger = logging.getLogger(__name__)

WINDOW_SECS = 5.0
"""No view is longer: a longer turn is heard in windows."""

MOST = {"tess": 1400, "emogator": 2400}
"""Clips of large corpora of few sentences, or of no words, that training needs no more of."""

CLEAN, LINE = "clean", "line"
Join = Callable[[Sound, np.random.Generator], Samples]


@dataclass(frozen=True)
class View:
    """What is done to a sound.

    Args:
        condition: the disturbance.
        cut: hears a random stretch of 0.6 to 2.5 s.
        join: hears it after other clips of the same speaker and emotion, as one longer turn.
    """

    condition: Condition
    cut: bool = False
    join: bool = False


def training_views(noises: Sequence[NDArray[np.int16]]) -> Mapping[str, View]:
    """The views of training by name, in the order in which the embedding's cache keeps them; "noise" needs noises."""
    mulaw = lines.g711("ULAW")
    any_line = lines.one_of(
        mulaw,
        lines.g711("ALAW"),
        lines.gsm,
        lines.amr,
        lines.lost_packets(0.05),
        lines.chain(lines.gain_control, mulaw),
        lines.opus(8),
        lines.opus(16),
    )
    half = lines.sometimes(0.5, mulaw)
    views = {
        CLEAN: View(lambda samples, _: samples),
        LINE: View(mulaw),
        "any": View(any_line),
        "noise": View(lines.chain(lines.noisy(noises, 0, 25), half)),
        "speed": View(lines.chain(speed, half)),
        "room": View(lines.chain(lines.room, lines.sometimes(0.5, lines.gain_control), half)),
        "cut": View(half, cut=True),
        "join": View(half, join=True),
    }
    return {name: view for name, view in views.items() if noises or name != "noise"}


def speed(samples: Samples, random: np.random.Generator) -> Samples:
    """Played faster or slower by up to 12 %, pitch along: another vocal tract at another pace."""
    rate = int(SAMPLE_RATE * random.uniform(0.88, 1.12))
    return resample(Waveform(samples, rate)).samples


def served(samples: Samples) -> Samples:
    """What the network is given in use: without what lies below the voice, and without silence at both ends."""
    return trim_silence(highpass(Waveform(samples))).samples


class Views:
    """Makes the views of the sounds of one corpus.

    Args:
        sounds: of one corpus.
        seed: what is drawn for a sound and a view depends on it and their names alone.
        decoded: others of the same corpus, whose decoded samples are used.
    """

    def __init__(self, sounds: Sequence[Sound], *, seed: int = 7, decoded: "Views | None" = None) -> None:
        self.sounds, self.seed = sounds, seed
        self._samples: dict[str, Samples] = {} if decoded is None else decoded._samples
        self._alike: dict[tuple[str, str | None], list[Sound]] = defaultdict(list)
        for sound in sounds:
            self._alike[sound.clip.speaker, sound.clip.emotion].append(sound)

    def make(self, sound: Sound, name: str, view: View) -> Samples:
        """Samples of one view at 16 kHz, as served, at most `WINDOW_SECS` long."""
        random = np.random.default_rng([self.seed, zlib.crc32(f"{sound.name}/{name}".encode())])
        samples = self._joined(sound, random) if view.join else self._clean(sound)
        if view.cut:
            samples = _stretch(samples, random.uniform(0.6, 2.5), random)
        if name != CLEAN:
            samples = _levelled(samples, random)
        return _stretch(served(view.condition(samples, random)), WINDOW_SECS, random)

    def _clean(self, sound: Sound) -> Samples:
        if sound.name not in self._samples:
            self._samples[sound.name] = served(read_samples(sound))
        return self._samples[sound.name]

    def _joined(self, sound: Sound, random: np.random.Generator) -> Samples:
        alike = self._alike[sound.clip.speaker, sound.clip.emotion]
        others = [alike[int(random.integers(len(alike)))] for _ in range(int(random.integers(1, 4)))]
        gap = np.zeros(int(random.uniform(0, 0.3) * SAMPLE_RATE), np.float32)
        parts = [part for other in [*others, sound] for part in (self._clean(other), gap)]
        return _stretch(np.concatenate(parts), WINDOW_SECS, random)


def write_views(
    sounds: Sequence[Sound],
    noises: Sequence[NDArray[np.int16]],
    out: Path,
    *,
    seed: int = 7,
    only: Sequence[str] = (),
) -> None:
    """Write each corpus' views into the folder `out`: `CORPUS.csv`, and int16 samples with their ends for each view.

    What is there already is left as it is. `only` names the wanted views; all where it is empty.
    """
    out.mkdir(parents=True, exist_ok=True)
    views = {name: view for name, view in training_views(noises).items() if not only or name in only}
    for corpus in sorted({sound.clip.corpus for sound in sounds}):
        missing = [name for name in views if not (out / f"{corpus}-{name}.npy").is_file()]
        if not missing and (out / f"{corpus}.csv").is_file():
            continue
        own = _limited([sound for sound in sounds if sound.clip.corpus == corpus])
        makes = Views(own, seed=seed)
        readable = [sound for sound in tqdm(own, desc=f"decode {corpus}", mininterval=2) if _decodes(makes, sound)]
        makes = Views(readable, seed=seed, decoded=makes)
        for name in missing:
            made = [
                makes.make(sound, name, views[name]) for sound in tqdm(readable, desc=f"{corpus} {name}", mininterval=2)
            ]
            write_sounds(made, out / f"{corpus}-{name}")
        _write_table(readable, out / f"{corpus}.csv")


def _limited(sounds: list[Sound]) -> list[Sound]:
    most = MOST.get(sounds[0].clip.corpus, len(sounds))
    return sorted(sounds, key=lambda sound: zlib.crc32(Path(sound.name).name.encode()))[:most]


def _decodes(makes: Views, sound: Sound) -> bool:
    try:
        return len(makes._clean(sound)) > 0
    except (AudioError, OSError) as error:
        logger.warning("Skipped %s: %s", sound.name, error)
        return False


def _levelled(samples: Samples, random: np.random.Generator) -> Samples:
    """At a level of -45 to -15 dB of full scale: codecs hear quiet speech otherwise than loud speech."""
    level = float(np.sqrt((samples**2).mean())) + 1e-9
    wanted = 10 ** (random.uniform(-45, -15) / 20)
    return np.clip(samples * np.float32(wanted / level), -1.0, 1.0)


def _stretch(samples: Samples, secs: float, random: np.random.Generator) -> Samples:
    count = int(secs * SAMPLE_RATE)
    if len(samples) <= count:
        return samples
    start = int(random.integers(len(samples) - count + 1))
    return samples[start : start + count]


def write_sounds(made: Sequence[Samples], stem: Path) -> None:
    """Scaled to the same peak, since the network is deaf to loudness and int16 is not."""
    scaled = [np.round(part / max(float(np.abs(part).max(initial=0)), 1e-9) * 30_000).astype(np.int16) for part in made]
    np.save(stem.with_name(f"{stem.name}-ends.npy"), np.cumsum([len(part) for part in scaled]))
    part = stem.with_name(f"{stem.name}.part")
    with part.open("wb") as stream:
        np.save(stream, np.concatenate(scaled))
    part.replace(stem.with_name(f"{stem.name}.npy"))


def _write_table(sounds: Sequence[Sound], file: Path) -> None:
    with file.with_suffix(".part").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "corpus", "speaker", "emotion", "fold", "augmented"])
        for sound in sounds:
            clip = sound.clip
            writer.writerow([sound.name, clip.corpus, clip.speaker, clip.emotion, sound.fold, int(clip.augmented)])
    file.with_suffix(".part").replace(file)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write the views of every sound; what is there is left as it is.")
    parser.add_argument(
        "--data", type=Path, action="append", required=True, help="a folder with speech*.csv; repeatable"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/views"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--corpus", action="append", help="only these")
    parser.add_argument(
        "--view", action="append", default=[], help="only this one; repeatable, all where none is named"
    )
    parser.add_argument("--noise", action="append", help="only these folders of noises; all where none is named")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    sounds = [s for s in read_sounds(options.data) if not options.corpus or s.clip.corpus in options.corpus]
    noises = noise_sounds(options.data[0], options.cache, folders=options.noise)
    write_views(sounds, noises, options.out, only=options.view)


if __name__ == "__main__":
    main()
