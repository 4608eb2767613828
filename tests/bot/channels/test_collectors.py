"""Answers are collected under the channel's name, each with its markup for a voice."""

import asyncio

import pytest
from rasa.core.actions.action import create_bot_utterance
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.bot.channels.collectors import Collector, Queued
from rasa_emotion.bot.channels.rest import EmotionRestInput
from rasa_emotion.bot.rasa_versions import named_output
from rasa_emotion.bot.responses import EmotionResponses


@pytest.fixture(params=[Collector, Queued])
def collected(request):
    """`await collected(*messages)`: what the channel has collected of these messages."""

    async def collect(*messages):
        channel = request.param() if request.param is Collector else request.param(asyncio.Queue())
        for message in messages:
            await channel.send_response("ada", dict(message))
        if request.param is Collector:
            return channel.messages
        return [channel.messages.get_nowait() for _ in range(channel.messages.qsize())]

    return collect


async def test_the_markup_stands_beside_the_text(collected):
    assert await collected(
        {"text": "Hi.", "ssml": "<speak>Hi.</speak>", "utter_action": "utter_hi"}, {"text": "Bye."}
    ) == [
        {"recipient_id": "ada", "text": "Hi.", "ssml": "<speak>Hi.</speak>"},
        {"recipient_id": "ada", "text": "Bye."},
    ]


async def test_of_several_paragraphs_the_first_has_it(collected):
    first, second = await collected({"text": "One.\n\nTwo.", "ssml": "<speak>One. Two.</speak>"})
    assert (first["text"], first["ssml"]) == ("One.", "<speak>One. Two.</speak>")
    assert second == {"recipient_id": "ada", "text": "Two."}


async def test_buttons_and_pictures_stay(collected):
    buttons = [{"title": "Yes", "payload": "/affirm"}]
    text, picture = await collected({"text": "Ok?", "buttons": buttons, "image": "i.png", "ssml": "<speak>Ok?</speak>"})
    assert (text["buttons"], text["ssml"]) == (buttons, "<speak>Ok?</speak>")
    assert picture == {"recipient_id": "ada", "image": "i.png"}


def test_they_have_the_channels_name():
    assert Collector.name() == Queued.name() == EmotionRestInput.name()


async def test_the_markup_arrives_from_the_generator_through_the_tracker(collected):
    domain = Domain.from_yaml("responses:\n  utter_it:\n  - text: Fish & chips.")
    generator = EmotionResponses(EndpointConfig(ssml="polly", voice_channels=["emotion"]), domain)
    tracker = DialogueStateTracker.from_events("ada", [])
    event = create_bot_utterance(await generator.generate("utter_it", tracker, named_output(Collector.name())))
    stored = BotUttered.from_parameters(event.as_dict())  # as a tracker store gives it back
    (message,) = await collected(stored.message())
    assert (message["text"], message["ssml"]) == ("Fish & chips.", "<speak>Fish &amp; chips.</speak>")
