"""Many turns at once: `rasa-emotion analyze --jsonl` answers each line of standard input."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio.channels import check_channel
from rasa_emotion.cli.analyze_many import tagged, warn
from rasa_emotion.emotions import UNKNOWN
from rasa_emotion.errors import AudioError, ChannelError, RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate


def print_lines(analyzer: EmotionAnalyzer, lines: Iterable[str], channel: str | None, *, tags: bool) -> None:
    """Write the answer to each line as soon as it is there, as JSON or as its words with a tag before them."""
    kept: list[str] = []
    for answer in answer_lines(analyzer, _keeping(lines, kept), channel):
        if tags:
            warn([answer["error"]] if "error" in answer else answer["warnings"])
            print(tagged(answer.get("emotion", UNKNOWN), _said(kept[-1])), flush=True)
        else:
            print(json.dumps(answer), flush=True)  # ASCII: an identifier may hold what no encoding can write


def _keeping(lines: Iterable[str], kept: list[str]) -> Iterator[str]:
    """The lines; `kept` holds the one that is being answered."""
    for line in lines:
        kept[:] = [line]
        yield line


def _said(line: str) -> str:
    """The words of a turn, or the name of its recording; the line itself where it is none."""
    try:
        turn = json.loads(line)
        return str(turn.get("text") or turn.get("audio") or "")
    except (ValueError, RecursionError, AttributeError):
        return line


def answer_lines(
    analyzer: EmotionAnalyzer, lines: Iterable[str], channel: str | None = None
) -> Iterator[dict[str, Any]]:
    """One answer for each line that is not blank, in order; a line that fails becomes `{"id", "error"}`.

    Where the voice cannot be analysed but there are words, these decide, and the field "warnings" says so.

    Args:
        analyzer: of the turns.
        lines: one JSON object each.
        channel: of stereo recordings in lines that do not name one themselves.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _answer(analyzer, line, number, channel)


def _answer(analyzer: EmotionAnalyzer, line: str, number: int, channel: str | None) -> dict[str, Any]:
    try:
        turn = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"Line {number} is not JSON ({error}); write one object per line."}
    if not isinstance(turn, dict):
        return {"id": None, "error": f'Line {number} is not an object; write {{"id", "audio", "text"}}.'}
    identity, audio, text = turn.get("id"), turn.get("audio"), turn.get("text")
    if not all(value is None or isinstance(value, str) for value in (audio, text)) or (audio is None and text is None):
        return {"id": identity, "error": f'Line {number} needs "audio" (a path) or "text" (words), as strings.'}
    confidence = turn.get("text_confidence")
    if confidence is not None and (isinstance(confidence, bool) or not isinstance(confidence, int | float)):
        return {"id": identity, "error": f'Line {number} has a "text_confidence" that is not a number from 0 to 1.'}
    try:
        chosen = turn.get("channel") or channel
        check_channel(chosen)
        estimate = analyse_turn(analyzer, audio, text, confidence, chosen)
    except RasaEmotionError as error:
        return {"id": identity, "error": str(error)}
    return {"id": identity, **estimate.to_dict()}


def analyse_turn(
    analyzer: EmotionAnalyzer,
    audio: str | Path | None,
    text: str | None,
    confidence: float | None,
    channel: str | None,
) -> EmotionEstimate:
    """The estimate; where the voice cannot be analysed and the turn goes on with its words, its warnings say why."""
    try:
        return analyzer.analyze(audio=audio, text=text, text_confidence=confidence, channel=channel)
    except ChannelError:
        raise  # whoever asks can say whom to hear
    except AudioError as error:
        if text is None or not analyzer.has_words(text):
            raise
        estimate = analyzer.analyze(text=text, text_confidence=confidence)
        return replace(estimate, warnings=(f"The voice was not analysed, the words alone decide. {error}",))
