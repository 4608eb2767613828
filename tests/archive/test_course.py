"""The course of a recorded call follows the rules of a bot."""

from rasa_emotion.archive.course import Course
from rasa_emotion.conversation.conditions import Lasting
from rasa_emotion.conversation.decision import ALERT, OFFER
from rasa_emotion.conversation.escalation import EscalationRules, Rule, decide
from rasa_emotion.conversation.history import Turn
from rasa_emotion.estimate import EmotionEstimate

ANGRY = EmotionEstimate.from_probabilities({"angry": 0.95, "neutral": 0.05}, {})
CALM = EmotionEstimate.from_probabilities({"neutral": 0.9, "angry": 0.1}, {})


def test_the_first_decision_is_that_of_the_rules() -> None:
    course = Course(EscalationRules())
    decisions = [course.add(estimate)[1] for estimate in (CALM, CALM, ANGRY, ANGRY, ANGRY)]
    at = next(number for number, decision in enumerate(decisions) if decision)
    assert decisions[at] == decide(course.rules, course.turns[: at + 1])
    assert course.escalation == (at, decisions[at])
    assert decisions[at + 1 :] == [None] * (4 - at)  # a handover is decided once


def test_alerts_are_counted_and_are_no_escalation() -> None:
    rule = Rule("watch", Lasting(at_least=0.5), ALERT)
    course = Course(EscalationRules(rules=(rule,), cooldown=1, cap=2))
    for _ in range(8):
        course.add(ANGRY)
    assert course.escalation is None
    assert course.alerts == 2


def test_an_offer_that_nobody_answers_does_not_end_the_rules() -> None:
    rule = Rule("offer", Lasting(at_least=0.5), OFFER)
    course = Course(EscalationRules(rules=(rule,), cooldown=0, cap=3))
    for _ in range(6):
        course.add(ANGRY)
    assert course.escalation is not None
    assert course.escalation[0] == 0
    assert len(course.decisions) == 3


def test_the_mood_follows() -> None:
    course = Course(EscalationRules())
    assert course.add(CALM)[0].state == "calm"
    assert [course.add(ANGRY)[0].state for _ in range(3)][-1] == "hostile"
    assert course.turns == [Turn(None, CALM), *[Turn(None, ANGRY)] * 3]
