"""Clips decoded once, trimmed as in serving, and kept in memory as int16."""

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.audio import highpass, load_audio, trim_silence
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.splits import Split
from rasa_emotion.errors import AudioError, ConfigError

logger = logging.getLogger(__name__)

Sounds = Mapping[str, NDArray[np.int16]]


def read_sounds(paths: Sequence[str], data: Path, cache: Path, *, trim: bool = True) -> dict[str, NDArray[np.int16]]:
    """Decode files below `data`, by their path; a cache file in the folder `cache` makes the next start quick.

    Files that cannot be decoded are absent from the result; one line of the log counts and names them. They are tried
    again at each start.

    Raises:
        ConfigError: none of the files can be decoded.
    """
    key = hashlib.sha256("\n".join([f"high-passed and trimmed: {trim}", *sorted(paths)]).encode()).hexdigest()[:16]
    file = cache / f"sounds-{key}.npz"
    sounds = _stored(file)
    absent = sorted(set(paths) - sounds.keys())
    decoded = _decode_readable(absent, data, trim)
    if decoded:
        sounds |= decoded
        _store(sounds, file)
    if paths and not sounds:
        raise ConfigError(f"None of the {len(paths)} audio files in '{data}' can be decoded: fetch them again.")
    return sounds


def clip_sounds(clips: Sequence[Clip], data: Path, cache: Path) -> dict[str, NDArray[np.int16]]:
    """The trimmed samples of clips by path, without those that cannot be decoded (see `audible`)."""
    return read_sounds([clip.path for clip in clips], data, cache)


def audible(clips: Sequence[Clip], sounds: Sounds) -> list[Clip]:
    """The clips that could be decoded."""
    return [clip for clip in clips if clip.path in sounds]


def audible_split(split: Split, sounds: Sounds) -> Split:
    """A split of the clips that could be decoded."""
    return replace(split, train=audible(split.train, sounds), test=audible(split.test, sounds))


def noise_sounds(
    data: Path, cache: Path, *, folders: Sequence[str] | None = None, held_out: bool = False
) -> list[NDArray[np.int16]]:
    """The noises below `data/noise`, untrimmed; an empty list where there is none.

    Every fifth file is kept from training. For the figures in noise (`held_out`) only those of them serve whose
    recording has no other take in training. `folders` keeps the named ones of `data/noise` where not every
    collection's licence suits the weights.
    """
    folder = data / "noise"
    paths = sorted(str(p.relative_to(data)) for p in folder.rglob("*") if p.suffix in {".ogg", ".flac", ".wav"})
    sounds = read_sounds(paths, data, cache, trim=False) if paths else {}
    trained = [path for number, path in enumerate(paths) if number % 5]
    recordings = {_recording(path) for path in trained}
    chosen = [path for path in paths if _recording(path) not in recordings] if held_out else trained
    if folders is not None:
        chosen = [path for path in chosen if Path(path).parts[1] in folders]
    return [sounds[path] for path in chosen if path in sounds and np.abs(sounds[path]).max(initial=0) > 0]


def _recording(path: str) -> str:
    """ESC's files are named fold-recording-take."""
    return Path(path).stem.rsplit("-", 1)[0]


def as_float(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    return samples.astype(np.float32) / 32768


def _decode_readable(paths: Sequence[str], data: Path, trim: bool) -> dict[str, NDArray[np.int16]]:
    decoded = {}
    unreadable = []
    for path in tqdm(paths, desc="decode", mininterval=2, disable=not paths):
        try:
            decoded[path] = _decode(data / path, trim)
        except (AudioError, OSError) as error:
            unreadable.append(f"{path} ({error})")
    if unreadable:
        logger.warning("Skipped %d of %d files, not decodable: %s", len(unreadable), len(paths), "; ".join(unreadable))
    return decoded


def _decode(file: Path, trim: bool) -> NDArray[np.int16]:
    waveform = load_audio(file)
    if trim:
        waveform = trim_silence(highpass(waveform))  # as the classifier hears it
    samples = np.clip(np.round(waveform.samples * 32768), -32768, 32767)
    return np.asarray(samples, dtype=np.int16)


def _stored(file: Path) -> dict[str, NDArray[np.int16]]:
    if not file.is_file():
        return {}
    with np.load(file) as stored:
        return _split(list(stored["paths"]), stored["samples"], stored["ends"])


def _store(sounds: Sounds, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}.part")  # two trainings may start at once
    with partial.open("wb") as stream:
        np.savez(
            stream,
            paths=np.array(list(sounds)),
            samples=np.concatenate(list(sounds.values())),
            ends=np.cumsum([len(samples) for samples in sounds.values()]),
        )
    partial.replace(file)
    logger.info("Decoded %d files into %s.", len(sounds), file)


def _split(paths: Sequence[str], samples: NDArray[np.int16], ends: NDArray[np.int64]) -> dict[str, NDArray[np.int16]]:
    starts = np.concatenate([[0], ends[:-1]])
    return {str(path): samples[start:end] for path, start, end in zip(paths, starts, ends, strict=True)}
