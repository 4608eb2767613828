"""The figures as tables: the fusion's card, and the document about fusion."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from rasa_emotion.evaluation.markdown import NONE, p_value, percent, table, wrapped
from research.fusion.material import PARTS
from research.fusion.measure import ALONE, DECIDING, SAMPLES, SHIPS
from research.fusion.recogniser import ERROR_RATES
from research.fusion.shipped import MAX_FALSE_CONFLICTS

CARD, DOCUMENT = (Path(__file__).parent / name for name in ("card.template.md", "document.template.md"))
NEEDS_EVIDENCE_ALONE = ("weighted product", "weighted product by trust", "weighted average", "stacked classifier")
"""What can fuse the evidence that travels in a message, which holds neither embeddings nor states."""

VOICES = {
    "acoustic": "RAVDESS, CC BY-NC-SA 4.0, each clip heard by the head of the fold that does not know its speaker",
    # Its own corpus has no sentences: on it, a voice would seem to be worth far more than it is in a call.
    "acoustic-emogator": "RAVDESS, CC BY-NC-SA 4.0, of which the model knows nothing",
}


def card(report: Mapping[str, Any]) -> str:
    """The model card in Markdown."""
    return Template(CARD.read_text(encoding="utf-8")).substitute(placeholders(report))


def document(report: Mapping[str, Any]) -> str:
    """The document about fusion in Markdown."""
    return Template(DOCUMENT.read_text(encoding="utf-8")).substitute(placeholders(report))


def placeholders(report: Mapping[str, Any]) -> dict[str, str]:
    """Everything that both templates may name."""
    constants, measured = report["constants"], report["measured"]
    conflict = measured["conflict"]
    usual = measured["sets"][DECIDING]["strategies"][SHIPS]
    return {
        "acoustic": report["acoustic"],
        "voices": VOICES.get(report["acoustic"], "RAVDESS, CC BY-NC-SA 4.0"),
        "voice_weight": str(constants["weights"]["acoustic"]),
        "words_weight": str(constants["weights"]["text"]),
        "temperature": str(constants["temperature"]),
        "min_confidence": str(constants["min_confidence"]),
        "powers": table(
            ["measurement", "power"], ([name, f"{power:g}"] for name, power in constants["powers"].items())
        ),
        "thresholds": ", ".join(f"`{kind}` from {limit:g}" for kind, limit in constants["conflicts"].items()),
        "checksums": table(
            ["model", "SHA-256 of `model.onnx`"], ([n, f"`{d}`"] for n, d in report["checksums"].items())
        ),
        "pairs": f"{measured['pairs']:,}",
        "clips": f"{measured['clips']:,}",
        "sentences": f"{measured['sentences']:,}",
        "speakers": str(measured["speakers"]),
        "parts": str(PARTS),
        "samples": str(SAMPLES),
        "strategies": strategies_table(measured["sets"]),
        "deciding": deciding_table(measured["sets"][DECIDING]),
        "verdict": wrapped(verdict(measured["sets"][DECIDING])),
        "ships": ships_table(measured["sets"]),
        "ece": f"{usual['ece']:.3f}",
        "conflicts": conflict_table(conflict["kinds"]),
        "irony": table(["of the sarcastic pairs", "share"], ([n, percent(v)] for n, v in conflict["irony"].items())),
        "level": f"{constants['level']:g}",
        "level_voices": table(
            ["of the pairs in a neutral voice", "share"], ([n, percent(v)] for n, v in conflict["level"].items())
        ),
        "false_alarms": table(
            ["pairs that are no conflict", "flagged"], ([n, percent(v)] for n, v in conflict["flagged"].items())
        ),
        "allowed": f"{MAX_FALSE_CONFLICTS:.0%}",
        "latency": f"{measured['latency_ms']['p50']:.2f} ms (95th percentile {measured['latency_ms']['p95']:.2f} ms)",
        "error_rates": ", ".join(f"{rate:.0%}" for rate in ERROR_RATES[1:]),
        "sentence_counts": ", ".join(f"{n} {name}" for name, n in measured["sentences_by_emotion"].items()),
    }


def strategies_table(sets: Mapping[str, Any]) -> str:
    """UA of every strategy on every set, the best of each set in bold."""
    names = list(dict.fromkeys(name for found in sets.values() for name in found["strategies"]))
    names.sort(key=lambda name: (name not in ALONE, name == SHIPS))
    best = {title: max(row["ua"]["value"] for row in found["strategies"].values()) for title, found in sets.items()}

    def cell(name: str, title: str) -> str:
        row = sets[title]["strategies"].get(name)
        if row is None:
            return NONE
        value = percent(row["ua"]["value"])
        return f"**{value}**" if row["ua"]["value"] == best[title] else value

    return table(["strategy", *sets], ([name, *(cell(name, title) for title in sets)] for name in names))


def ships_table(sets: Mapping[str, Any]) -> str:
    """What ships on every set, against the better of voice alone and words alone."""
    rows = []
    for title, found in sets.items():
        row, alone = found["strategies"][SHIPS], found["best_alone"]
        against = row["against"].get(alone)
        other = found["strategies"][alone]
        rows.append(
            [
                title,
                f"{found['pairs']:,}",
                interval(row["ua"]),
                percent(row["accuracy"]),
                percent(row["macro_f1"]),
                f"{row['ece']:.3f}",
                f"{alone}, {percent(other['ua']['value'])}",
                *tests(against),
            ]
        )
    head = [
        "pairs",
        "number",
        "UA",
        "accuracy",
        "macro-F1",
        "ECE",
        "better alone",
        "gain",
        "p, bootstrap",
        "p, McNemar",
    ]
    return table(head, rows)


def deciding_table(found: Mapping[str, Any]) -> str:
    """Every strategy on the set that decides, each against what ships."""
    rows = [
        [name, interval(row["ua"]), f"{row['ece']:.3f}", *tests(row["against"].get(SHIPS))]
        for name, row in found["strategies"].items()
    ]
    return table(["strategy", "UA", "ECE", "gain on what ships", "p, bootstrap", "p, McNemar"], rows)


def verdict(found: Mapping[str, Any]) -> str:
    """Which strategy has the highest UA on the set that decides, in words."""
    rows = found["strategies"]
    able = max((name for name in NEEDS_EVIDENCE_ALONE if name in rows), key=lambda name: rows[name]["ua"]["value"])
    best = max((name for name in rows if name != SHIPS), key=lambda name: rows[name]["ua"]["value"])
    value = percent(rows[able]["ua"]["value"])
    text = f"Of the strategies that fuse what travels in a message, the {able} has the highest UA ({value})"
    if best == able:
        return f"{text}, and no other has a higher one."
    return f"{text}; over all, {best} has ({percent(rows[best]['ua']['value'])}), which needs what does not travel."


def conflict_table(kinds: Mapping[str, Any]) -> str:
    rows = [
        [
            f"`{kind}`",
            f"{row['pairs']:,}",
            f"{row['area']['value']:.3f} ({row['area']['low']:.3f} to {row['area']['high']:.3f})",
            f"{interval(row['flagged at 5 %'])} at {percent(row['false alarms at 5 %'])}",
            f"{percent(row['flagged as it ships'])} at {percent(row['false alarms as it ships'])}",
        ]
        for kind, row in kinds.items()
    ]
    head = ["kind", "pairs", "area under the ROC", "flagged, thresholds for 5 % false alarms", "flagged, as it ships"]
    return table(head, rows)


def tests(against: Mapping[str, float] | None) -> list[str]:
    if against is None:
        return [NONE] * 3
    gain = f"{100 * against['value']:+.1f} ({100 * against['low']:+.1f} to {100 * against['high']:+.1f})"
    return [gain, p_value(against["p"]), p_value(against["mcnemar"])]


def interval(found: Mapping[str, float]) -> str:
    return f"{percent(found['value'])} ({percent(found['low'])} to {percent(found['high'])})"
