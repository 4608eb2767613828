"""What agents say of the emotions, as corpora from which voice and text models are trained."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from rasa_emotion.audio.activity import FRAME_SECS, trim_silence, voice_activity
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.manifest import MANIFEST, write_manifest
from rasa_emotion.handoff.desk_record import Judgement
from rasa_emotion.privacy.consent import Consents
from rasa_emotion.privacy.pseudonym import pseudonym
from rasa_emotion.privacy.recordings import begun, recordings_of

CORPUS = "calls"
TEXT = "text.csv"
CLIPS = "clips"

_CLIP = re.compile(r"[0-9a-f]{16}-\d+\.wav")

LONGEST_SECS = 30.0
"""Of a turn that is cut out of a recording."""

PAUSE_SECS = 1.0
"""A longer pause before the turn's last words ends the turn to the front."""

SHORTEST_SECS = 0.3

LATE_SECS = 10.0
"""How long after the end of a recording the turn may have been noted that ended it."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        texts: rows of `text.csv`.
        clips: rows of `speech.csv`.
        opted_out: judgements that were left out, since their callers do not allow the analysis.
        disagreed: turns that were left out, since people say different things of them.
    """

    texts: int
    clips: int
    opted_out: int
    disagreed: int


def export(judgements: Sequence[Judgement], consents: Consents, out: Path, recordings: Path | None = None) -> Exported:
    """Write what agents said as corpora: `text.csv` (text, emotion), and `speech.csv` with the turns' sound.

    Texts are redacted; callers appear under a pseudonym that is another one in the next process, so that two exports
    are not to be merged. Sound there is of callers alone, and only where calls are recorded. What an
    earlier export wrote there goes first: a caller who was forgotten since, or has said no, is not in it.

    Args:
        judgements: from `DeskRecord.judgements`.
        consents: who allows no analysis is left out.
        out: the folder to write.
        recordings: the folder of the recordings; None where there are none.

    Raises:
        OSError: the folder cannot be written.
    """
    allowed = {sender: consents.allows(sender) for sender in {one.sender for one in judgements}}
    kept = [one for one in judgements if allowed[one.sender]]
    agreed, disagreed = _agreed(kept)
    out.mkdir(parents=True, exist_ok=True)
    _clear(out)
    texts = [one for one in agreed if one.text.strip()]
    with (out / TEXT).open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "emotion"])
        rows.writerows([one.text, one.emotion] for one in texts)
    clips = [] if recordings is None else [clip for one in agreed if (clip := _clip(one, recordings, out)) is not None]
    if clips:
        write_manifest(out, clips)
    return Exported(len(texts), len(clips), len(judgements) - len(kept), disagreed)


def _clear(out: Path) -> None:
    """Delete what `export` writes, and nothing else that lies there."""
    for path in (
        out / TEXT,
        out / MANIFEST,
        *(path for path in (out / CLIPS).glob("*.wav") if _CLIP.fullmatch(path.name)),
    ):
        path.unlink(missing_ok=True)


def _agreed(judgements: Sequence[Judgement]) -> tuple[list[Judgement], int]:
    """One for each turn, where all, or most, say the same; and how many turns there are of which they do not."""
    by_turn: dict[tuple[str, float], list[Judgement]] = defaultdict(list)
    for one in judgements:
        by_turn[one.sender, one.turn_at].append(one)
    agreed = []
    for said in by_turn.values():
        emotion, votes = Counter(one.emotion for one in said).most_common(1)[0]
        if 2 * votes > len(said):
            agreed.append(next(one for one in said if one.emotion == emotion))
    return agreed, len(by_turn) - len(agreed)


def _clip(one: Judgement, recordings: Path, out: Path) -> Clip | None:
    """The turn, cut out of a recording; None where none has it."""
    for path in recordings_of(recordings, one.sender):
        began = begun(path)
        if began is None or one.turn_at < began:
            continue
        try:
            sound = _turn(path, one.turn_at - began)
        except (OSError, soundfile.LibsndfileError):
            continue  # a recording that is broken, or was deleted this very moment
        if sound is not None:
            speaker = pseudonym(one.sender, digits=16)
            name = f"{CLIPS}/{speaker}-{round(1000 * one.turn_at)}.wav"
            (out / CLIPS).mkdir(exist_ok=True)
            soundfile.write(str(out / name), sound, SAMPLE_RATE, subtype="PCM_16")
            return Clip(name, CORPUS, speaker, one.emotion, one.emotion, None, len(sound) / SAMPLE_RATE, one.text)
    return None


def _turn(path: Path, end_secs: float) -> NDArray[np.float32] | None:
    """The caller's last words before that moment of a recording; None where nobody speaks there."""
    with soundfile.SoundFile(str(path)) as file:
        if end_secs > file.frames / file.samplerate + LATE_SECS or file.samplerate != SAMPLE_RATE:
            return None
        end = min(file.frames, round(end_secs * SAMPLE_RATE))
        start = max(0, end - round(LONGEST_SECS * SAMPLE_RATE))
        file.seek(start)
        both = file.read(end - start, dtype="float32", always_2d=True)
    sound = np.ascontiguousarray(both[:, 0])  # the caller; the bot is on the right
    speaking = np.flatnonzero(voice_activity(Waveform(sound)))
    if len(speaking) == 0:
        return None
    pauses = np.flatnonzero(np.diff(speaking) * FRAME_SECS > PAUSE_SECS)
    first = int(speaking[pauses[-1] + 1]) if len(pauses) else int(speaking[0])
    frame = round(FRAME_SECS * SAMPLE_RATE)
    words = trim_silence(Waveform(sound[max(0, first * frame - frame * 5) : (int(speaking[-1]) + 6) * frame])).samples
    return words if len(words) >= SHORTEST_SECS * SAMPLE_RATE else None
