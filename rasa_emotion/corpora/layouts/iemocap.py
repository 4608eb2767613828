"""IEMOCAP: SessionN/dialog/EmoEvaluation/DIALOG.txt, SessionN/sentences/wav/DIALOG/TURN.wav.

Layout: C. Busso et al., "IEMOCAP: interactive emotional dyadic motion capture database", 2008, and its release's
README.txt (https://sail.usc.edu/iemocap/). A dialog is `Ses01F_impro01` (improvised) or `Ses01F_script01_1` (a scene
that all sessions play), a turn `Ses01F_impro01_M000`: its last letter of sex is the speaker's. Sessions are the folds,
two speakers each. The four classes that papers score have an emotion (happy includes excited); all other labels have
none.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.layouts.layout import Scan, Utterance, below, clip_of, table_layout, with_any_suffix

EMOTIONS = {"ang": "angry", "exc": "happy", "hap": "happy", "neu": "neutral", "sad": "sad"}
SESSIONS = range(1, 6)

TURN = re.compile(r"\[\d+\.\d+ - \d+\.\d+\]\t((Ses0[1-5])[FM]_(\w+)_([FM])(?:XX)?\d+)\t([a-z]{3})\t")
SCENE = re.compile(r"script\d+_\d+")
SAID = re.compile(r"(Ses0[1-5][FM]_\w+) \[\d+\.\d+-\d+\.\d+\]:? ?(.*)")


def scan(root: Path) -> Scan:
    """The labelled turns of the sessions that are there, and the sessions that are not."""
    clips: list[Clip] = []
    missing: list[str] = []
    for number in SESSIONS:
        session = below(root, f"Session{number}/dialog/EmoEvaluation")
        if session is None:
            missing.append(f"Session{number}/dialog/EmoEvaluation")
            continue
        session = session.parent.parent
        for turn in _turns(session):
            wav = session / "sentences" / "wav" / turn.key.rpartition("_")[0] / f"{turn.key}.wav"
            found = with_any_suffix(wav)
            if found is None:
                missing.append(wav.relative_to(root).as_posix())
            else:
                clips.append(clip_of("iemocap", found.relative_to(root).as_posix(), turn, EMOTIONS))
    return Scan(clips, missing)


def turns(evaluation: str, transcript: str) -> Iterator[Utterance]:
    """The turns of a dialog, from the texts of its evaluation and its transcription."""
    said = {match[1]: match[2] for match in SAID.finditer(transcript)}
    for match in TURN.finditer(evaluation):
        name, session, dialog, sex, label = match.groups()
        scene = SCENE.match(dialog)
        yield Utterance(
            key=name,
            speaker=session + sex,
            label=label,
            text=said.get(name, "").strip(),
            script=scene[0] if scene else "",
            fold=int(session[-1]),
        )


def _turns(session: Path) -> Iterator[Utterance]:
    for evaluation in sorted((session / "dialog" / "EmoEvaluation").glob("Ses*.txt")):
        yield from turns(_text(evaluation), _text(session / "dialog" / "transcriptions" / evaluation.name))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


LAYOUT = table_layout("iemocap", "Session[1-5]/dialog/EmoEvaluation", scan)
