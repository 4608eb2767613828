"""A text that begins with a slash is read as Rasa reads it."""

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from rasa_emotion.conversation.commands import split_payload

INTENTS = ["greet", "grüß"]
DOMAIN = Domain.from_yaml(f'version: "3.1"\nintents: [{", ".join(INTENTS)}]\nentities: [a]\n')


def by_rasa(text: str) -> str | None:
    read = YAMLStoryReader.unpack_regex_message(Message({TEXT: text}), domain=DOMAIN, entity_extractor_name="x")
    return (read.get(INTENT) or {}).get(INTENT_NAME_KEY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/greet", ""),
        (" /greet ", ""),
        ("/ greet", ""),
        ("/greet@0.5", ""),
        ("/greet @0.5", ""),
        ('/greet{"a":"b"} I am furious', "I am furious"),
        ('/greet{"a":"b"}\nI am furious', "I am furious"),
        ("/greet{not json} I am furious", "I am furious"),
        ('/greet{"a": "}"} I am angry', "I am angry"),
        ('/greet @0.5{"a":1} I am angry', "I am angry"),
        ("/grüß", ""),
    ],
)
def test_the_words_behind_a_payload(text: str, words: str) -> None:
    found = split_payload(text, INTENTS)
    assert found is not None
    assert found == (by_rasa(text), words)


@pytest.mark.parametrize(
    "text",
    ["/thanks", "//", "/", "/greet now", "/greet/x", "/GREET", "/greet}", "\u200b/greet", "\uff0fgreet"],
)
def test_a_slash_before_words(text: str) -> None:
    assert by_rasa(text) is None
    assert split_payload(text, INTENTS) is None
