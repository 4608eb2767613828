"""How calls are held."""

from dataclasses import dataclass, field

from rasa_emotion.voice.flow import FlowLimits


@dataclass(frozen=True)
class CallSettings:
    """What an operator may choose.

    Args:
        begin: message with which the bot is told of a new call, such as "/greet"; None lets the caller speak first.
        silence_secs: of silence on both sides after which the caller is asked again; None never asks.
        silence_text: what is then said.
        silence_times: how often, before the call is ended.
        goodbye_text: said before that; empty says nothing.
        deaf_text: said once when the recogniser has failed; empty says nothing.
        digit_secs: after which keys that were pressed make a turn, where no # ends them.
        digit_intent: intent that gets them as its entity `digits`; None takes them for the caller's words.
        transfer: whether a call is handed to the line's next instruction when the bot has escalated it; else people
            talk through the relay.
        cloud_after_no: whether a recogniser that is not on this machine goes on hearing callers who may not be
            analysed, because the operator holds that it is part of the service.
        wordless_secs: a voice without words is a turn only where it lasts so long.
        transcript_secs: how long the transcript of a line that brings its own is waited for.
        flow: what a line may send.
    """

    begin: str | None = None
    silence_secs: float | None = 10.0
    silence_text: str = "Are you still there?"
    silence_times: int = 2
    goodbye_text: str = "I cannot hear you any more. Goodbye."
    deaf_text: str = "I am sorry, I cannot understand speech at the moment. Please use the keys of your telephone."
    digit_secs: float = 2.0
    digit_intent: str | None = None
    transfer: bool = False
    cloud_after_no: bool = False
    wordless_secs: float = 0.8
    transcript_secs: float = 1.5
    flow: FlowLimits = field(default_factory=FlowLimits)
