"""The variation for the caller comes first, an apology comes once; everything else is as in Rasa."""

import json
import logging
from xml.etree import ElementTree

import pytest
from fake_analyzer import estimate
from rasa.core.actions.action import create_bot_utterance
from rasa.core.nlg.callback import CallbackNaturalLanguageGenerator
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.bot.rasa_versions import named_output
from rasa_emotion.bot.responses import EmotionResponses

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
        found = await generator.generate(utter, tracker, named_output(channel))
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
        ({"acknowledge": "utter_ack"}, "'utter_ack', which the domain lacks"),
        ({"acknowledge": 3}, "'acknowledge' is 3"),
        ({"no_repeat": -1}, "'no_repeat' is -1"),
        ({"no_repeat": True}, "'no_repeat' is True"),
        ({"rephrase": True}, "'rephrase' is True"),
        ({"rephrase": ["shorter"]}, "choose from no_emoji, no_exclamation, one_question, short_sentences"),
        ({"ssml": "google", "voice_channels": ["emotion"]}, "choose from ssml, azure, polly, espeak"),
        ({"ssml": "polly"}, "give both or none"),
        ({"voice_channels": ["emotion"]}, "give both or none"),
        ({"ssml": "azure", "voice_channels": ["emotion"]}, "needs a 'voice'"),
        ({"ssml_custom": "yes"}, "'ssml_custom' is 'yes'"),
        ({"language": ""}, "'language' is ''"),
        ({"prosody": [1]}, r"'prosody' is \[1\]"),
        ({"prosody": {"angry": {"rate": 900}}}, "'rate' is 900"),
    ],
)
def test_bad_config_is_refused(config, sentence):
    with pytest.raises(InvalidConfigException, match=sentence):
        EmotionResponses(EndpointConfig.from_dict(config), DOMAIN)


CALL = Domain.from_yaml(
    """
version: "3.1"
slots:
  emotion: {type: text, influence_conversation: false, mappings: [{type: from_text}]}
  line: {type: text, influence_conversation: false, mappings: [{type: custom}]}
responses:
  utter_acknowledge:
    - text: I hear that you are annoyed.
      condition: [{type: slot, name: emotion, value: angry}]
    - text: I understand.
  utter_ask:
    - text: Hi! 😀 Are you there? Which {line} is it, please?
      buttons: [{title: "Broadband!", payload: /broadband}]
  utter_sorry:
    - text: Sorry. Tell me more.
    - text: I apologise for that. What went wrong?
      condition: [{type: slot, name: emotion, value: angry}]
  utter_open:
    - text: It is open.
    - text: I apologise for that. It is open.
      condition: [{type: slot, name: caller_mood, value: hostile}]
  utter_only:
    - text: Only this.
      condition: [{type: slot, name: emotion, value: angry}]
  utter_picture:
    - custom: {theme: loud}
    - image: calming.png
      custom: {theme: quiet}
      condition: [{type: slot, name: emotion, value: angry}]
"""
)


class Conversation:
    """A caller, whose turns are emotions, and a bot that answers with responses."""

    def __init__(self, channel="rest", line="line", **options):
        self.generator = EmotionResponses(EndpointConfig(**options), CALL)
        self.channel = channel
        self.tracker = DialogueStateTracker.from_events("x", [SlotSet("line", line)], slots=CALL.slots)

    def hear(self, emotion):
        parsed = {"emotion_estimate": estimate(emotion, 0.9).to_dict()} if emotion else {}
        self.tracker.update(UserUttered("words", parse_data=parsed))

    async def say(self, utter):
        response = await self.generator.generate(utter, self.tracker, named_output(self.channel))
        event = create_bot_utterance({**response, "utter_action": utter})
        json.dumps(event.as_dict())  # as a tracker store does
        self.tracker.update(event)
        return response

    async def text(self, emotion, utter):
        self.hear(emotion)
        return (await self.say(utter)).get("text")


async def test_a_feeling_is_acknowledged_once_until_the_caller_has_recovered():
    call = Conversation()
    assert await call.text("neutral", "utter_open") == "It is open."
    assert await call.text("fear", "utter_open") == "I understand. It is open."
    assert (await call.say("utter_open"))["text"] == "It is open."
    assert await call.text("fear", "utter_open") == "It is open."
    for _ in range(6):
        assert await call.text("calm", "utter_open") == "It is open."
    assert await call.text("fear", "utter_open") == "I understand. It is open."


async def test_of_several_responses_that_an_action_sends_the_first_is_acknowledged():
    call = Conversation()
    call.hear("fear")
    output = named_output("rest")
    said = [(await call.generator.generate("utter_open", call.tracker, output))["text"] for _ in range(2)]
    assert said == ["I understand. It is open.", "It is open."]


async def test_a_variation_for_the_feeling_acknowledges_it():
    call = Conversation()
    assert await call.text("angry", "utter_sorry") == "I apologise for that. What went wrong?"
    assert await call.text("angry", "utter_ask") == "Hi. Which line is it, please?"


async def test_without_the_response_or_the_option_nothing_is_put_before():
    assert await Conversation(acknowledge=None).text("fear", "utter_open") == "It is open."
    assert await answer_of(EmotionResponses(None, DOMAIN))("angry", utter="utter_plain") == "plain"


async def test_the_same_is_not_said_again():
    call = Conversation(acknowledge=None)
    assert await call.text("angry", "utter_sorry") == "I apologise for that. What went wrong?"
    assert await call.text("angry", "utter_sorry") == "Sorry. Tell me more."
    assert await call.text("angry", "utter_open") == "It is open."  # its opening was said


async def test_repetition_can_be_allowed():
    call = Conversation(acknowledge=None, no_repeat=0)
    said = {await call.text("angry", "utter_sorry") for _ in range(3)}
    assert said == {"I apologise for that. What went wrong?"}


async def test_a_worn_variation_is_better_than_silence():
    call = Conversation(acknowledge=None)
    assert [await call.text("angry", "utter_only") for _ in range(2)] == ["Only this."] * 2


async def test_plain_texts_are_quieter_for_an_upset_caller():
    call = Conversation(acknowledge=None, line="Yahoo! 😀 line?")
    assert await call.text("happy", "utter_ask") == "Hi! 😀 Are you there? Which Yahoo! 😀 line? is it, please?"
    call.hear("sad")
    response = await call.say("utter_ask")
    assert response["text"] == "Hi. Which Yahoo! 😀 line? is it, please?"
    assert response["buttons"] == [{"title": "Broadband!", "payload": "/broadband"}]
    assert CALL.responses["utter_ask"][0]["text"].startswith("Hi! 😀")


async def test_rules_can_be_chosen():
    call = Conversation(acknowledge=None, rephrase=["no_emoji"])
    assert await call.text("sad", "utter_ask") == "Hi! Are you there? Which line is it, please?"


async def test_pictures_and_payloads_stay():
    call = Conversation(channel="phone", ssml="polly", voice_channels=["phone"])
    call.hear("angry")
    response = await call.say("utter_picture")
    assert (response["image"], response["custom"]) == ("calming.png", {"theme": "quiet"})
    assert "ssml" not in response


async def test_voice_channels_get_markup_beside_the_text():
    call = Conversation(channel="phone", ssml="polly", voice_channels=["phone"], line="<b> & c")
    call.hear("angry")
    response = await call.say("utter_ask")
    document = ElementTree.fromstring(response["ssml"])
    assert "".join(document.itertext()) == response["text"]
    assert response["text"] == "I hear that you are annoyed. Hi. Which <b> & c is it, please?"
    assert document.find("prosody").attrib["rate"] == "92%"
    assert "custom" not in response
    call.channel = "rest"
    assert "ssml" not in await call.say("utter_ask")


async def test_markup_may_travel_in_custom():
    call = Conversation("phone", ssml="azure", voice="v", voice_channels=["phone"], ssml_custom=True, language="de")
    call.hear("neutral")
    response = await call.say("utter_open")
    assert set(response) == {"text", "custom"}
    assert 'xml:lang="de"' in response["custom"]["ssml"]


async def test_other_rows_of_prosody():
    rows = {"angry": {"rate": -20}}
    call = Conversation("phone", ssml="polly", voice_channels=["phone"], prosody=rows)
    call.hear("angry")
    assert 'rate="80%"' in (await call.say("utter_open"))["ssml"]


async def test_for_calm_callers_a_response_is_rasas_own():
    call = Conversation()
    call.hear("neutral")
    assert await call.say("utter_open") == {"text": "It is open."}


@pytest.mark.parametrize("broken", ["caller_of", "variations_by_fit", "rephrased", "is_worn", "render", "prosody_for"])
async def test_whatever_fails_costs_one_line_and_the_turn_goes_on(broken, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("on purpose")

    call = Conversation("phone", ssml="polly", voice_channels=["phone"])
    monkeypatch.setattr(f"rasa_emotion.bot.responses.{broken}", fail)
    call.hear("angry")
    with caplog.at_level(logging.ERROR, logger="rasa_emotion"):
        response = await call.say("utter_ask" if broken == "rephrased" else "utter_sorry")
    assert response["text"]
    (record,) = caplog.records
    assert "RuntimeError, test_responses.py" in record.getMessage()


async def test_what_a_wrapped_generator_says_is_acknowledged_but_not_rephrased(monkeypatch):
    async def remote(self, utter_action, tracker, output_channel, **kwargs):
        return {"text": "Hi! Is it? Or not?"}

    monkeypatch.setattr(CallbackNaturalLanguageGenerator, "generate", remote)
    call = Conversation(wrap={"url": "http://nlg"})
    assert await call.text("fear", "utter_ask") == "I understand. Hi! Is it? Or not?"
