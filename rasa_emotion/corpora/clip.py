"""One utterance of a speech corpus."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clip:
    """An utterance and what its corpus says of it.

    Args:
        path: the audio file, relative to the folder that was read.
        corpus: the corpus' name in the catalogue.
        speaker: unique over all corpora.
        label: the corpus' own label.
        emotion: one of the eight, or None where none fits.
        fold: the corpus' standard fold or partition, counted from 1, or None.
        seconds: length of the file; 0 where nobody has looked yet.
        text: what is said, or "".
        script: which scripted sentence or scene is spoken, unique within the corpus; "" for free speech.
        augmented: whether the file is an altered copy (noise added, pitch moved) of the recording: it may be trained on
            and is never scored.
    """

    path: str
    corpus: str
    speaker: str
    label: str
    emotion: str | None
    fold: int | None
    seconds: float
    text: str = ""
    script: str = ""
    augmented: bool = False
