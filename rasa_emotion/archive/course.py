"""The course of a call, turn by turn: the mood, and what the rules of a bot would have decided."""

from dataclasses import dataclass, field

from rasa_emotion.conversation.decision import ALERT, Decision
from rasa_emotion.conversation.escalation import EscalationRules, decide
from rasa_emotion.conversation.history import Recorded, Turn
from rasa_emotion.conversation.mood import MEMORY, Mood, mood
from rasa_emotion.estimate import EmotionEstimate


@dataclass
class Course:
    """Takes the turns of one call in their order.

    Intents are not known of a recording, so that rules on what a caller asks for never apply, and nobody accepts an
    offer: after one, the rules go on as for a caller who did not answer it.

    Args:
        rules: the bot's.

    >>> course = Course(EscalationRules())
    >>> course.add(EmotionEstimate.from_probabilities({"angry": 1.0}, {}))[1].rule
    'anger'
    """

    rules: EscalationRules
    turns: list[Turn] = field(default_factory=list)
    decisions: list[tuple[int, Decision]] = field(default_factory=list)

    def add(self, estimate: EmotionEstimate) -> tuple[Mood, Decision | None]:
        """The mood after this turn and what the rules decide in it."""
        number = len(self.turns)
        self.turns.append(Turn(None, estimate))
        recent = self.turns[-MEMORY:]
        earlier = [Recorded(decision, number - at) for at, decision in self.decisions]
        decision = decide(self.rules, recent, earlier=earlier)
        if decision is not None:
            self.decisions.append((number, decision))
        return mood([turn.estimate for turn in recent]), decision

    @property
    def escalation(self) -> tuple[int, Decision] | None:
        """Number of the turn, from 0, and the first decision that the caller would have noticed."""
        return next(((at, found) for at, found in self.decisions if found.action != ALERT), None)

    @property
    def alerts(self) -> int:
        """How often people would have been told without the caller noticing."""
        return sum(found.action == ALERT for _, found in self.decisions)
