"""Prints a call for people: what was said, what was heard, what the bot answered."""

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from playback.calls import Call, Turn
from playback.exchange import Exchange
from playback.outcome import Outcome
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.handoff.screen import SPEAKERS, packet_view

BAR_WIDTH = 24
SHOWN = 3
"""Emotions shown per turn, the most probable first."""
CONFUSED = 0.5
"""From this probability on, a turn is shown as confused."""
COLOURS = {
    "angry": "red", "disgust": "red", "sad": "blue", "fear": "magenta",
    "happy": "green", "calm": "green", "surprise": "yellow",
}  # fmt: skip
HEARD_IN = {"acoustic": "voice", "text": "words"}


def show_call(console: Console, call: Call) -> None:
    lines = [Text(call.title, style="bold")]
    if call.caveat:
        lines.append(Text(call.caveat, style="dim"))
    console.print(Panel(Group(*lines), title="The call", title_align="left"))


def show_turn(console: Console, turn: Turn, outcome: Outcome) -> None:
    """One turn: caller, emotion, evidence, mood, answer."""
    console.rule(f"turn {outcome.number}", style="dim", align="left")
    layout = Table.grid(padding=(0, 2))
    layout.add_column(style="dim", no_wrap=True)
    layout.add_column()
    layout.add_row("caller", _said(turn))
    layout.add_row("emotion", _headline(outcome.estimate))
    if outcome.estimate.evidence:
        layout.add_row("", _bars(outcome.estimate))
    if outcome.warning:
        layout.add_row("warning", Text(outcome.warning, style="yellow"))
    layout.add_row("mood", outcome.mood or "not known yet")
    layout.add_row("intent", outcome.intent)
    silence = "(is silent: a human has the call)" if outcome.escalated else "(says nothing)"
    for answer in outcome.answers or (silence,):
        layout.add_row("bot", Text(answer, style="bold cyan"))
    console.print(layout)


def _said(turn: Turn) -> Text:
    said = Text(f"“{turn.text}”" if turn.text else "(no words)", style="bold")
    source = turn.note or (turn.audio.name if turn.audio else "no sound")
    return said.append(f"  {source}", style="dim not bold")


def _headline(estimate: EmotionEstimate) -> Text:
    headline = Text(f"{estimate.emotion} {estimate.confidence:.2f}", style=COLOURS.get(estimate.emotion, ""))
    headline.append(f"  valence {estimate.valence:+.2f}, arousal {estimate.arousal:+.2f}", style="dim")
    if estimate.conflict:
        headline.append("  voice and words disagree", style="yellow")
    if estimate.confused is not None and estimate.confused >= CONFUSED:
        headline.append(f"  confused {estimate.confused:.2f}", style="yellow")
    return headline


def _bars(estimate: EmotionEstimate) -> Table:
    table = Table.grid(padding=(0, 2))
    for column in ("emotion", "bar", *estimate.modalities):
        table.add_column(no_wrap=True, style="dim" if column in estimate.modalities else "")
    probable = sorted(estimate.probabilities.items(), key=lambda item: -item[1])[:SHOWN]
    for emotion, probability in probable:
        bar = Text("█" * round(probability * BAR_WIDTH), style=COLOURS.get(emotion, ""))
        bar.append("░" * (BAR_WIDTH - len(bar)), style="dim").append(f" {probability:.2f}")
        said = [
            f"{HEARD_IN[modality]} {estimate.evidence[modality].probabilities.get(emotion, 0):.2f}"
            for modality in estimate.modalities
        ]
        table.add_row(emotion, bar, *said)
    return table


def show_exchange(console: Console, exchange: Exchange) -> None:
    """The packet as the person at the desk sees it, and what was said through the relay until the bot went on."""
    console.rule("what the human sees", style="dim", align="left")
    console.print(packet_view(exchange.packet))
    console.rule("the human and the caller", style="dim", align="left")
    layout = Table.grid(padding=(0, 2))
    layout.add_column(style="dim", no_wrap=True)
    layout.add_column()
    for line in exchange.lines:
        layout.add_row(line.speaker, Text(line.text, style=SPEAKERS[line.speaker]))
    console.print(layout)
    console.print(Text(f"The human left for the bot: {exchange.outcome}", style="dim"))


def show_ending(console: Console, outcomes: list[Outcome]) -> None:
    """Why a human took over, or that none had to."""
    handed = next((outcome for outcome in outcomes if outcome.escalated), None)
    if handed is None:
        console.print(Panel("No turn called for a human.", title="The bot kept the call", title_align="left"))
        return
    path = " → ".join(outcome.estimate.emotion for outcome in outcomes[: handed.number])
    reason = f"Turn {handed.number}: {handed.reason}\nThe call so far: {path}; mood at the end: {handed.mood}."
    console.print(Panel(reason, title="Why a human took over", title_align="left"))
