"""The lint names what no caller can hear, and nothing that some caller can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.lint import channels_of, lint
from rasa_emotion.conversation.mood import MOODS
from rasa_emotion.conversation.reply import Caller, variations_by_fit
from rasa_emotion.conversation.tone import TONES
from rasa_emotion.emotions import EMOTIONS, FAMILIES

SLOTS = {
    "emotion": {"type": "text"},
    "caller_mood": {"type": "text"},
    "vip": {"type": "bool"},
    "age": {"type": "float"},
    "plan": {"type": "categorical", "values": ["Small", "Large"]},
    "name": {"type": "text"},
}


def when(slot, value):
    return {"type": "slot", "name": slot, "value": value}


def variation(*conditions, text="it", **rest):
    return {"text": text, "condition": list(conditions), **rest} if conditions else {"text": text, **rest}


def sentences(*variations, **options):
    found = lint({"utter_it": list(variations)}, SLOTS, families=(), **options)
    assert all(problem.kind == "unreachable" for problem in found)
    return [(problem.variation, problem.sentence) for problem in found]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (variation(when("emotion", "angri")), "did you mean 'angry'?"),
        (variation(when("emotion", "unknown")), "choose from angry, calm"),
        (variation(when("emotion", None)), "'none' as the value of 'emotion'"),
        (variation(when("emotion", "hostile")), "put the condition on 'caller_mood'"),
        (variation(when("caller_mood", "worried")), "put the condition on 'emotion'"),
        (variation(when("caller_mood", "hostil")), "did you mean 'hostile'?"),
        (variation(when("emotion", "sad"), when("emotion", "angry")), "sad and angry at once"),
        (variation(when("emotion", "sad"), when("emotion", "disgust"), when("emotion", "upset")), "which no caller is"),
        (variation(when("caller_mood", "calm"), when("caller_mood", "upset")), "moods calm and upset at once"),
        ({"text": "it", "condition": []}, "remove the key 'condition'"),
        (variation(when("vip", True), when("vip", False)), "two values of the slot 'vip'"),
        (variation(when("vipp", True)), "which the domain lacks"),
        (variation(when("vip", "true")), "this slot cannot have"),
        (variation(when("age", "old")), "this slot cannot have"),
        (variation(when("plan", "Medium")), "this slot cannot have"),
        (variation(channel="rest"), "'collector'"),
    ],
)
def test_what_can_never_be_chosen(wrong, sentence):
    ((number, found),) = sentences(variation(text="plain"), wrong)
    assert number == 2
    assert sentence in found


@pytest.mark.parametrize(
    "right",
    [
        variation(when("emotion", "Sad"), when("emotion", "upset")),
        variation(when("emotion", "neutral"), when("caller_mood", "hostile"), when("vip", True)),
        variation(when("vip", None)),
        variation(when("requested_slot", "name")),
        variation(when("plan", "small")),
        variation(when("plan", "__other__")),
        variation(when("age", 3)),
        variation(when("name", "Bo"), when("name", "bo")),
        variation(channel="collector"),
        variation(channel="anything"),
    ],
)
def test_what_can(right):
    assert sentences(variation(text="plain"), right) == []


def test_duplicates_are_named_once():
    same = variation(when("emotion", "sad"), when("vip", True), channel="emotion")
    turned = variation(when("vip", True), when("emotion", "SAD"), channel="emotion")
    other = variation(when("emotion", "sad"), when("vip", True), channel="slack")
    assert sentences(same, turned, other) == [(2, "is the same as variation 1; remove one of them.")]


def test_channels_are_known_from_credentials():
    credentials = {"rest": None, "slack": {"slack_token": "x"}, "rasa_emotion.EmotionRestInput": None}
    channels = channels_of(credentials)
    assert channels == {"collector", "queue", "slack", "emotion"}
    assert sentences(variation(channel="emotion"), variation(channel="slack"), channels=channels) == []
    ((number, sentence),) = sentences(variation(), variation(channel="facebook"), channels=channels)
    assert number == 2
    assert "collector, emotion, queue, slack" in sentence
    assert channels_of({**credentials, "my.own.Channel": None}) is None


VALUES = [*EMOTIONS, *sorted(TONES), *MOODS, "furious"]
conditions = st.lists(
    st.builds(when, st.sampled_from(["emotion", "caller_mood"]), st.sampled_from(VALUES)), min_size=1, max_size=3
)
CALLERS = [
    Caller(tuple(dict.fromkeys((emotion, FAMILIES.get(emotion, emotion)))), mood)
    for emotion in EMOTIONS
    for mood in MOODS
]


@given(conditions)
def test_it_says_of_a_variation_what_is_so(written):
    heard = any(list(variations_by_fit([variation(*written)], caller)) for caller in CALLERS)
    assert heard == (sentences(variation(*written)) == [])


PLAIN, ANGRY, WORRIED = variation(), variation(when("emotion", "angry")), variation(when("emotion", "worried"))


def missing(variations, *, name="utter_it", more=None, **options):
    found = lint({**(more or {}), name: variations}, SLOTS, **options)
    return [(problem.response, problem.sentence) for problem in found if problem.kind == "missing"]


@pytest.mark.parametrize(
    ("variations", "lacks"),
    [
        ([PLAIN], "angry or worried"),
        ([PLAIN, ANGRY], "worried"),
        ([PLAIN, ANGRY, WORRIED], None),
        ([PLAIN, variation(when("caller_mood", "hostile")), variation(when("emotion", "fear"))], None),
        ([PLAIN, ANGRY, {**WORRIED, "channel": "emotion"}], "worried"),
        ([PLAIN, ANGRY, variation(when("emotion", "worried"), when("vip", True))], "worried"),
    ],
)
def test_families_that_nobody_wrote_for(variations, lacks):
    found = missing(variations)
    assert [sentence.split("are ")[1].split(";")[0] for _, sentence in found] == ([lacks] if lacks else [])


def test_a_family_is_served_through_all_of_its_emotions():
    sad, disgust = variation(when("emotion", "sad")), variation(when("emotion", "disgust"))
    assert missing([PLAIN, sad], families=["upset"])
    assert not missing([PLAIN, sad, disgust], families=["upset"])


def test_exemptions():
    assert missing([PLAIN], exempt=["utter_other"])
    assert not missing([PLAIN], exempt=["utter_i*"])
    assert not missing([PLAIN], name="faq/hours")
    assert not missing([PLAIN], name="utter_emotion_disclosure")


def test_an_acknowledgement_is_enough_where_that_is_said():
    told = {"utter_acknowledge": [ANGRY]}
    found = missing([PLAIN], more=told, acknowledged=True)
    assert [response for response, _ in found] == ["utter_acknowledge", "utter_it"]
    assert "angry" not in found[1][1]
    for more in ({"utter_acknowledge": [PLAIN]}, {"utter_acknowledge": [ANGRY, WORRIED]}):
        assert not missing([PLAIN], more=more, acknowledged=True)
        assert [response for response, _ in missing([PLAIN], more=more)] == ["utter_it"]
    more = {"utter_sorry": [PLAIN]}
    assert not missing([PLAIN], more=more, acknowledgement="utter_sorry", acknowledged=True)


@pytest.mark.parametrize("text", ["Great, carry on!", "Thanks 🎉", "Prima, weiter so!", "You are welcome :)"])
def test_a_glad_reply_needs_its_own_variations(text):
    """No acknowledgement is put before it, since the two would contradict each other."""
    more = {"utter_acknowledge": [ANGRY, WORRIED]}
    ((response, sentence),) = missing([{"text": text}], more=more, acknowledged=True)
    assert (response, sentence.split(";")[0]) == ("utter_it", "sounds glad, also for callers who are angry or worried")
    assert not missing([{"text": text}, ANGRY, WORRIED], more=more, acknowledged=True)
    sorry = {"text": f"I am sorry to hear that. {text}"}
    assert not missing([sorry], more=more, acknowledged=True)
