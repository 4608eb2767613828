"""What the figures of unlabelled recordings mean for an operator, in plain words.

The limits are rules of thumb: nobody knows the true share of angry callers in a folder. They rest on what a line of
service is like, where most turns are ordinary (the card of the voice says how many it calls so on ordinary calls), and
on what a voice must not do: say other things of a narrow band than of a wide one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rasa_emotion.emotions import UNKNOWN
from rasa_emotion.evaluation.unlabelled import COMPARABLE, ORDINARY

FEW_TURNS = 50
MUCH_UNKNOWN = 0.35
MUCH_ALARM = 0.15
ONE_EMOTION = 0.4
UNSURE = 0.4
APART = 0.2
NOISY = LOUD_OR_QUIET = SHORT = 0.25

AT_HOME, DOUBTFUL, NOT_AT_HOME = "at home", "doubtful", "not at home"


@dataclass(frozen=True)
class Advice:
    """One finding.

    Args:
        finding: what was seen, in a few words.
        text: what it likely means and what to do.
        serious: whether the voice's answers on these recordings should not be relied on until it is mended.
    """

    finding: str
    text: str
    serious: bool = False


def verdict(advice: list[Advice]) -> str:
    """ "at home", "doubtful" (something to look into), or "not at home" (a serious finding)."""
    if any(piece.serious for piece in advice):
        return NOT_AT_HOME
    return DOUBTFUL if advice else AT_HOME


def advise(found: Mapping[str, Any]) -> list[Advice]:
    """Findings on the figures of `home_figures`, serious ones first; none where nothing speaks against the voice."""
    advice = [*_opinions(found), *_lines(found), *_recordings(found)]
    return sorted(advice, key=lambda piece: not piece.serious)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _opinions(found: Mapping[str, Any]) -> list[Advice]:
    shares, spread, advice = found["shares"], found["spread"], []
    unknown, alarming = shares["unknown"]["value"], shares["alarming"]["value"]
    if alarming > MUCH_ALARM:
        advice.append(
            Advice(
                f"{percent(alarming)} of the turns sound surely angry, disgusted, afraid or sad",
                "On most service lines few turns do. Listen to the turns that are listed. If they are ordinary, do not "
                "let the voice hand calls over on its own: raise the threshold of the escalation, or train a voice on "
                "your own calls.",
                serious=True,
            )
        )
    if unknown > MUCH_UNKNOWN:
        advice.append(
            Advice(
                f"the voice has no opinion on {percent(unknown)} of the turns",
                "It holds back where it is not sure, which does no harm, but it adds little here. Let the words "
                "decide, and look at the lines: noise, a low level or very short turns are the usual reasons.",
            )
        )
    emotion = max((name for name in spread if name not in ORDINARY), key=lambda name: spread[name])
    if spread[emotion] > ONE_EMOTION:
        advice.append(
            Advice(
                f"{percent(spread[emotion])} of the turns are called {emotion}",
                "One answer for so many people is more likely a property of the recordings, such as a room, a language "
                "or a codec that the voice has not heard, than of the callers. Do not use its answers as they are.",
                serious=True,
            )
        )
    median = found["confidence"]["median"]
    if median < UNSURE and unknown <= MUCH_UNKNOWN:
        advice.append(
            Advice(
                f"half of the answers have a confidence under {median:.2f}",
                "The voice mostly guesses. Rules that ask for a high confidence will rarely fire; that is right so.",
            )
        )
    return advice


def _lines(found: Mapping[str, Any]) -> list[Advice]:
    """Groups of the same kind whose shares lie far apart: the voice hears the line."""
    advice = []
    for kind, groups in found["lines"].items():
        known = {label: group for label, group in groups.items() if group["turns"] >= COMPARABLE}
        if len(known) < 2:
            continue
        most = max(known, key=lambda label: known[label]["alarming"])
        least = min(known, key=lambda label: known[label]["alarming"])
        gap = known[most]["alarming"] - known[least]["alarming"]
        if gap > APART:
            advice.append(
                Advice(
                    f"{kind}: {percent(known[most]['alarming'])} surely negative at '{most}', "
                    f"{percent(known[least]['alarming'])} at '{least}'",
                    "Unless these are different kinds of calls, the voice hears the line rather than the caller. Judge "
                    "the two apart, and do not compare their figures.",
                    serious=kind == "band",
                )
            )
    return advice


def _recordings(found: Mapping[str, Any]) -> list[Advice]:
    turns, lines, advice = found["turns"], found["lines"], []
    if turns < FEW_TURNS:
        advice.append(
            Advice(
                f"there are only {turns} turns" if turns > 1 else "there is only one turn",
                f"The figures are rough. Take {FEW_TURNS} or more, of many callers, chosen at random.",
            )
        )
    if found["recordings"] == 1:
        advice.append(Advice("there is one recording", "It may be one caller's manner. Take many recordings."))
    noisy = lines["signal to noise"]["under 10 dB"]["turns"] / turns
    if noisy > NOISY:
        advice.append(
            Advice(
                f"{percent(noisy)} of the turns have a signal-to-noise ratio under 10 dB",
                "The voice is less often right in noise, and its evidence counts for less there; its card has the "
                "figures. See whether the noise can be kept out of the recording.",
            )
        )
    levels = lines["level"]
    odd = (levels["quiet, under -35 dB"]["turns"] + levels["loud, over -12 dB"]["turns"]) / turns
    if odd > LOUD_OR_QUIET:
        advice.append(
            Advice(
                f"{percent(odd)} of the turns are very quiet or very loud",
                "Loud turns may be clipped, quiet ones drown in the noise of the line. Set the gain of the recording.",
            )
        )
    short = lines["speech in the turn"]["under 1.5 s"]["turns"] / turns
    if short > SHORT:
        advice.append(
            Advice(
                f"{percent(short)} of the turns hold less than 1.5 s of speech",
                "The voice is told to trust itself less there. Where turns are cut by pauses, allow longer pauses.",
            )
        )
    return advice


def spoken(name: str) -> str:
    """An answer as people say it."""
    return "no opinion" if name == UNKNOWN else name
