"""The sounds that a voice learns from and is scored on: who speaks, in which kind of recording, and in which fold.

A fold holds speakers (for a recorded call: the call) that no other fold holds, so that each sound is scored by heads
that never heard its speaker.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio import load_audio, voice_activity
from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.manifest import MANIFEST, read_rows
from rasa_emotion.errors import ConfigError

FOLDS = 5

CALLS = "calls"
"""The corpus whose files are whole channels of calls, cut here into turns."""

PAUSE_SECS, MIN_TURN_SECS, MAX_TURN_SECS = 0.5, 0.8, 8.0


@dataclass(frozen=True)
class Sound:
    """A stretch of one file in which one person speaks.

    Args:
        clip: the file and what its corpus says of it.
        fold: 0 to `FOLDS` - 1; no speaker and no call stands in two of them.
        start, end: seconds within the file; `end` None is the end of the file.
    """

    clip: Clip
    fold: int
    start: float = 0.0
    end: float | None = None

    @property
    def name(self) -> str:
        """Unique over all corpora."""
        return self.clip.path if self.end is None else f"{self.clip.path}@{self.start:.2f}"


def read_sounds(folders: Sequence[Path]) -> list[Sound]:
    """Every sound of the data folders that names an emotion or is ordinary speech, paths made absolute.

    All manifests `speech*.csv` of each folder are read. The turns of calls are found by their pauses.

    Raises:
        ConfigError: a folder has no manifest, or a manifest cannot be used.
    """
    sounds: list[Sound] = []
    for folder in folders:
        manifests = sorted(path.name for path in folder.glob("speech*.csv"))
        if not manifests:
            raise ConfigError(f"No {MANIFEST} in '{folder}': name the folder that holds the corpora.")
        clips = [clip for name in manifests for clip in read_rows(folder, name)]
        sounds += _folded([replace(clip, path=str(folder / clip.path)) for clip in clips])
    return sounds


def read_samples(sound: Sound) -> NDArray[np.float32]:
    """16 kHz samples of one sound.

    Raises:
        AudioError: the file cannot be decoded.
    """
    samples = load_audio(sound.clip.path).samples
    end = None if sound.end is None else round(sound.end * SAMPLE_RATE)
    return samples[round(sound.start * SAMPLE_RATE) : end]


def source_of(clip: Clip) -> str:
    """What must not stand on both sides of a split: the speaker, and for a call everybody in it."""
    return clip.speaker.rsplit("-", 1)[0] if clip.corpus == CALLS else clip.speaker


def _folded(clips: Sequence[Clip]) -> list[Sound]:
    """Sources are dealt to the folds by falling number of clips, each to the fold that has the fewest so far."""
    by_corpus: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_corpus[clip.corpus].append(clip)
    sounds = []
    for corpus, own in by_corpus.items():
        fold_of = deal(own)
        for clip in own:
            fold = clip.fold - 1 if clip.fold is not None and clip.fold <= FOLDS else fold_of[source_of(clip)]
            if corpus == CALLS:
                sounds += [Sound(replace(clip, emotion="neutral"), fold, *turn) for turn in turns(clip.path)]
            elif clip.emotion is not None:
                sounds.append(Sound(clip, fold))
    return sounds


def deal(clips: Sequence[Clip]) -> dict[str, int]:
    """The fold of each source (`source_of`): the larger ones first, each to the fold with the fewest clips so far."""
    counts: dict[str, int] = defaultdict(int)
    for clip in clips:
        counts[source_of(clip)] += 1
    ordered = sorted(counts, key=lambda source: (-counts[source], zlib.crc32(source.encode())))
    filled, fold_of = [0] * FOLDS, {}
    for source in ordered:
        fold_of[source] = int(np.argmin(filled))
        filled[fold_of[source]] += counts[source]
    return fold_of


def turns(path: str) -> Iterator[tuple[float, float]]:
    """Start and end in seconds of each turn of a channel, cut at pauses of `PAUSE_SECS`."""
    waveform = load_audio(path)
    active = np.flatnonzero(voice_activity(waveform, aggressiveness=3)) * FRAME_SECS
    if len(active) == 0:
        return
    breaks = np.flatnonzero(np.diff(active) > PAUSE_SECS)
    starts = np.concatenate([active[:1], active[breaks + 1]])
    ends = np.concatenate([active[breaks], active[-1:]]) + FRAME_SECS
    for start, end in zip(starts, ends, strict=True):
        for piece in np.arange(start, end, MAX_TURN_SECS):
            stop = min(end, piece + MAX_TURN_SECS)
            if stop - piece >= MIN_TURN_SECS:
                yield float(max(0.0, piece - 0.1)), float(min(stop + 0.1, waveform.seconds))
