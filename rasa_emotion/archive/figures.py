"""Figures over all calls of an archive, from its tables."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.archive.tables import CALLS, TURNS, read_table
from rasa_emotion.conversation.mood import MOODS
from rasa_emotion.emotions import EMOTIONS, UNKNOWN

TENTHS = 10
"""Parts of a call for which the course is averaged."""

LISTEN_TO = 20
_CALL = ("path", "error", "secs", "speech_secs", "mood", "peak_anger", "peak_anger_secs", "lowest_valence")
_ESCALATION = ("escalation", "escalation_secs", "escalation_rule", "escalation_reason", "alerts", "warnings")
_TURN = ("path", "end_secs", "speech_secs", "emotion", "valence", "angry", "mood_valence", "mood_anger")


def archive_figures(folder: Path) -> dict[str, Any]:
    """The figures of a report, JSON-safe; shares are 0 to 1.

    Returns:
        "calls", "failed" (path and error of each), "warned", "hours", "speech_hours", "turns"; "emotions", the share of
        the speech in turns with each; "moods", how many calls ended in each; "escalated", how many calls, "rules", by
        which rule, "escalation_secs" of each, and "alerts"; "course", for each tenth of the calls the quartiles of the
        mood's valence and anger; "listen_to", the calls with the angriest turns.
    """
    calls = read_table(folder, CALLS, (*_CALL, *_ESCALATION)).to_pylist()
    heard = [call for call in calls if call["error"] is None]
    turns = read_table(folder, TURNS, _TURN)
    escalated = [call for call in heard if call["escalation"] is not None]
    rules = sorted({call["escalation_rule"] for call in escalated})
    angriest = sorted((call for call in heard if call["peak_anger"] is not None), key=lambda call: -call["peak_anger"])
    return {
        "calls": len(heard),
        "failed": [{"path": call["path"], "error": call["error"]} for call in calls if call["error"] is not None],
        "warned": sum(bool(call["warnings"]) for call in heard),
        "hours": round(sum(call["secs"] for call in heard) / 3600, 3),
        "speech_hours": round(sum(call["speech_secs"] for call in heard) / 3600, 3),
        "turns": turns.num_rows,
        "emotions": _emotions(turns),
        "moods": {mood: sum(call["mood"] == mood for call in heard) for mood in MOODS},
        "escalated": len(escalated),
        "rules": {rule: sum(call["escalation_rule"] == rule for call in escalated) for rule in rules},
        "escalation_secs": sorted(call["escalation_secs"] for call in escalated),
        "alerts": sum(call["alerts"] for call in heard),
        "course": _course(turns, {call["path"]: call["secs"] for call in heard}),
        "listen_to": [
            {
                name: call[name]
                for name in ("path", "peak_anger", "peak_anger_secs", "mood", "escalation_secs", "escalation_reason")
            }
            for call in angriest[:LISTEN_TO]
        ],
    }


def _emotions(turns: Any) -> dict[str, float]:
    names, spoken = turns["emotion"].to_pylist(), turns["speech_secs"].to_numpy()
    whole = float(spoken.sum())
    shares = dict.fromkeys((*EMOTIONS, UNKNOWN), 0.0)
    for name, secs in zip(names, spoken, strict=True):
        shares[name] += float(secs)
    return {name: round(secs / whole, 4) if whole else 0.0 for name, secs in shares.items()}


def _course(turns: Any, secs: dict[str, float]) -> dict[str, list[list[float] | None]]:
    """For each tenth the lower quartile, median and upper quartile over the turns that end in it."""
    lengths = np.array([secs.get(path, np.nan) for path in turns["path"].to_pylist()], dtype=np.float64)
    ends = turns["end_secs"].to_numpy()
    tenth = np.clip(TENTHS * ends / np.maximum(lengths, 1e-3), 0, TENTHS - 1).astype(int) if len(ends) else ends
    return {
        name: [_quartiles(turns[f"mood_{name}"].to_numpy()[tenth == part]) for part in range(TENTHS)]
        for name in ("valence", "anger")
    }


def _quartiles(values: NDArray[np.float64]) -> list[float] | None:
    known = values[np.isfinite(values)] if len(values) else values
    return [round(float(value), 4) for value in np.percentile(known, [25, 50, 75])] if len(known) else None
