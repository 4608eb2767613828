"""MELD: train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv and a video diaX_uttY.mp4 an utterance.

Layout: S. Poria et al., "MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in Conversations", 2019
(https://github.com/declare-lab/MELD, MELD.Raw.tar.gz). Sound is read from an audio file of the video's name beside it,
which `extract_audio` makes. The folds are its partitions, and the series' six friends speak in all three: a figure on
them is not speaker-disjoint.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.layouts.layout import (
    Scan,
    Utterance,
    below,
    clip_of,
    table_layout,
    table_rows,
    with_any_suffix,
)
from rasa_emotion.emotions import BY_NAME
from rasa_emotion.errors import ConfigError

PARTITIONS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
"""Partitions in the order of their folds, and the folder of each one's videos."""

COLUMNS = ("Dialogue_ID", "Utterance_ID", "Speaker", "Emotion", "Utterance")

STILL_VIDEO = "videos whose sound is not extracted yet"


def scan(root: Path) -> Scan:
    """The utterances of the three tables.

    Raises:
        ConfigError: a table lacks a column.
    """
    clips: list[Clip] = []
    missing: list[str] = []
    videos: list[str] = []
    for fold, (partition, folder) in enumerate(PARTITIONS.items(), start=1):
        table = below(root, f"{partition}_sent_emo.csv")
        if table is None:
            missing.append(f"{partition}_sent_emo.csv")
            continue
        home = below(root, folder)
        for said in _utterances(table, fold):
            video = (home or root / folder) / f"{said.key}.mp4"
            sound = with_any_suffix(video.with_suffix(".wav"))
            if sound is not None:
                clips.append(clip_of("meld", sound.relative_to(root).as_posix(), said, BY_NAME))
            elif video.is_file():
                videos.append(video.relative_to(root).as_posix())
            else:
                missing.append(f"{folder}/{said.key}.mp4")
    return Scan(clips, missing, aside={STILL_VIDEO: videos} if videos else {})


def extract_audio(root: Path, progress: Callable[[int, int | None], None] = lambda done, total: None) -> list[str]:
    """Write `diaX_uttY.wav`, 16 kHz mono, beside each video that has none; the videos without usable sound.

    Args:
        progress: told the number of videos that are done, and of all.

    Raises:
        ConfigError: ffmpeg is not installed.
    """
    videos = list(scan(root).aside.get(STILL_VIDEO, ()))
    program = shutil.which("ffmpeg")
    if videos and program is None:
        raise ConfigError(f"The sound of {len(videos)} videos in '{root}' must be extracted: install ffmpeg.")
    failed = []
    for number, video in enumerate(videos, start=1):
        wav = (root / video).with_suffix(".wav")
        partial = wav.with_suffix(".part")
        command = [str(program), "-v", "error", "-y", "-i", str(root / video)]
        command += ["-vn", "-ac", "1", "-ar", "16000", "-f", "wav", str(partial)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            partial.replace(wav)
        else:
            partial.unlink(missing_ok=True)
            failed.append(video)
        progress(number, len(videos))
    return failed


def _utterances(table: Path, fold: int) -> Iterator[Utterance]:
    for row in table_rows(table, COLUMNS):
        yield Utterance(
            key=f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}",
            speaker=row["Speaker"].strip(),
            label=row["Emotion"].strip().lower(),
            text=row["Utterance"].strip(),
            fold=fold,
        )


LAYOUT = table_layout("meld", "*_sent_emo.csv", scan)
