"""Rules over the caller's turns decide; earlier decisions, the hour and the caller's own answer hold them back."""

from datetime import datetime, time, timezone
from zoneinfo import ZoneInfo

import pytest
from fake_analyzer import estimate
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.conditions import Lasting, NotUnderstood, Requested
from rasa_emotion.conversation.decision import ACTIONS, Decision
from rasa_emotion.conversation.escalation import EscalationRules, Rule, decide
from rasa_emotion.conversation.history import Recorded, Turn
from rasa_emotion.conversation.quiet import QuietHours
from rasa_emotion.errors import ConfigError

ANGER = Rule("anger", Lasting(at_least=0.5), "handover", "high")
DISTRESS = Rule("distress", Lasting(("fear", "sad"), at_least=0.5), "ask", "urgent")
REQUEST = Rule("request", Requested(frozenset({"ask_human"})))
NIGHT = QuietHours(ZoneInfo("Europe/Berlin"), time(20), time(8))
AT_NIGHT, BY_DAY = (datetime(2026, 1, 7, hour, tzinfo=timezone.utc) for hour in (22, 12))


def rules(*own, **options):
    return EscalationRules(own or (REQUEST, DISTRESS, ANGER), **options)


def turn(emotion="neutral", intent="inform", **more):
    return Turn(intent, estimate(emotion), **more)


def before(action, turns_ago, rule="anger", **more):
    return Recorded(Decision(action, rule, "The caller was angry (anger 0.80).", **more), turns_ago)


def test_the_first_rule_that_applies_decides():
    decision = decide(rules(), [turn("fear")])
    assert decision == Decision("ask", "distress", "The caller was afraid or sad (fear or sadness 0.83).", "urgent")
    assert decide(rules(), [turn("fear", "ask_human")]).rule == "request"
    assert decide(rules(), [turn()]) is None
    assert decide(rules(), []) is None


@pytest.mark.parametrize("intent", ["restart", "back", "session_start"])
def test_what_rasa_itself_answers_is_exempt(intent):
    assert decide(rules(), [turn("angry", intent)]) is None
    assert decide(rules(exempt_intents=frozenset({"praise"})), [turn("angry", "praise")]) is None


def test_after_a_handover_nothing_more_is_decided():
    assert decide(rules(), [turn("angry")], earlier=[before("handover", 5)]) is None


class TestOffers:
    def test_an_accepted_offer_hands_over_as_its_rule_was_urgent(self):
        asked = before("ask", 1, rule="distress", urgency="urgent")
        decision = decide(rules(), [turn(intent="affirm")], earlier=[asked], offered=True)
        reason = "The caller accepted the offer of a human, made because the caller was angry (anger 0.80)."
        assert decision == Decision("handover", "distress", reason, "urgent")

    def test_an_accepted_offer_of_a_story_hands_over(self):
        decision = decide(rules(), [turn(intent="affirm")], offered=True)
        assert (decision.action, decision.reason) == ("handover", "The caller accepted the offer of a human.")

    def test_a_yes_to_something_else_does_not(self):
        assert decide(rules(), [turn(intent="affirm")], earlier=[before("offer", 1)]) is None
        assert decide(rules(), [turn(intent="affirm")], earlier=[before("offer", 2)]) is None

    def test_an_angry_no_is_a_no(self):
        assert decide(rules(cooldown=0), [turn("angry", "deny")], earlier=[before("ask", 1)], offered=True) is None

    def test_a_question_is_asked_once_more_where_it_was_not_answered(self):
        unanswered = decide(rules(), [turn()], earlier=[before("ask", 1)], offered=True)
        assert unanswered.action == "ask"
        assert unanswered.reason.startswith("The caller has not answered the offer of a human, made because the caller")
        assert decide(rules(), [turn()], earlier=[before("ask", 2), before("ask", 1)], offered=True) is None

    def test_an_offer_may_be_ignored(self):
        assert decide(rules(), [turn()], earlier=[before("offer", 1)], offered=True) is None

    def test_who_asks_for_a_human_instead_of_answering_gets_one(self):
        assert decide(rules(), [turn(intent="ask_human")], earlier=[before("ask", 1)], offered=True).rule == "request"


class TestHeldBack:
    @pytest.mark.parametrize(("turns_ago", "waits"), [(1, True), (3, True), (4, False)])
    def test_an_offer_is_followed_by_a_cooldown(self, turns_ago, waits):
        earlier = [before("offer", turns_ago, rule="fallback")]
        assert (decide(rules(), [turn("angry")], earlier=earlier) is None) is waits

    def test_the_cooldown_holds_back_neither_requests_nor_what_is_urgent_nor_alerts(self):
        earlier = [before("offer", 1)]
        assert decide(rules(), [turn(intent="ask_human")], earlier=earlier)
        assert decide(rules(), [turn("fear")], earlier=earlier)
        assert decide(rules(Rule("fury", Lasting(), "alert")), [turn("angry")], earlier=earlier)

    def test_an_urgent_rule_waits_for_its_own_cooldown(self):
        assert decide(rules(), [turn("fear")], earlier=[before("ask", 2, rule="distress")]) is None

    def test_an_alert_holds_back_its_own_rule_alone(self):
        earlier = [before("alert", 1, rule="watch")]
        watch = Rule("watch", Lasting(at_least=0.1), "alert")
        assert decide(rules(watch), [turn("angry")], earlier=earlier) is None
        assert decide(rules(watch, ANGER), [turn("angry")], earlier=earlier).action == "handover"

    def test_no_cooldown(self):
        assert decide(rules(cooldown=0), [turn("angry")], earlier=[before("offer", 1)])

    def test_the_cap_counts_alerts_and_offers_by_themselves_and_spares_handovers(self):
        alerts = [before("alert", 9, rule="watch"), before("alert", 8, rule="watch")]
        watch, offer = Rule("watch", Lasting(), "alert"), Rule("offer", Lasting(), "offer")
        assert decide(rules(watch, cap=2), [turn("angry")], earlier=alerts) is None
        assert decide(rules(watch, offer, cap=2), [turn("angry")], earlier=alerts).action == "offer"
        offers = [before("ask", 9), before("offer", 8)]
        assert decide(rules(offer, cap=2), [turn("angry")], earlier=offers) is None
        assert decide(rules(ANGER, cap=2), [turn("angry")], earlier=offers).action == "handover"

    def test_a_rule_that_waits_lets_the_next_one_decide(self):
        both = rules(Rule("calls", NotUnderstood(1), "offer"), Rule("watch", NotUnderstood(1), "alert"))
        decision = decide(both, [turn(fallback=True)], earlier=[before("offer", 1, rule="calls")])
        assert decision.rule == "watch"


class TestDryRun:
    def test_decisions_say_so(self):
        assert decide(rules(dry_run=True), [turn("angry")]).dry_run

    def test_they_count_among_their_like(self):
        angry = [turn("angry")]
        assert decide(rules(dry_run=True), angry, earlier=[before("handover", 2, dry_run=True)]) is None
        assert decide(rules(), angry, earlier=[before("handover", 2, dry_run=True)]).action == "handover"


class TestQuietHours:
    def test_the_humans_are_told_instead(self):
        decision = decide(rules(quiet_hours=NIGHT), [turn("angry")], now=AT_NIGHT)
        assert (decision.action, decision.call_back) == ("alert", False)
        assert decision.reason == (
            "The caller was angry (anger 0.80); no human is there at this hour, so nothing is said."
        )

    def test_a_call_back_is_offered(self):
        hours = QuietHours(NIGHT.zone, NIGHT.start, NIGHT.until, call_back=True)
        decision = decide(rules(quiet_hours=hours), [turn("angry", "ask_human")], now=AT_NIGHT)
        assert (decision.action, decision.call_back) == ("alert", True)
        assert "call_back" not in decision.to_dict()

    def test_an_accepted_offer_too(self):
        decision = decide(rules(quiet_hours=NIGHT), [turn(intent="affirm")], now=AT_NIGHT, offered=True)
        assert decision.action == "alert"

    def test_by_day_it_is_as_ever(self):
        assert decide(rules(quiet_hours=NIGHT), [turn("angry")], now=BY_DAY).action == "handover"

    def test_the_turn_tells_the_time(self):
        late = turn("angry", timestamp=AT_NIGHT.timestamp())
        assert decide(rules(quiet_hours=NIGHT), [late]).action == "alert"
        assert decide(rules(quiet_hours=NIGHT), [turn("angry")]).action == "handover"

    def test_alerts_stay_what_they_are(self):
        watch = Rule("watch", Lasting(), "alert")
        assert decide(rules(watch, quiet_hours=NIGHT), [turn("angry")], now=AT_NIGHT).reason.endswith("(anger 0.80).")


@pytest.mark.parametrize(("values", "name"), [({"do": "shout"}, "do"), ({"urgency": "now"}, "urgency")])
def test_bad_rules_are_refused(values, name):
    with pytest.raises(ConfigError, match=f"'{name}'.*choose from"):
        Rule("anger", Lasting(), **values)


recorded = st.builds(
    before,
    st.sampled_from(ACTIONS),
    st.integers(0, 9),
    st.sampled_from(["anger", "distress", "x"]),
    dry_run=st.booleans(),
)
heard = st.builds(turn, st.sampled_from(["angry", "fear", "neutral"]), st.sampled_from(["inform", "affirm", "deny"]))


@given(st.lists(heard, max_size=6), st.lists(recorded, max_size=5), st.booleans(), st.booleans())
def test_decisions_are_complete_and_come_back_from_the_tracker(turns, earlier, offered, dry_run):
    decision = decide(rules(dry_run=dry_run), turns, earlier=earlier, offered=offered)
    if decision is not None:
        assert decision.reason.startswith("The ")
        assert decision.reason.endswith(".")
        assert decision.dry_run == dry_run
        assert Decision.from_dict(decision.to_dict()) == decision


@given(st.lists(heard, max_size=6), st.lists(recorded, max_size=5))
def test_earlier_decisions_only_hold_back(turns, earlier):
    if decide(rules(), turns, earlier=earlier) is not None:
        assert decide(rules(), turns) is not None
