"""What credentials.yml may say to the channel of live calls, and what its page says about that."""

import re

import pytest
from rasa.shared.exceptions import InvalidConfigException
from ruamel.yaml import YAML
from voice_kit import needs_espeak

from rasa_emotion.bot.channels.voice import VoiceInput
from rasa_emotion.bot.channels.voice_options import DEFAULTS, VoiceOptions
from rasa_emotion.endpoints import resolved
from rasa_emotion.turn import intake
from rasa_emotion.voice.synthesisers.open import SYNTHESISERS

pytestmark = needs_espeak

TWILIO = {"auth_token": "t", "url": "https://voice.example.org"}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"recognizer": "none"}, "did you mean 'recogniser'"),
        ({"recogniser": "nobody"}, "There is no recogniser 'nobody'"),
        ({"synthesiser": {"name": "espeak", "voise": "en"}}, "did you mean 'voice'"),
        ({"synthesiser": None, "second_synthesiser": 5}, "There is no synthesiser"),
        ({"sender": "number"}, "write call or caller"),
        ({"max_calls": 0}, "max_calls"),
        ({"end_secs": 60}, "end_secs"),
        ({"silence_secs": -1}, "silence_secs"),
        ({"silence_text": None}, "may be empty"),
        ({"cloud_after_no": "yes"}, "true or false"),
        ({"twilio": {"auth_token": "t"}}, "'url' is None"),
        ({"twilio": {**TWILIO, "url": "voice.example.org"}}, "public address"),
        ({"jambonz": {"username": "u", "password": "p"}}, "'url' is None"),
        ({"audiosocket": {"port": "nine"}}, "port"),
        ({"max_chars": 0}, "max_chars"),
    ],
)
def test_what_cannot_be_used_is_told_at_the_start(given, fault):
    with pytest.raises(InvalidConfigException, match=fault):
        VoiceInput.from_credentials(given)


def test_without_options_the_channel_speaks_and_hears_no_words():
    channel = VoiceInput.from_credentials(None)
    assert [voice.name for voice in channel.voices] == ["espeak"]
    assert channel.options.recogniser().name == "none"
    assert channel.options.lines == {}
    assert channel.is_present("anybody") is False


def test_the_page_lists_every_option_and_every_voice(repository):
    page = (repository / "docs" / "live.md").read_text(encoding="utf-8")
    table = page.partition("| option | default |")[2].partition("\n\n")[0]
    listed = (
        {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])} if table else set()
    )
    assert listed == set(DEFAULTS) - set(intake.DEFAULTS)
    voices = page.partition("| name | where it runs |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", voices, flags=re.MULTILINE)) == set(SYNTHESISERS)


def test_the_examples_of_the_page_are_options(repository, monkeypatch):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t")
    monkeypatch.setenv("JAMBONZ_PASSWORD", "p")
    page = (repository / "docs" / "live.md").read_text(encoding="utf-8")
    found = [YAML(typ="safe").load(block) for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)]
    channel = "rasa_emotion.VoiceInput"
    given = [resolved(block[channel], "live.md") for block in found if channel in block]
    assert len(given) == 4
    for options in given:
        VoiceOptions.checked({**options, "recogniser": "none"})
