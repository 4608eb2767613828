"""Conversations as Rasa stores them, for the tests of packets."""

from fake_analyzer import estimate

START = 1_700_000_000.0


class Call:
    """Events of one conversation; each method adds one, a second after the one before."""

    def __init__(self, start: float = START) -> None:
        self.events: list[dict] = []
        self._now = start
        self.add("session_started")

    def add(self, kind: str, **content) -> "Call":
        self._now += 1
        self.events.append({"event": kind, "timestamp": self._now, **content})
        return self

    def says(self, text: str, intent: str = "inform", emotion: str = "neutral", probability: float = 0.8) -> "Call":
        parsed = {"intent": {"name": intent}, "emotion_estimate": estimate(emotion, probability).to_dict()}
        return self.add("user", text=text, input_channel="emotion", parse_data=parsed)

    def bot(self, text: str | None, **data) -> "Call":
        return self.add("bot", text=text, data=data)

    def slot(self, name: str, value: object) -> "Call":
        return self.add("slot", name=name, value=value)

    def decides(self, action: str = "handover", *, dry_run: bool = False, rule: str = "anger") -> "Call":
        reason = "The caller was angry in 2 of the last 3 turns."
        decision = {"action": action, "rule": rule, "reason": reason, "urgency": "high", "dry_run": dry_run}
        return self.slot("escalation", decision)


def fault_call(start: float = START) -> Call:
    """A caller with a broken line, who gets angry in a form and is handed over."""
    call = Call(start).says("hello", "greet").bot("Hello!").says("my line is dead", "report_fault")
    call.add("active_loop", name="fault_form").slot("line_type", "broadband").slot("requested_slot", "callback_number")
    call.bot("Which number?").says("this is outrageous", "complain", "angry", 0.84)
    call.slot("emotion", "angry").add("active_loop", name=None).slot("requested_slot", None).decides()
    return call.slot("escalated", True).add("pause").bot("I put you through.")
