"""What the plugin adds to a bot's files."""

from typing import Any

CLASSIFIER = "rasa_emotion.EmotionClassifier"
POLICY = "rasa_emotion.EmotionPolicy"
RESPONSES = "rasa_emotion.EmotionResponses"
CHANNEL = "rasa_emotion.EmotionRestInput"

VOICE_INTENT = "voice_without_words"
VOICE_REPLY = "utter_voice_without_words"

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


DOMAIN: dict[str, Any] = {
    "intents": [VOICE_INTENT],
    "entities": [{name: {"influence_conversation": False}} for name in FROM_ENTITY],
    "slots": {name: _slot(name) for name in SLOT_TYPES},
    "responses": {
        "utter_handoff": [{"text": "I am sorry for the trouble. I am putting you through to a colleague."}],
        VOICE_REPLY: [{"text": "I can hear you, but I did not catch any words. Could you say that again?"}],
    },
}


def voice_rule(form: str | None) -> dict[str, Any]:
    """The rule that answers a voice without words, in a form or, with None, outside of forms."""
    steps: list[dict[str, Any]] = [{"intent": VOICE_INTENT}, {"action": VOICE_REPLY}]
    if form is None:
        return {"rule": "a voice without words", "steps": steps}
    return {
        "rule": f"a voice without words in {form}",
        "condition": [{"active_loop": form}],
        "steps": [*steps, {"action": form}, {"active_loop": form}],
    }
