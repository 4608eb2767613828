"""Every message gets an estimate; nothing a client sends is taken for one; nothing raises."""

import json
import logging
from dataclasses import replace

import pytest
from fake_analyzer import FakeAnalyzer, evidence
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.regex_message_handler import RegexMessageHandler
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rasa_emotion.bot.classifier import ENTITY_NAMES, EmotionClassifier
from rasa_emotion.turn import shared
from rasa_emotion.turn.evidence import EVIDENCE_KEY, ChannelEvidence

pytestmark = pytest.mark.usefixtures("analyzer")


@pytest.fixture
def make(graph):
    """`make(**config)`: a classifier ready to process."""
    return lambda **config: EmotionClassifier.load(config, *graph)


def message(text, voice=None, **metadata):
    if voice:
        metadata[EVIDENCE_KEY] = ChannelEvidence.of([evidence("acoustic", voice, 0.9)])
    return Message({"text": text, "metadata": metadata or None})


def entities(found):
    return {entity["entity"]: entity["value"] for entity in found.get("entities")}


def test_words_become_estimate_and_entities(make):
    (found,) = make().process([message("I am annoyed")])
    assert found.get("emotion_estimate")["emotion"] == "angry"
    assert list(found.get("emotion_estimate")["evidence"]) == ["text"]
    assert "emotion_estimate" in found.as_dict(only_output_properties=True)
    assert set(entities(found)) == set(ENTITY_NAMES)
    assert entities(found)["emotion"] == "angry"
    assert entities(found)["emotion_valence"] < 0 < entities(found)["emotion_arousal"]
    assert all((entity["start"], entity["end"]) == (0, 0) for entity in found.get("entities"))


@pytest.mark.parametrize("min_confidence", [None, 0.99])
def test_how_confused_a_caller_is_stands_in_the_message_and_in_no_entity(make, min_confidence):
    heard = replace(evidence("acoustic", "fear", 0.9), confused=0.4)
    metadata = {EVIDENCE_KEY: ChannelEvidence.of([heard])}
    (found,) = make(min_confidence=min_confidence).process([Message({"text": "I am worried", "metadata": metadata})])
    assert found.get("emotion_estimate")["confused"] == 0.4
    assert found.get("emotion_estimate")["evidence"]["acoustic"]["confused"] == 0.4
    assert "confused" not in entities(found)


@pytest.mark.parametrize("min_confidence", [None, 0.1])
def test_words_in_another_language_leave_the_voice_alone(make, min_confidence):
    read = replace(evidence("text", "happy", 0.9), reliability=0.0, foreign_language="de")
    metadata = {EVIDENCE_KEY: ChannelEvidence.of([evidence("acoustic", "fear", 0.9), read])}
    (found,) = make(min_confidence=min_confidence).process([Message({"text": "", "metadata": metadata})])
    estimate = found.get("emotion_estimate")
    assert (estimate["emotion"], list(estimate["evidence"]), estimate["foreign_language"]) == (
        "fear",
        ["acoustic"],
        "de",
    )


def test_outside_a_conversation_there_is_the_estimate_alone(make):
    (found,) = make().process([message("I am annoyed")], DialogueStateTracker.from_events("x", []))
    assert found.get("emotion_estimate")["emotion"] == "angry"
    assert not found.get("entities")


def test_entities_of_others_are_kept(make):
    own = {"entity": "city", "value": "Rome", "start": 0, "end": 4}
    (found,) = make().process([Message({"text": "Rome", "entities": [own]})])
    assert found.get("entities")[0] == own


def test_voice_and_words_are_fused(make):
    (found,) = make().process([message("wonderful", voice="angry")])
    assert found.get("emotion_estimate")["conflict"]
    assert set(found.get("emotion_estimate")["evidence"]) == {"acoustic", "text"}


def test_a_clients_evidence_is_dropped(make):
    forged = dict(ChannelEvidence.of([evidence("acoustic", "angry", 1.0)]))
    (found,) = make().process([message("hello", **{EVIDENCE_KEY: forged, "shop": 7})])
    assert found.get("emotion_estimate")["emotion"] == "neutral"
    assert found.get("metadata") == {"shop": 7}


@pytest.mark.parametrize("text", ["", None, "...", "  "])
def test_a_turn_without_words_is_unknown(make, text):
    (found,) = make().process([message(text)])
    assert entities(found)["emotion"] == "unknown"
    assert entities(found)["emotion_confidence"] == 0.0


def test_in_a_conversation_an_emotion_has_no_place_in_the_text(make):
    begun = DialogueStateTracker.from_events("x", [ActionExecuted("action_listen")])
    for text in ("I am annoyed", "/greet"):
        (found,) = make().process([message(text)], begun)
        own = [entity for entity in found.get("entities") if entity["entity"] in ENTITY_NAMES]
        assert len(own) == len(ENTITY_NAMES)
        assert not any({"start", "end"} & set(entity) for entity in own)


DOMAIN = """
version: "3.1"
intents: [greet, inform]
entities: [city, emotion, emotion_confidence, emotion_valence, emotion_arousal, caller_mood]
"""


@pytest.fixture
def in_bot(make, graph):
    """`in_bot(message, ...)`: what Rasa makes of a message in a bot with two intents."""
    storage = graph[0]
    with storage.write_to(Resource("domain_provider")) as folder:
        Domain.from_yaml(DOMAIN).persist(folder / "domain.yml")

    def parsed(incoming):
        (found,) = make().process([incoming])
        (seen,) = RegexMessageHandler.create({}, *graph).process([found], Domain.from_yaml(DOMAIN))
        return json.loads(json.dumps(seen.as_dict(only_output_properties=True)))  # as it is stored

    return parsed


def values(found):
    return {entity["entity"]: entity["value"] for entity in found["entities"]}


def test_an_intent_message_keeps_its_entities_and_gets_the_emotion_of_the_voice(in_bot):
    incoming = message('/inform@0.8{"city": ["Rome", "Oslo"], "emotion": "happy"}', voice="angry")
    text = incoming.get("text")
    seen = in_bot(incoming)
    assert seen["intent"] == {"name": "inform", "confidence": 0.8}
    assert [entity["value"] for entity in seen["entities"] if entity["entity"] == "city"] == ["Rome", "Oslo"]
    assert [entity["value"] for entity in seen["entities"] if entity["entity"] == "emotion"] == ["angry"]
    assert seen["emotion_estimate"]["emotion"] == "angry"
    assert seen["text"] == text


def test_an_intent_message_without_a_voice_clears_the_emotion(in_bot):
    incoming = message("/greet", shop=7)
    assert values(in_bot(incoming))["emotion"] == "unknown"
    assert incoming.get("metadata") == {"shop": 7}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ('/inform{"city": "Rome"} I am annoyed', "inform"),
        ('/inform@0.5{"city": "Rome"}\nI am annoyed', "inform"),
        ("/greet@1.0 I am annoyed", "greet"),
    ],
)
def test_words_after_a_payload_are_read(in_bot, text, intent):
    seen = in_bot(message(text))
    assert seen["intent"]["name"] == intent
    assert seen["emotion_estimate"]["emotion"] == values(seen)["emotion"] == "angry"
    assert values(seen).get("city") == ("Rome" if intent == "inform" else None)


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("/annoyed", "angry"),
        ("/ I am annoyed", "angry"),
        ("//annoyed", "angry"),
        ("/greet annoyed", "angry"),
        ("/faq/annoyed", "angry"),
        ('/annoyed{"city": "Rome"}', "angry"),
        ("/ 5 euros", "neutral"),
        ("/thanks", "neutral"),
        ("//", "unknown"),
        ("/", "unknown"),
    ],
)
def test_a_slash_before_what_is_no_intent_is_before_words(in_bot, text, emotion):
    seen = in_bot(message(text))
    assert seen["emotion_estimate"]["emotion"] == values(seen)["emotion"] == emotion
    assert seen["text"] == text
    assert seen.get("intent") is None


def test_without_a_domain_what_looks_like_an_intent_is_one(make):
    (found,) = make().process([message("/annoyed")])
    assert entities(found)["emotion"] == "unknown"
    assert found.get("intent")["name"] == "annoyed"


def test_mood_follows_the_conversation(make):
    classifier = make()

    def turn(text):
        (found,) = classifier.process([message(text)], DialogueStateTracker.from_events("x", events))
        events.append(UserUttered(text, parse_data=found.as_dict(only_output_properties=True)))
        return entities(found)["caller_mood"]

    events = [ActionExecuted("action_listen")]
    assert [turn("I am annoyed"), turn("fine"), turn("fine"), turn("wonderful")] == ["hostile", "tense", "calm", "calm"]


def test_min_confidence_makes_a_turn_unknown(make):
    (found,) = make(min_confidence=0.75).process([message("I am annoyed")])
    assert entities(found)["emotion"] == "unknown"
    assert found.get("emotion_estimate")["probabilities"]["angry"] == pytest.approx(0.7)


def test_only_the_named_entities_are_set(make):
    (found,) = make(entities=["emotion"]).process([message("hello")])
    assert set(entities(found)) == {"emotion"}


def test_a_channel_that_hears_with_another_model_costs_one_line(make, caplog):
    classifier = make()
    classifier.process([message("hello", voice="angry")])
    caplog.clear()  # of the voice's licence, which is said once
    for _ in range(2):
        other = replace(evidence("acoustic", "angry", 0.9), model="other")
        classifier.process([Message({"text": "hi", "metadata": {EVIDENCE_KEY: ChannelEvidence.of([other])}})])
    (record,) = caplog.records
    assert "The model 'other' hears the callers, while config.yml names 'fake'" in record.getMessage()


@pytest.mark.parametrize(("turns", "expected"), [(0, []), (1, ["and again"]), (5, ["hello", "and again"])])
def test_earlier_turns_are_read_where_the_text_model_asks_for_them(make, monkeypatch, turns, expected):
    read, seen = FakeAnalyzer.read, []

    def spied(self, text, *, confidence=None, context=()):
        seen.append(list(context))
        return read(self, text)

    monkeypatch.setattr(FakeAnalyzer, "read", spied)
    component = make()
    analyzer = component._shared_analyzer()
    monkeypatch.setattr(analyzer, "capabilities", replace(analyzer.capabilities, context_turns=turns))
    said = [UserUttered(words) for words in ("hello", "/affirm", "and again")]
    component.process([message("I am annoyed")], DialogueStateTracker.from_events("x", said))
    assert seen == [expected]


def test_a_failing_model_costs_one_line_and_keeps_the_voice(make, monkeypatch, caplog):
    monkeypatch.setattr(FakeAnalyzer, "read", lambda *_, **__: 1 / 0)
    (found,) = make().process([message("hello", voice="angry")])
    assert found.get("emotion_estimate")["emotion"] == "angry"
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert line.startswith("A turn's emotion could not be estimated (ZeroDivisionError, test_classifier.py:")


def test_a_failing_fusion_leaves_the_message_as_it_was(make, monkeypatch, caplog):
    monkeypatch.setattr(FakeAnalyzer, "fuse", lambda self, pieces: 1 / 0)
    (found,) = make().process([message("hello")])
    assert found.get("text") == "hello"
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


def test_without_models_every_turn_is_unknown(make, tmp_path):
    (found,) = make(models=str(tmp_path)).process([message("I am annoyed")])
    assert entities(found)["emotion"] == "unknown"


def test_other_weights_change_the_fingerprint(tmp_path):
    (tmp_path / "weights").write_text("1")
    config = {"models": str(tmp_path)}
    first = EmotionClassifier.fingerprint_addon(config)
    (tmp_path / "weights").write_text("2")
    shared._load.cache_clear()  # as a new process would
    assert EmotionClassifier.fingerprint_addon(config) != first


def test_the_fingerprint_of_a_cached_node_is_that_of_its_models():
    config = {"acoustic": "acoustic", "output_fingerprint": "abc", "resource": "train_EmotionClassifier2"}
    assert EmotionClassifier.fingerprint_addon(config) == EmotionClassifier.fingerprint_addon({})


def test_a_bot_that_was_trained_with_other_weights_says_so(graph, tmp_path, caplog):
    (tmp_path / "weights").write_text("1")
    config = {"models": str(tmp_path)}
    EmotionClassifier.create(config, *graph).train(TrainingData())
    EmotionClassifier.load(config, *graph)
    assert "rasa train" not in caplog.text
    (tmp_path / "weights").write_text("2")
    shared._load.cache_clear()
    EmotionClassifier.load(config, *graph)
    assert "run `rasa train` again" in caplog.text


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"model": "x"}, "has no option 'model'; did you mean 'models'"),
        ({"models": 5}, "'models' is 5"),
        ({"acoustic": ""}, "'acoustic'"),
        ({"min_confidence": 2}, "'min_confidence' is 2"),
        ({"entities": ["mood"]}, "'entities' names 'mood'"),
    ],
)
def test_bad_config_is_refused(graph, config, sentence):
    with pytest.raises(InvalidConfigException, match=sentence.replace("(", "[(]")):
        EmotionClassifier.create(config, *graph)


def test_a_doubtful_recogniser_is_told_with_the_words(make):
    (found,) = make().process([Message({"text": "I am furious", "metadata": {"text_confidence": 0.3}})])
    assert found.get("emotion_estimate")["evidence"]["text"]["quality"] == {"recogniser_confidence": 0.3}
