"""MSP-PODCAST: Labels/labels_consensus.csv, Audios/NAME.wav, Transcripts/NAME.txt, Partitions.txt.

Layout: the readme.txt of release 1.12 and R. Lotfian and C. Busso, "Building Naturalistic Emotionally Balanced Speech
Corpus by Retrieving Emotional Speech from Existing Podcast Recordings", 2019
(https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html). The folds are its partitions; Test3 has no
public labels. The four classes that papers score have an emotion, all other labels have none. Clips of unknown speakers
belong to training; elsewhere they are left out, since nothing shows that they are no speaker of training.
"""

import re
from collections.abc import Iterator, Mapping
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

LABELS = "Labels/labels_con[sc]ensus.csv"  # earlier releases misspell it
COLUMNS = ("FileName", "EmoClass", "SpkrID")

EMOTIONS = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}
PARTITIONS = {"train": 1, "development": 2, "validation": 2, "test1": 3, "test2": 4, "test3": 5}
TRAINING = 1

WITHOUT_SPEAKER = "recordings of unknown speakers outside the training partition"
PARTITION_LINE = re.compile(r"^\s*(\w+)\s*[;,]\s*(\S+)\s*$", re.MULTILINE)


def scan(root: Path) -> Scan:
    """The labelled recordings.

    Raises:
        ConfigError: the table of labels lacks a column.
    """
    labels = below(root, LABELS)
    if labels is None:
        return Scan([], [LABELS.replace("[sc]", "s")])
    home = labels.parent.parent
    clips: list[Clip] = []
    missing: list[str] = []
    aside: dict[str, list[str]] = {}
    for said in _utterances(labels, _partitions(home)):
        found = with_any_suffix(home / "Audios" / said.key) or with_any_suffix(home / "Audio" / said.key)
        if found is None:
            missing.append(f"Audios/{said.key}")
        elif said.speaker == "Unknown" and said.fold != TRAINING:
            aside.setdefault(WITHOUT_SPEAKER, []).append(found.relative_to(root).as_posix())
        else:
            clips.append(clip_of("msp-podcast", found.relative_to(root).as_posix(), said, EMOTIONS))
    return Scan(clips, missing, aside=aside)


def _utterances(labels: Path, partitions: Mapping[str, str]) -> Iterator[Utterance]:
    for row in table_rows(labels, COLUMNS):
        name = row["FileName"]
        transcript = labels.parent.parent / "Transcripts" / f"{Path(name).stem}.txt"
        yield Utterance(
            key=name,
            speaker=row["SpkrID"] or "Unknown",
            label=row["EmoClass"],
            text=transcript.read_text(encoding="utf-8", errors="replace").strip() if transcript.is_file() else "",
            fold=PARTITIONS.get((row.get("Split_Set") or partitions.get(name, "")).lower()),
        )


def _partitions(home: Path) -> dict[str, str]:
    """The partition of each file where the table of labels does not tell it."""
    listed = below(home, "Partition*.txt")
    text = listed.read_text(encoding="utf-8", errors="replace") if listed else ""
    return {name: partition for partition, name in PARTITION_LINE.findall(text)}


LAYOUT = table_layout("msp-podcast", LABELS, scan)
