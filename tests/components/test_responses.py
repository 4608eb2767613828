"""The variation for the caller's emotion comes first; everything else is as in Rasa."""

import pytest
from fake_analyzer import estimate
from rasa.core.nlg.callback import CallbackNaturalLanguageGenerator
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.components.responses import EmotionResponses

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
slots:
  emotion: {type: text, influence_conversation: false, mappings: [{type: from_text}]}
  vip: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
  name: {type: text, influence_conversation: false, mappings: [{type: custom}]}
responses:
  utter_it:
    - text: plain
    - text: voice
      channel: emotion
    - text: vip
      condition: [{type: slot, name: vip, value: true}]
    - text: angry
      condition: [{type: slot, name: emotion, value: Angry}]
    - text: angry vip {name}
      condition: [{type: slot, name: emotion, value: angry}, {type: slot, name: vip, value: true}]
    - text: upset
      condition: [{type: slot, name: emotion, value: upset}]
    - text: sad voice
      channel: emotion
      condition: [{type: slot, name: emotion, value: sad}]
  utter_plain:
    - text: plain
"""
)


def answer_of(generator):
    """`await answer(emotion, channel=..., vip=...)`: the text of the answer."""

    async def answer(emotion, *, channel="rest", vip=None, slot=None, utter="utter_it", probability=0.8):
        parsed = {"emotion_estimate": estimate(emotion, probability).to_dict()} if emotion else {}
        events = [SlotSet("vip", vip), SlotSet("name", "Bo"), SlotSet("emotion", slot)]
        events.append(UserUttered("words", parse_data=parsed))
        tracker = DialogueStateTracker.from_events("x", events, slots=DOMAIN.slots)
        found = await generator.generate(utter, tracker, channel)
        return found and found["text"]

    return answer


@pytest.fixture(scope="module")
def answer():
    config = EndpointConfig.from_dict({"type": "rasa_emotion.EmotionResponses"})
    return answer_of(NaturalLanguageGenerator.create(config, DOMAIN))


async def test_the_variation_of_the_emotion_or_its_family(answer):
    assert await answer("angry") == "angry"
    assert await answer("disgust") == "upset"
    assert await answer("happy") == "plain"


async def test_the_emotion_comes_before_its_family_where_the_channel_fits(answer):
    assert await answer("sad", channel="emotion") == "sad voice"
    assert await answer("sad") == "upset"


async def test_a_plain_variation_of_the_channel_does_not_hide_it(answer):
    assert await answer("angry", channel="emotion") == "angry"
    assert await answer("neutral", channel="emotion") == "voice"


async def test_other_conditions_keep_their_meaning(answer):
    assert await answer("neutral", vip=True) == "vip"
    assert await answer("angry", vip=True) == "angry vip Bo"


async def test_the_latest_turn_decides_not_a_stale_slot(answer):
    assert await answer(None, slot="angry") == "plain"


async def test_responses_without_variations(answer):
    assert await answer("angry", utter="utter_plain") == "plain"
    assert await answer("angry", utter="utter_absent") is None


async def test_an_unsure_turn_gets_the_plain_one():
    generator = EmotionResponses(EndpointConfig(min_confidence=0.75), DOMAIN)
    assert await answer_of(generator)("angry", probability=0.7) == "plain"


async def test_without_the_plugin_nobody_sees_an_emotion_variation():
    rasas_own = answer_of(TemplatedNaturalLanguageGenerator(DOMAIN.responses))
    assert {await rasas_own("angry") for _ in range(20)} == {"plain"}


async def test_a_wrapped_generator_answers_where_no_variation_fits(monkeypatch):
    async def remote(self, utter_action, tracker, output_channel, **kwargs):
        return {"text": f"{utter_action} from {self.nlg_endpoint.url}"}

    monkeypatch.setattr(CallbackNaturalLanguageGenerator, "generate", remote)
    generator = EmotionResponses(EndpointConfig(wrap={"url": "http://nlg"}), DOMAIN)
    assert await answer_of(generator)("angry") == "angry"
    assert await answer_of(generator)("happy") == "utter_it from http://nlg"


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"url": "http://nlg"}, "move it under 'wrap'"),
        ({"wrap": "http://nlg"}, "'wrap' is 'http://nlg'"),
        ({"min_confidence": "high"}, "'min_confidence'"),
        ({"wraps": {}}, "did you mean 'wrap'"),
    ],
)
def test_bad_config_is_refused(config, sentence):
    with pytest.raises(InvalidConfigException, match=sentence):
        EmotionResponses(EndpointConfig.from_dict(config), DOMAIN)
