"""What the policy predicts for each decision: an offer and its answer, an alert, a call back, or a record alone."""

import pytest
from fake_analyzer import estimate
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    ConversationPaused,
    LoopInterrupted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException

from rasa_emotion.bot.policy import EmotionPolicy

DOMAIN = """
version: "3.1"
intents: [inform, affirm, deny, ask_human]
entities: [number, emotion, caller_mood]
slots:
  escalated: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
  escalation: {type: any, mappings: [{type: custom}]}
  line: {type: any, mappings: [{type: from_text, conditions: [{active_loop: form}]}]}
  consent: {type: any, initial_value: false, mappings: [{type: from_intent, intent: affirm, value: true}]}
  number: {type: any, mappings: [{type: from_entity, entity: number}]}
  counted: {type: any, mappings: [{type: custom}]}
  emotion: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: emotion}]}
  caller_mood: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: caller_mood}]}
forms:
  form: {required_slots: [line, number]}
responses:
  utter_handoff: [{text: "A colleague takes over."}]
  utter_offer: [{text: "A colleague?"}]
  utter_declined: [{text: "All right."}]
  utter_call_back: [{text: "We call you back."}]
"""
EMOTIONS = "actions: [action_forget]\n"
VALIDATING = DOMAIN + "actions: [validate_form]\n"
LISTEN = ActionExecuted("action_listen")
ASK = {"offer_action": "utter_offer", "rules": [{"when": {"emotion": "angry", "at_least": 0.5}, "do": "ask"}]}
ALERT = {"rules": [{"when": {"emotion": "angry", "at_least": 0.5}, "do": "alert"}]}
FORM = [ActiveLoop("form"), SlotSet("requested_slot", "line"), ActionExecuted("form")]


@pytest.fixture(scope="module")
def domain():
    return Domain.from_yaml(DOMAIN)


@pytest.fixture
def make(graph):
    """`make(**config)`: a policy."""
    return lambda **config: EmotionPolicy.create(config, *graph)


def said(emotion="neutral", intent="inform", entities=(), timestamp=None):
    parsed = {"emotion_estimate": estimate(emotion).to_dict()}
    named = [{"entity": name} for name in entities]
    return UserUttered("words", {"name": intent}, named, parse_data=parsed, timestamp=timestamp)


def own(action):
    return ActionExecuted(action, policy="EmotionPolicy")


def conversation(domain, *events):
    flat = [LISTEN]
    for event in events:
        flat += event if isinstance(event, list) else [event]
    return DialogueStateTracker.from_events("x", flat, slots=domain.slots, domain=domain)


def predict(policy, tracker, domain):
    """The action, or None, and the events, without the record of the decision; and that record."""
    prediction = policy.predict_action_probabilities(tracker, domain)
    action = None
    if prediction.max_confidence > 0:
        assert prediction.is_no_user_prediction
        assert not prediction.events
        action = domain.action_names_or_texts[prediction.max_confidence_index]
    events = prediction.optional_events if action else prediction.events
    records = [event.value for event in events if isinstance(event, SlotSet) and event.key == "escalation"]
    others = [event for event in events if not (isinstance(event, SlotSet) and event.key == "escalation")]
    return action, others, records[0] if records else None


def asked(domain, *form):
    """A conversation in which the policy has asked and listens, with whether a form is open."""
    record = SlotSet(
        "escalation", {"action": "ask", "rule": "anger", "reason": "The caller was angry.", "urgency": "high"}
    )
    return [*form, LISTEN, said("angry"), record, own("utter_offer"), LISTEN]


class TestAsking:
    def test_the_question_is_uttered_and_the_answer_awaited(self, make, domain):
        before = conversation(domain, FORM, LISTEN, said("angry"))
        action, events, record = predict(make(**ASK), before, domain)
        assert (action, events, record["action"]) == ("utter_offer", [], "ask")
        after = conversation(domain, FORM, LISTEN, said("angry"), SlotSet("escalation", record), own("utter_offer"))
        assert predict(make(**ASK), after, domain) == ("action_listen", [], None)

    def test_an_offer_of_a_story_goes_on_as_the_story_says(self, make, domain):
        after = conversation(domain, said(), ActionExecuted("utter_offer", policy="MemoizationPolicy"))
        assert predict(make(**ASK), after, domain) == (None, [], None)

    def test_a_yes_hands_over_and_fills_nothing(self, make, domain):
        answer = [said(intent="affirm"), SlotSet("line", "yes"), SlotSet("consent", True)]
        action, events, record = predict(make(**ASK), conversation(domain, *asked(domain, *FORM), *answer), domain)
        assert (action, record["action"], record["rule"]) == ("utter_handoff", "handover", "anger")
        assert events == [
            SlotSet("line", None),
            SlotSet("consent", False),
            ActiveLoop(None),
            SlotSet("requested_slot", None),
            SlotSet("escalated", True),
            ConversationPaused(),
        ]

    def test_after_a_no_the_form_asks_its_question_again(self, make, domain):
        answer = [said(intent="deny"), SlotSet("line", "no")]
        tracker = conversation(domain, *asked(domain, *FORM, SlotSet("line", "line 5")), *answer)
        assert predict(make(**ASK), tracker, domain) == (
            "form",
            [SlotSet("line", "line 5"), LoopInterrupted(True)],
            None,
        )

    def test_what_an_entity_of_the_answer_or_an_action_fills_stays(self, make, domain):
        filled = [SlotSet("number", "07700"), SlotSet("counted", 3)]
        answer = [said(intent="deny", entities=["number"]), *filled]
        tracker = conversation(domain, *asked(domain, *FORM), *answer)
        assert predict(make(**ASK), tracker, domain) == ("form", [LoopInterrupted(True)], None)

    def test_a_no_outside_of_a_form_is_left_to_the_bot(self, make, domain):
        tracker = conversation(domain, *asked(domain), said(intent="deny"))
        assert predict(make(**ASK), tracker, domain) == (None, [], None)

    def test_or_answered_as_the_config_says(self, make, domain):
        policy = make(**ASK, declined_action="utter_declined")
        no = said(intent="deny")
        assert predict(policy, conversation(domain, *asked(domain), no), domain) == ("utter_declined", [], None)
        after = conversation(domain, *asked(domain), no, own("utter_declined"))
        assert predict(policy, after, domain) == ("action_listen", [], None)

    def test_a_no_to_the_bots_own_question_is_the_bots(self, make, domain):
        policy = make(**ASK, declined_action="utter_declined")
        tracker = conversation(domain, said(), ActionExecuted("utter_offer"), LISTEN, said(intent="deny"))
        assert predict(policy, tracker, domain) == (None, [], None)

    def test_a_question_that_was_not_answered_is_asked_once_more(self, make, domain):
        first = asked(domain)
        action, _, record = predict(make(**ASK), conversation(domain, *first, said()), domain)
        assert action == "utter_offer"
        again = [*first, said(), SlotSet("escalation", record), own("utter_offer"), LISTEN, said()]
        assert predict(make(**ASK), conversation(domain, *again), domain) == (None, [], None)

    def test_what_a_form_could_not_validate_is_asked_again(self, make):
        validating = Domain.from_yaml(VALIDATING)
        turn = [
            said("angry", entities=["number"]),
            SlotSet("line", "words"),
            SlotSet("number", "1"),
            SlotSet("consent", 1),
        ]
        action, events, _ = predict(make(**ASK), conversation(validating, FORM, LISTEN, *turn), validating)
        assert (action, events) == ("utter_offer", [SlotSet("line", None), SlotSet("number", None)])


ASKING = {"handoff_intents": ["ask_human"]}


class TestSlotsOfAForm:
    """Rasa fills them before the policy decides; another answers the turn, so that they are as before it."""

    @pytest.mark.parametrize("config", [ASKING, ASK, {"threshold": 0.4, "angry_turns": 1}], ids=str)
    def test_they_are_as_before_the_turn(self, make, domain, config):
        form = [*FORM, SlotSet("line", "line 5")]
        turn = [
            said("angry", intent="ask_human", entities=["number"]),
            SlotSet("line", "a human!"),
            SlotSet("number", "7"),
        ]
        tracker = conversation(domain, form, LISTEN, *turn, SlotSet("counted", 3))
        action, events, _ = predict(make(**config), tracker, domain)
        assert action in ("utter_handoff", "utter_offer")
        assert events[:2] == [SlotSet("line", "line 5"), SlotSet("number", None)]
        assert not any(isinstance(event, SlotSet) and event.key == "counted" for event in events)

    def test_after_a_reset_they_are_as_at_the_beginning(self, make, domain):
        form = [*FORM, SlotSet("line", "line 5"), AllSlotsReset()]
        tracker = conversation(domain, form, LISTEN, said(intent="ask_human"), SlotSet("line", "a human!"))
        assert predict(make(**ASKING), tracker, domain)[1][0] == SlotSet("line", None)

    def test_outside_of_a_form_nothing_is_undone(self, make, domain):
        tracker = conversation(domain, said(intent="ask_human", entities=["number"]), SlotSet("number", "7"))
        assert predict(make(**ASKING), tracker, domain)[1] == [SlotSet("escalated", True), ConversationPaused()]


class TestAllSlotsReset:
    def events(self, make, domain, *after):
        resets = Domain.from_yaml(DOMAIN + EMOTIONS)
        before = [said("angry"), SlotSet("emotion", "angry"), SlotSet("caller_mood", "hostile"), SlotSet("line", "5")]
        tracker = conversation(resets, SlotSet("escalated", False), *before, ActionExecuted("action_forget"), *after)
        return make(rules=[]).predict_action_probabilities(tracker, resets).events

    def test_the_emotion_outlasts_it(self, make, domain):
        expected = [SlotSet("emotion", "angry"), SlotSet("caller_mood", "hostile"), SlotSet("escalated", False)]
        assert self.events(make, domain, AllSlotsReset()) == expected

    @pytest.mark.parametrize(
        "reset",
        [
            [AllSlotsReset(), AllSlotsReset()],
            [SlotSet(name, None) for name in ("line", "emotion", "caller_mood", "escalated")],
            [AllSlotsReset(), *(SlotSet(name, None) for name in ("emotion", "caller_mood", "escalated"))],
            [AllSlotsReset(), ActionExecuted("action_forget"), AllSlotsReset()],
        ],
    )
    def test_nor_do_other_ways_to_empty_all_slots(self, make, domain, reset):
        expected = [SlotSet("emotion", "angry"), SlotSet("caller_mood", "hostile"), SlotSet("escalated", False)]
        assert self.events(make, domain, *reset) == expected

    def test_what_the_caller_s_words_emptied_stays_empty(self, make, domain):
        """A mapping sets a slot before any action; the value is of this turn."""
        resets = Domain.from_yaml(DOMAIN + EMOTIONS)
        turn = [said(), SlotSet("emotion", None), ActionExecuted("action_forget"), AllSlotsReset()]
        tracker = conversation(resets, said("angry"), SlotSet("emotion", "angry"), LISTEN, *turn)
        assert make(rules=[]).predict_action_probabilities(tracker, resets).events == []

    def test_once(self, make, domain):
        again = [SlotSet("emotion", "angry"), SlotSet("caller_mood", "hostile"), SlotSet("escalated", False)]
        assert self.events(make, domain, AllSlotsReset(), *again) == []

    def test_what_an_action_sets_by_itself_stays(self, make, domain):
        found = self.events(make, domain, AllSlotsReset(), SlotSet("emotion", "calm"))
        assert [event.key for event in found] == ["caller_mood", "escalated"]

    def test_without_it_nothing_is_set(self, make, domain):
        assert self.events(make, domain) == []


class TestAlert:
    def test_it_is_recorded_and_disturbs_nobody(self, make, domain):
        action, events, record = predict(make(**ALERT), conversation(domain, FORM, LISTEN, said("angry")), domain)
        assert (action, events) == (None, [])
        assert record["action"] == "alert"

    def test_it_is_recorded_once_a_turn(self, make, domain):
        policy, angry = make(**ALERT), said("angry")
        _, _, record = predict(policy, conversation(domain, angry), domain)
        told = SlotSet("escalation", record)
        assert predict(policy, conversation(domain, angry, told), domain) == (None, [], None)
        assert predict(policy, conversation(domain, angry, told, ActionExecuted("utter_x")), domain)[2] is None

    def test_a_rejected_form_loses_no_alert(self, make, domain):
        rejected = conversation(domain, FORM, LISTEN, said("angry"), ActionExecutionRejected("form"))
        assert predict(make(**ALERT), rejected, domain)[2]["action"] == "alert"

    def test_a_copy_in_a_new_session_holds_nothing_back(self, make, domain):
        told = SlotSet("escalation", {"action": "alert", "rule": "anger", "reason": "The caller was angry."})
        tracker = conversation(domain, said("angry"), told, SessionStarted(), told, LISTEN, said("angry"))
        assert predict(make(**ALERT), tracker, domain)[2]["action"] == "alert"


def test_a_dry_run_records_and_does_nothing(make, domain):
    policy = make(threshold=0.4, dry_run=True, angry_turns=1)
    tracker = conversation(domain, FORM, LISTEN, said("angry"), SlotSet("line", "words"))
    action, events, record = predict(policy, tracker, domain)
    assert (action, events) == (None, [])
    assert (record["action"], record["dry_run"]) == ("handover", True)
    tracker.update(SlotSet("escalation", record))
    for event in (ActionExecuted("form"), LISTEN, said("angry")):
        tracker.update(event)
    assert predict(policy, tracker, domain) == (None, [], None)


HOURS = {"quiet_hours": {"days": ["wednesday"], "time_zone": "UTC"}}
CALL_BACK = {
    "quiet_hours": {"days": ["wednesday"], "time_zone": "UTC", "do": "call_back"},
    "call_back_action": "utter_call_back",
}
WEDNESDAY = 1_767_787_200.0  # 7 January 2026


class TestQuietHours:
    def test_the_humans_are_told_alone(self, make, domain):
        tracker = conversation(domain, said("angry", timestamp=WEDNESDAY))
        action, _, record = predict(make(threshold=0.4, angry_turns=1, **HOURS), tracker, domain)
        assert (action, record["action"]) == (None, "alert")

    def test_a_call_back_is_offered_and_a_form_goes_on(self, make, domain):
        policy = make(threshold=0.4, angry_turns=1, **CALL_BACK)
        angry = said("angry", timestamp=WEDNESDAY)
        action, events, record = predict(policy, conversation(domain, FORM, LISTEN, angry), domain)
        assert (action, events, record["action"]) == ("utter_call_back", [], "alert")
        told = [angry, SlotSet("escalation", record), own("utter_call_back")]
        assert predict(policy, conversation(domain, FORM, LISTEN, *told), domain) == ("form", [], None)
        assert predict(policy, conversation(domain, *told), domain) == ("action_listen", [], None)

    def test_a_yes_that_nobody_can_take_up_fills_nothing(self, make, domain):
        policy = make(**ASK, **HOURS)
        yes = [said(intent="affirm", timestamp=WEDNESDAY), SlotSet("line", "yes")]
        action, events, record = predict(policy, conversation(domain, *asked(domain, *FORM), *yes), domain)
        assert (action, events, record["action"]) == (None, [SlotSet("line", None)], "alert")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"rules": ASK["rules"]}, "rule 'anger' offers a human; name the response that does, 'offer_action'"),
        ({"quiet_hours": CALL_BACK["quiet_hours"]}, "name the response that does, 'call_back_action'"),
        ({"declined_action": ""}, "'declined_action' is ''"),
        ({"rules": [{"when": {"emotion": "anger"}}]}, "EmotionPolicy, rule 1, when: there is no emotion 'anger'"),
    ],
)
def test_a_config_that_cannot_work_is_refused(make, config, sentence):
    with pytest.raises(InvalidConfigException, match=sentence):
        make(**config)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({**ASK, "decline_intents": ["no"]}, "no intent 'no', named by 'decline_intents'"),
        ({**ASK, "declined_action": "utter_no"}, "no action 'utter_no', the 'declined_action'"),
        ({**ASK, "call_back_action": "utter_ring"}, "no action 'utter_ring', the 'call_back_action'"),
        ({"exempt_intents": ["prais"]}, "no intent 'prais', named by 'exempt_intents'"),
        ({"rules": [{"name": "asks", "when": {"intents": ["human"]}}]}, "no intent 'human', named by rule 'asks'"),
    ],
)
def test_a_domain_that_does_not_fit_is_refused_in_training(make, domain, config, sentence):
    with pytest.raises(InvalidConfigException, match=sentence):
        make(**config).train([], domain)


def test_a_bot_that_only_tells_needs_no_handoff(make):
    alone = Domain.from_yaml(DOMAIN.replace("utter_handoff", "utter_bye"))
    assert make(**ALERT).train([], alone).name == "emotion"
    assert make(**ASK).train([], Domain.from_yaml(DOMAIN)).name == "emotion"
