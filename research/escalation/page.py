"""Writes the page on escalation in simulated calls from the figures that the simulation wrote.

python -m research.escalation.page docs
"""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from rasa_emotion.evaluation.calls import CALM_MIX, DISTURBED, LENGTHS, NEUTRAL_WORDS, RELAPSES
from rasa_emotion.evaluation.markdown import percent, table, wrapped
from rasa_emotion.evaluation.simulation import at_false
from rasa_emotion.evaluation.tradeoff import trade_off
from research.page import Found, Page

TEMPLATE = Path(__file__).parent / "simulation.template.md"


def document(found: Found) -> str:
    """The page in Markdown. Raises KeyError or TypeError where a figure is missing."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    shipped = _shipped(found)
    return template.substitute(
        headline=_headline(shipped),
        alt=f"Share of angry calls escalated over false escalations; the default rule finds "
        f"{percent(shipped['within_2'][0])} % within two angry turns",
        table=_table(found),
        choice=_choice(found),
        slices=_slices(shipped),
        delays=_delays(shipped),
        calls=_calls(found, shipped),
        rule=_rule(found),
    )


def _shipped(found: Found) -> Found:
    row: Found = found["rows"][0]
    return row


def _headline(row: Found) -> str:
    return wrapped(
        f"The default rule escalates {_interval(row['within_2'])} % of the callers who turn angry within two angry "
        f"turns and {_interval(row['within_3'])} % within three, and {_interval(row['false'])} of 100 calm calls."
    )


def _table(found: Found) -> str:
    rows = [
        [
            row["rule"],
            row["heard"],
            *(_interval(row[name]) for name in ("within_2", "within_3", "early", "false")),
            percent(at_false(row["curve"])["within_2"]),
        ]
        for row in found["rows"]
    ]
    return table(["rule", "heard", "within 2", "within 3", "early", "false", "at 2 false"], rows)


def _choice(found: Found) -> str:
    both, words = _shipped(found), next(row for row in found["rows"] if row["heard"] == "words alone")
    advice = [
        "**The bot hears voice and words**: leave the rules out of config.yml to use the default. Of 100 callers who "
        f"stay calm, {percent(both['false'][0])} are handed over without need.",
        f"**It reads words alone**: the default finds {percent(words['within_2'][0])} % in two angry turns and is "
        f"hardly ever wrong. A lower `turned_angry` finds {percent(at_false(words['curve'])['within_2'])} % at two "
        "errors in 100 calm calls; let that rule `ask`, so that an error costs a question and no agent's time.",
        "**Few agents can take calls**: a higher `turned_angry` means fewer handovers and more angry callers without "
        "one, the left end of the curve above; `do: offer` leaves the choice to the caller, and "
        "`do: alert` lets a supervisor decide.",
    ]
    return "\n".join(f"- {wrapped(line)}".replace("\n", "\n  ") for line in advice)


def _slices(row: Found) -> str:
    rows = [
        [name, *(percent(part[key]) for key in ("within_2", "within_3", "false"))]
        for name, part in row["slices"].items()
    ]
    return table(["condition", "within 2", "within 3", "false"], rows)


def _delays(row: Found) -> str:
    shares = row["delays"]
    shown = [(f"angry turn {turn}", shares.get(str(turn), 0.0)) for turn in range(1, 6)]
    later = sum(share for name, share in shares.items() if name.isdigit() and int(name) > len(shown))
    rows = [*shown, ("later", later), ("never, or before turning", shares.get("never", 0.0))]
    return table([name for name, _ in rows], [[f"{percent(share)} %" for _, share in rows]])


def _calls(found: Found, row: Found) -> str:
    mix = ", ".join(f"{name} {100 * share:.0f}" for name, share in CALM_MIX.items())
    return wrapped(
        f"{found['count']:,} calm calls and {found['count']:,} that turn angry, of {row['calls']['callers']} callers "
        f"(speakers of RAVDESS), seed {found['seed']}. A call has {LENGTHS[0]} to {LENGTHS[1]} turns. Calm turns are "
        f"{mix} percent. The others begin so and turn at a random turn from the third on, with at least four turns "
        f"left; then they stay angry, except for {100 * RELAPSES:.0f} % of the turns, which return to the calm mix. "
        "Words are sentences of the turn's emotion from the test half of the customers' utterances, which no model was "
        f"trained on; in {100 * NEUTRAL_WORDS:.0f} % of the calls they are neutral throughout. {100 * DISTURBED:.0f} % "
        "of the calls come over the telephone (8 kHz mu-law) with real noise at 10 dB. Each voice is heard by a fold "
        "model that was not trained on the speaker. Neutral and calm turns, two thirds of the calm ones, are heard in "
        "recordings of ordinary speech (people reading digits, public service calls, one speaker a call). The model "
        "acoustic-emogator learned from most of the people reading digits, but from no call and none of these actors."
    )


def _rule(found: Found) -> str:
    return wrapped(
        f"The caller has turned angry where the score of `rasa_emotion.conversation.anger` reaches {found['level']:g}. "
        "It is the logistic function of a weighted sum: of the log-odds of anger in the latest turn's voice and "
        "words, the caller's own average log-odds, and the highest of the two turns before. Where the words alone, "
        "with a threshold that one of 100 calm calls reaches, have a higher score, that one counts: plain words in a "
        "level voice. In the table the weights are fitted without the caller's part (callers are dealt to five parts) "
        "and on other sentences: half of them held-out ones of the public corpora, half from the customers' training "
        "half. The weights that ship are "
        "fitted on all callers, and their threshold is set on those calls, so that 2 of 100 calm ones are escalated. "
        "With acoustic-emogator the rule has weights of its own, fitted on all callers. Two things were chosen on "
        "calls of the same callers and sentences, with other seeds: the form of the score, from several, and that it "
        "is fitted on both kinds of sentences. So its lead is slightly optimistic."
    )


def _interval(figure: Sequence[float]) -> str:
    value, low, high = figure
    return f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def plot(found: Found) -> bytes:
    """The trade-off of the rules that hear voice and words, as SVG."""
    rows = [row for row in found["rows"] if row["heard"] == found["rows"][0]["heard"]]
    return trade_off({row["rule"]: row for row in rows})


PAGE = Page("simulation", "simulated calls", "research.escalation.measure", document, plot)

if __name__ == "__main__":
    PAGE.main()
