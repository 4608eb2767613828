"""The policy hands over once, for a reason, and leaves everything else to the others."""

import logging
import re

import pytest
from fake_analyzer import estimate
from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import PolicyPrediction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    ConversationPaused,
    ConversationResumed,
    Restarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException

from rasa_emotion.bot.policy import EmotionPolicy

DOMAIN = """
version: "3.1"
intents: [inform, complain]
slots:
  escalated: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
  escalation: {type: any, mappings: [{type: custom}]}
  escalation_reason: {type: any, mappings: [{type: custom}]}
  line: {type: any, mappings: [{type: from_text, conditions: [{active_loop: form}]}]}
forms:
  form: {required_slots: [line]}
responses:
  utter_handoff: [{text: "A colleague takes over."}]
"""
ANGRY, EXTREME, CALM = ("angry", 0.7), ("angry", 0.95), ("neutral", 0.8)


@pytest.fixture(scope="module")
def domain():
    return Domain.from_yaml(DOMAIN)


@pytest.fixture
def make(graph):
    """`make(**config)`: a policy, which counts angry turns unless the config has rules."""
    return lambda **config: EmotionPolicy.create(config if "rules" in config else {"threshold": 0.4, **config}, *graph)


def said(emotion, probability=0.8, intent="inform"):
    parsed = {"emotion_estimate": estimate(emotion, probability).to_dict()}
    return UserUttered("words", {"name": intent, "confidence": 1.0}, parse_data=parsed)


def answered():
    return [ActionExecuted("utter_greet"), ActionExecuted("action_listen")]


def conversation(domain, *events):
    flat = [ActionExecuted("action_listen")]
    for event in events:
        flat += event if isinstance(event, list) else [event]
    return DialogueStateTracker.from_events("x", flat, slots=domain.slots)


def predicted(policy, tracker, domain):
    """The action predicted, or None."""
    prediction = policy.predict_action_probabilities(tracker, domain)
    best = prediction.max_confidence_index
    return domain.action_names_or_texts[best] if prediction.max_confidence > 0 else None


def test_extreme_anger_hands_over(make, domain):
    tracker = conversation(domain, said(*EXTREME))
    prediction = make().predict_action_probabilities(tracker, domain)
    assert domain.action_names_or_texts[prediction.max_confidence_index] == "utter_handoff"
    assert prediction.is_no_user_prediction
    reason = "The caller was very angry (anger 0.95)."
    decision = {"action": "handover", "rule": "anger", "reason": reason, "urgency": "high", "dry_run": False}
    assert prediction.optional_events == [
        SlotSet("escalation", decision),
        SlotSet("escalated", True),
        SlotSet("escalation_reason", reason),
        ConversationPaused(),
    ]


def test_sustained_anger_hands_over(make, domain):
    assert predicted(make(), conversation(domain, said(*ANGRY)), domain) is None
    assert predicted(make(), conversation(domain, said(*ANGRY), answered(), said(*ANGRY)), domain) == "utter_handoff"


def test_anger_in_turns_that_were_not_understood_counts(make, domain):
    fallback = [ActionExecuted("action_default_fallback"), UserUtteranceReverted(), ActionExecuted("action_listen")]
    assert predicted(make(), conversation(domain, said(*ANGRY), fallback, said(*ANGRY)), domain) == "utter_handoff"


def test_an_open_form_is_closed_and_its_prediction_overridden(make, domain):
    tracker = conversation(domain, ActiveLoop("form"), SlotSet("requested_slot", "line"), said(*EXTREME))
    ours = make().predict_action_probabilities(tracker, domain)
    assert ours.optional_events[1:3] == [ActiveLoop(None), SlotSet("requested_slot", None)]
    form = PolicyPrediction.for_action_name(domain, "form", "RulePolicy", 1.0)
    form.is_no_user_prediction, form.policy_priority = True, 4
    best = DefaultPolicyPredictionEnsemble().combine_predictions([form, ours], tracker, domain)
    assert domain.action_names_or_texts[best.max_confidence_index] == "utter_handoff"


def test_a_calm_turn_after_anger_is_left_alone(make, domain):
    events = said(*ANGRY), answered(), said(*ANGRY), answered(), said(*CALM)
    assert predicted(make(), conversation(domain, *events), domain) is None


def test_a_stale_slot_is_not_evidence(make, domain):
    tracker = conversation(domain, said(*EXTREME), answered(), UserUttered("/inform", {"name": "inform"}))
    assert predicted(make(), tracker, domain) is None


def test_it_acts_only_as_the_first_action_of_a_turn(make, domain):
    assert predicted(make(), conversation(domain, said(*EXTREME), ActionExecuted("utter_greet")), domain) is None


@pytest.mark.parametrize("intent", ["restart", "back", "session_start", "complain"])
def test_exempt_intents(make, domain, intent):
    policy = make(exempt_intents=["complain"])
    assert predicted(policy, conversation(domain, said(*EXTREME, intent)), domain) is None


def test_a_caller_who_asks_for_a_human_gets_one(make, domain):
    asked = conversation(domain, said("neutral", intent="ask_human"))
    assert predicted(make(handoff_intents=["ask_human"]), asked, domain) == "utter_handoff"
    assert predicted(make(), asked, domain) is None


@pytest.mark.parametrize(
    ("offer", "intent", "handed_over"),
    [("utter_offer", "affirm", True), ("utter_offer", "deny", False), ("utter_greet", "affirm", False)],
)
def test_only_an_accepted_offer_of_a_human_hands_over(make, domain, offer, intent, handed_over):
    policy = make(offer_action="utter_offer")
    before = [said("neutral"), ActionExecuted(offer), ActionExecuted("action_listen")]
    action = predicted(policy, conversation(domain, before, said("neutral", intent=intent)), domain)
    assert (action == "utter_handoff") is handed_over


def test_it_escalates_once(make, domain):
    escalated = SlotSet("escalated", True)
    assert (
        predicted(make(), conversation(domain, said(*EXTREME), escalated, answered(), said(*EXTREME)), domain) is None
    )
    assert predicted(make(), conversation(domain, ConversationPaused(), said(*EXTREME)), domain) is None


def test_after_the_hand_back_it_counts_anew(make, domain):
    back = [ConversationResumed(), ActionExecuted("action_listen"), SlotSet("escalated", False)]
    before = said(*ANGRY), SlotSet("escalated", True), ConversationPaused(), said(*ANGRY), back
    assert predicted(make(), conversation(domain, *before, said(*ANGRY)), domain) is None
    again = conversation(domain, *before, said(*ANGRY), answered(), said(*ANGRY))
    assert predicted(make(), again, domain) == "utter_handoff"


def test_after_a_restart_it_counts_anew(make, domain):
    events = said(*ANGRY), answered(), Restarted(), ActionExecuted("action_listen"), said(*ANGRY)
    assert predicted(make(), conversation(domain, *events), domain) is None


def test_thresholds_come_from_the_config(make, domain):
    policy = make(threshold=0.8, extreme=0.99, angry_turns=1, window=1)
    assert predicted(policy, conversation(domain, said("angry", 0.75)), domain) is None
    assert predicted(policy, conversation(domain, said("angry", 0.85)), domain) == "utter_handoff"


def test_the_reason_is_left_out_where_the_domain_has_no_slot_for_it(make):
    bare = Domain.from_yaml(DOMAIN.replace("escalation_reason", "other"))
    prediction = make().predict_action_probabilities(conversation(bare, said(*EXTREME)), bare)
    assert [event.key for event in prediction.optional_events if isinstance(event, SlotSet)] == [
        "escalation",
        "escalated",
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("utter_handoff", "utter_bye", "no action 'utter_handoff', the 'handoff_action'; add it"),
        ("escalation:", "escalating:", "no slot 'escalation'; add it with type any and a custom mapping"),
        ("escalation: {type: any", "escalation: {type: text", "'escalation' is of type text; make it any"),
        ("escalated:", "escaped:", "no slot 'escalated'; add it"),
        ("type: bool", "type: text", "of type text; make it bool"),
    ],
)
def test_a_domain_that_lacks_a_part(make, old, new, sentence, caplog):
    lacking = Domain.from_yaml(DOMAIN.replace(old, new))
    with pytest.raises(InvalidConfigException, match=sentence):
        make().train([], lacking)
    assert predicted(make(), conversation(lacking, said(*EXTREME)), lacking) is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"offer_action": "utter_ofer"}, "no action 'utter_ofer', the 'offer_action'; add it or correct"),
        ({"handoff_intents": ["complain", "ask_man"]}, "no intent 'ask_man', named by 'handoff_intents'; add it"),
        ({"offer_action": "utter_offer"}, "no intent 'affirm', named by 'accept_intents'"),
    ],
)
def test_a_name_that_the_domain_lacks_is_refused_in_training_alone(make, config, sentence):
    domain = Domain.from_yaml(DOMAIN + '  utter_offer: [{text: "A colleague?"}]\n')
    with pytest.raises(InvalidConfigException, match=sentence):
        make(**config).train([], domain)
    assert predicted(make(**config), conversation(domain, said(*EXTREME)), domain) == "utter_handoff"


def test_names_that_the_domain_has_are_taken(make):
    domain = Domain.from_yaml(DOMAIN + '  utter_offer: [{text: "A colleague?"}]\n')
    config = {"handoff_intents": ["complain"], "offer_action": "utter_offer", "accept_intents": ["inform"]}
    assert make(**config).train([], domain).name == "emotion"


def test_a_complete_domain_trains(make, domain):
    assert make().train([], domain).name == "emotion"


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"priority": 4}, "'priority' is 4"),
        ({"handoff_action": None}, "'handoff_action'"),
        ({"exempt_intents": "restart"}, "'exempt_intents'"),
        ({"threshold": 2}, "'threshold' is 2"),
        ({"angry_turn": 2}, "did you mean 'angry_turns'"),
    ],
)
def test_bad_config_is_refused(make, config, sentence):
    with pytest.raises(InvalidConfigException, match=sentence):
        make(**config)


def test_every_option_is_documented_once(repository):
    text = (repository / "docs" / "rasa.md").read_text(encoding="utf-8")
    section = re.search(r"\n## Policy\n(.*?)How to choose among them", text, re.DOTALL).group(1)
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(EmotionPolicy.get_default_config())
