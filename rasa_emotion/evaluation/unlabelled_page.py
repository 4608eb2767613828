"""The report on recordings without labels: a page with plots and advice, and the figures for programs."""

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from rasa_emotion.evaluation import unlabelled_plots
from rasa_emotion.evaluation.plots import require_matplotlib
from rasa_emotion.evaluation.unlabelled import HeardTurn, Listened, home_figures
from rasa_emotion.evaluation.unlabelled_advice import AT_HOME, NOT_AT_HOME, Advice, advise, percent, spoken, verdict

PAGE, FIGURES, TURNS = "report.html", "figures.json", "turns.csv"
LISTEN_TO = 20
SKIPPED_SHOWN = 50

CARDS = {
    "ordinary": "ordinary: neutral, calm or no opinion",
    "alarming": "surely angry, disgusted, afraid or sad",
    "unknown": "no opinion",
}
MEANING = {
    AT_HOME: "Nothing in the figures speaks against using the voice on recordings like these.",
    NOT_AT_HOME: "Do not rely on the voice here before the first finding below is settled.",
}
LOOK = "Something below is worth a look before the voice is relied on."


def write_home_report(folder: Path, listened: Listened, *, title: str, voice: str) -> dict[str, Any]:
    """Write the page, its plots, `figures.json` and `turns.csv` into `folder`, which is made where it is missing.

    Args:
        folder: of the report.
        listened: the turns.
        title: of the page.
        voice: name of the acoustic model.

    Returns:
        What `figures.json` holds: the figures of `home_figures`, "voice", "verdict" and "advice".

    Raises:
        ConfigError: matplotlib is missing.
    """
    require_matplotlib()
    found = home_figures(listened)
    advice = advise(found)
    whole = {**found, "voice": voice, "verdict": verdict(advice), "advice": [asdict(piece) for piece in advice]}
    pictures = {
        "spread": unlabelled_plots.spread_bars(found),
        "confidence": unlabelled_plots.confidence_bars(found),
        "lines": unlabelled_plots.line_dots(found),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        (folder / f"{name}.png").write_bytes(picture)
    (folder / FIGURES).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    with (folder / TURNS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(HeardTurn)])
        writer.writerows([list(asdict(turn).values()) for turn in listened.turns])
    (folder / PAGE).write_text(home_page(whole, advice, listened.turns, pictures, title), encoding="utf-8")
    return whole


def home_page(
    found: Mapping[str, Any],
    advice: Sequence[Advice],
    turns: Sequence[HeardTurn],
    pictures: Mapping[str, bytes],
    title: str,
) -> str:
    """The HTML of the report."""
    template = Template((resources.files("rasa_emotion.evaluation") / "unlabelled.html").read_text(encoding="utf-8"))
    return template.substitute(
        style=_style(),
        title=escape(title),
        summary=escape(home_summary(found)),
        voice=escape(str(found["voice"])),
        kind="section" if found["verdict"] == AT_HOME else 'section class="warning" role="note"',
        verdict=found["verdict"],
        meaning=MEANING.get(found["verdict"], LOOK),
        advice="\n".join(
            f"<li><b>{escape(_sentence(piece.finding))}</b> {escape(piece.text)}</li>" for piece in advice
        ),
        cards="\n".join(_card(label, found["shares"][name]) for name, label in CARDS.items()),
        spread=_figure(pictures["spread"], _spread_alt(found)),
        confidence=_figure(pictures["confidence"], _confidence_alt(found)),
        lines=_figure(
            pictures["lines"], "Shares of no opinion and of surely negative answers by line; the table has them."
        ),
        rows="\n".join(
            _row(kind, label, group) for kind, groups in found["lines"].items() for label, group in groups.items()
        ),
        listen=_listen_to(turns),
        skipped=_skipped(found["skipped"]),
    )


def home_summary(found: Mapping[str, Any]) -> str:
    """How much there was."""
    parts = [f"{found['turns']:,} turns in {found['recordings']:,} recordings"]
    if found["without_speech"]:
        parts.append(f"{found['without_speech']:,} stretches with hardly any speech left out")
    if found["skipped"]:
        parts.append(f"{len(found['skipped']):,} files skipped")
    return "; ".join(parts)


def _sentence(finding: str) -> str:
    return finding[0].upper() + finding[1:] + "."


def _style() -> str:
    """The style of the other report, so that the two look alike."""
    report = (resources.files("rasa_emotion.evaluation") / "report.html").read_text(encoding="utf-8")
    return report.split("<style>")[1].split("</style>")[0].replace("$$", "$")


def _card(label: str, share: Mapping[str, float]) -> str:
    return (
        f'<div><dt>{escape(label)}</dt><dd class="value">{percent(share["value"])}</dd>'
        f'<dd class="range">{100 * share["low"]:.0f} to {100 * share["high"]:.0f} %</dd></div>'
    )


def _figure(picture: bytes, alt: str) -> str:
    source = base64.b64encode(picture).decode("ascii")
    return f'<figure><img src="data:image/png;base64,{source}" alt="{escape(alt)}"></figure>'


def _spread_alt(found: Mapping[str, Any]) -> str:
    spread = sorted(found["spread"].items(), key=lambda pair: -pair[1])
    return "Share of each answer: " + ", ".join(f"{spoken(name)} {percent(share)}" for name, share in spread) + "."


def _confidence_alt(found: Mapping[str, Any]) -> str:
    confidence = found["confidence"]
    return (
        f"Histogram of the confidence: median {confidence['median']:.2f}, half of the answers between "
        f"{confidence['lower_quartile']:.2f} and {confidence['upper_quartile']:.2f}."
    )


def _row(kind: str, label: str, group: Mapping[str, Any]) -> str:
    shares = ("–" if group[name] is None else percent(group[name]) for name in ("unknown", "ordinary", "alarming"))
    cells = "".join(f"<td>{cell}</td>" for cell in (f"{group['turns']:,}", *shares))
    return f'<tr><th scope="row">{escape(kind)}: {escape(label)}</th>{cells}</tr>'


def _listen_to(turns: Sequence[HeardTurn]) -> str:
    """The most confident negative answers: an ear decides faster than any figure whether they are right."""
    worst = sorted((turn for turn in turns if turn.alarming), key=lambda turn: -turn.confidence)[:LISTEN_TO]
    if not worst:
        return ""
    rows = "\n".join(
        f"<tr><td><code>{escape(turn.recording)}</code></td><td>{turn.start_secs:.0f} s</td><td>{turn.emotion}</td>"
        f"<td>{percent(turn.confidence)}</td></tr>"
        for turn in worst
    )
    return (
        '<section><h2>Listen to these</h2><p class="soft">The surest negative answers. If most of these callers are '
        "not upset, the voice is not at home here, whatever else the figures say.</p>"
        '<div class="scroll"><table><thead><tr><th scope="col">recording</th><th scope="col">from</th>'
        '<th scope="col">heard</th><th scope="col">confidence</th>'
        f"</tr></thead><tbody>\n{rows}\n</tbody></table></div></section>"
    )


def _skipped(skipped: Sequence[Mapping[str, str]]) -> str:
    if not skipped:
        return ""
    rows = "\n".join(
        f'<tr><td><code>{escape(turn["name"])}</code></td><td class="reason">{escape(turn["reason"])}</td></tr>'
        for turn in skipped[:SKIPPED_SHOWN]
    )
    return (
        '<section><h2>Skipped</h2><p class="soft">These files could not be read; figures.json lists all.</p>'
        '<div class="scroll"><table><thead><tr><th scope="col">file</th><th scope="col">why</th></tr></thead>'
        f"<tbody>\n{rows}\n</tbody></table></div></section>"
    )
