"""What the plugin adds to a bot's files."""

from collections.abc import Iterable
from typing import Any

from ruamel.yaml.scalarstring import LiteralScalarString

from rasa_emotion.conversation.commands import VOICE_INTENT

CLASSIFIER = "rasa_emotion.EmotionClassifier"
POLICY = "rasa_emotion.EmotionPolicy"
RESPONSES = "rasa_emotion.EmotionResponses"
CHANNEL = "rasa_emotion.EmotionRestInput"
RELAY = "rasa_emotion.RelayInput"
FURTHER_RELAY = "rasa_emotion.relay."
"""Begins the key of every further relay, which ends with any name: a key stands in a YAML file once."""
TRACKER_STORE = "rasa_emotion.EmotionTrackerStore"
DATABASE = "rasa_emotion.db"
"""The file in which a bot without a tracker store keeps conversations and handovers from now on."""

VOICE_REPLY = "utter_voice_without_words"

OFF_INTENT, ON_INTENT = "emotion_off", "emotion_on"
OFF_REPLY, ON_REPLY = "utter_emotion_off", "utter_emotion_on"
DISCLOSURE = "utter_emotion_disclosure"
ACKNOWLEDGEMENT = "utter_acknowledge"
HANDOFF = "utter_handoff"
NOBODY = "utter_nobody_available"

REPLIES = {VOICE_INTENT: VOICE_REPLY, OFF_INTENT: OFF_REPLY, ON_INTENT: ON_REPLY}
"""What answers the intents that need a rule, in forms too."""

HEADER = 'version: "3.1"\n'

# As in Rasa 3.6.21's default_config.yml: what a bot gets that lists no pipeline or policies of its own.
AUTOMATIC_PIPELINE: list[dict[str, Any]] = [
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True},
    {"name": "EntitySynonymMapper"},
    {"name": "ResponseSelector", "epochs": 100, "constrain_similarities": True},
    {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
]
AUTOMATIC_POLICIES: list[dict[str, Any]] = [
    {"name": "MemoizationPolicy"},
    {"name": "RulePolicy"},
    {"name": "UnexpecTEDIntentPolicy", "max_history": 5, "epochs": 100},
    {"name": "TEDPolicy", "max_history": 5, "epochs": 100, "constrain_similarities": True},
]

FROM_ENTITY = ("emotion", "emotion_confidence", "emotion_valence", "emotion_arousal", "caller_mood")
"""Slots that an entity of the same name fills on every turn."""

SLOT_TYPES: dict[str, tuple[str, ...]] = {
    "emotion": ("text", "categorical", "any"),
    "emotion_confidence": ("float", "any"),
    "emotion_valence": ("float", "any"),
    "emotion_arousal": ("float", "any"),
    "caller_mood": ("text", "categorical", "any"),
    "escalated": ("bool", "any"),
    "escalation": ("any",),
    "escalation_reason": ("text", "any"),
    "handoff_outcome": ("text", "categorical", "any"),
}
"""The types that each slot may have; init writes the first."""


def _slot(name: str) -> dict[str, Any]:
    # A slot that changes on every turn must not take part in the exact matches of stories.
    slot: dict[str, Any] = {"type": SLOT_TYPES[name][0], "influence_conversation": False}
    if name in {"emotion_valence", "emotion_arousal"}:
        slot |= {"min_value": -1.0, "max_value": 1.0}
    mapping = {"type": "from_entity", "entity": name} if name in FROM_ENTITY else {"type": "custom"}
    return {**slot, "mappings": [mapping]}


def for_callers(family: str, text: str) -> dict[str, Any]:
    """A variation for the callers of one family of feelings."""
    return {"text": text, "condition": [{"type": "slot", "name": "emotion", "value": family}]}


INTENTS = (OFF_INTENT, ON_INTENT, VOICE_INTENT)
ENTITIES: list[dict[str, Any]] = [{name: {"influence_conversation": False}} for name in FROM_ENTITY]
SLOTS: dict[str, Any] = {name: _slot(name) for name in SLOT_TYPES}

PROMISE = "stop analysing my emotions"
"""What the English disclosure tells callers to say, where the bot has no words of its own for that."""

_DISCLOSURE = (
    "I am an automated assistant, and I analyse how you sound and what you say to tell how you feel. You can stop "
    'that: say "{}".'
)


def english(promise: str = PROMISE) -> dict[str, list[dict[str, Any]]]:
    """What is said in English, by the response's name; `promise` is what stops the analysis."""
    return {
        HANDOFF: [{"text": "I am sorry for the trouble. I am putting you through to a colleague."}],
        NOBODY: [
            {"text": "I am sorry, I cannot reach a colleague at the moment. I go on helping you as well as I can."}
        ],
        ACKNOWLEDGEMENT: [
            for_callers("angry", "I can hear that this is annoying."),
            for_callers("upset", "I am sorry about this."),
            for_callers("worried", "I understand that this worries you."),
        ],
        DISCLOSURE: [{"text": _DISCLOSURE.format(promise)}],
        VOICE_REPLY: [{"text": "I can hear you, but I did not catch any words. Could you say that again?"}],
        OFF_REPLY: [
            {
                "text": "I no longer analyse how you feel. What I noted before stays in the record of our conversation "
                "until it is deleted; you can ask us to do that."
            }
        ],
        ON_REPLY: [{"text": "From now on I take into account again how you feel. You can stop that at any time."}],
    }


SAID_WHEN: dict[str, str] = {
    HANDOFF: "a human takes over",
    NOBODY: "a human is wanted and none can be reached",
    ACKNOWLEDGEMENT: "a caller has become angry, upset or worried, before the first answer to that",
    DISCLOSURE: "the bot answers for the first time: that emotions are analysed, and what stops that",
    VOICE_REPLY: "a caller makes a sound without words",
    OFF_REPLY: "a caller has stopped the analysis of emotions",
    ON_REPLY: "a caller has allowed it again",
}
"""When each of these responses is said, for who writes it in the bot's language."""

# Each names what it is about: with "stop" or "don't" alone in common, an outburst would be taken for a choice.
EXAMPLES: dict[str, tuple[str, ...]] = {
    OFF_INTENT: (
        "stop analysing my emotions",
        "turn off the emotion analysis",
        "switch off the emotion recognition",
        "turn emotion detection off please",
        "no emotion analysis please",
        "no emotion recognition please",
        "I object to the analysis of my emotions",
        "I do not want my emotions to be analysed",
        "I do not agree to emotion recognition",
        "my feelings are not to be analysed",
        "my voice is not to be analysed",
        "please do not analyse my voice",
    ),
    ON_INTENT: (
        "you may analyse my emotions again",
        "turn the emotion analysis back on",
        "switch the emotion recognition on again",
        "turn emotion detection on please",
        "I agree to emotion recognition",
        "I agree to the analysis of my emotions",
        "I allow you to analyse my emotions",
        "my voice may be analysed again",
        "my feelings may be analysed again",
        "resume the emotion analysis",
    ),
}
"""How callers say it in English, the language of the shipped text model."""


def nlu(intent: str, examples: Iterable[str]) -> dict[str, Any]:
    """The examples of an intent as Rasa's training data has them."""
    return {"intent": intent, "examples": LiteralScalarString("".join(f"- {text}\n" for text in examples))}


def rule(intent: str, form: str | None, *, answered: bool = True) -> dict[str, Any]:
    """The rule that answers an intent, in a form or, with None, outside of forms.

    Not `answered`, the bot says nothing to it, and a form asks its question again.
    """
    name = intent.replace("_", " ")
    reply = [{"action": REPLIES[intent]}] if answered else [{"action": "action_listen"}] if form is None else []
    steps: list[dict[str, Any]] = [{"intent": intent}, *reply]
    if form is None:
        return {"rule": name, "steps": steps}
    return {
        "rule": f"{name} in {form}",
        "condition": [{"active_loop": form}],
        "steps": [*steps, {"action": form}, {"active_loop": form}],
    }
