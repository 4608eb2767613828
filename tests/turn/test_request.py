"""Requests are checked against the schema, and refused in one sentence."""

import base64
import json
from pathlib import Path

import pytest
from fake_analyzer import FakeAnalyzer
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from rasa_emotion.turn.listening import listen
from rasa_emotion.turn.message import TurnRefused
from rasa_emotion.turn.request import from_form, from_json, request_schema

SOUND = b"RIFF" + bytes(100)
CONTENT = base64.b64encode(SOUND).decode()


def turn(body, max_bytes=1000):
    return from_json(body, max_bytes=max_bytes)


def refused(call, *args):
    with pytest.raises(TurnRefused) as caught:
        call(*args)
    return caught.value.status, str(caught.value)


def test_the_schema_is_one():
    Draft7Validator.check_schema(request_schema())


def test_the_documented_examples_fit_the_schema(repository: Path):
    blocks = (repository / "docs" / "rest-channel.md").read_text(encoding="utf-8").split("```json\n")[1:]
    bodies = [json.loads(block.split("```")[0]) for block in blocks]
    requests = [body for body in bodies if isinstance(body, dict) and "code" not in body]
    assert requests
    for body in requests:
        Draft7Validator(request_schema()).validate(body)


def test_words_and_voice():
    found = turn({"sender": "a", "message": " hello ", "audio": {"content": CONTENT, "format": "wav"}})
    assert (found.sender, found.text, found.audio.content, found.audio.encoding) == ("a", " hello ", SOUND, None)


def test_headerless_voice():
    audio = turn({"audio": {"content": CONTENT, "format": "mulaw"}}).audio
    assert (audio.encoding, audio.sample_rate) == ("mulaw", 8000)
    assert turn({"audio": {"content": CONTENT, "format": "pcm_s16le", "sample_rate": 16000}}).audio.sample_rate == 16000


@pytest.mark.parametrize("rate", [8000.0, 16_000.0])
def test_a_rate_with_a_point_is_a_rate(rate):
    audio = turn({"audio": {"content": CONTENT, "format": "pcm_s16le", "sample_rate": rate}}).audio
    assert (audio.sample_rate, type(audio.sample_rate)) == (rate, int)


@pytest.mark.parametrize(
    "label", ["webm", "m4a", "audio/webm;codecs=opus", "wav", "alaw ", "no such thing", "", "ALAW"]
)
def test_a_label_costs_neither_the_words_nor_the_voice(label):
    """The bytes say what they are; only headerless samples need a name."""
    found = turn({"message": "I am furious", "audio": {"content": CONTENT, "format": label}})
    assert (found.text, found.audio.content) == ("I am furious", SOUND)
    assert found.audio.encoding == ("alaw" if label == "ALAW" else None)
    assert form({"message": "I am furious", "format": label}, SOUND).text == "I am furious"


def test_a_recording_is_never_shown():
    assert "RIFF" not in repr(turn({"audio": {"content": CONTENT}}))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "not of type 'object'"),
        (None, "not of type 'object'"),
        ({"message": 5}, "In 'message': 5 is not of type"),
        ({"message": "x", "sender": ""}, "In 'sender'"),
        ({"message": "x", "metadata": "y"}, "In 'metadata'"),
        ({"audio": CONTENT * 9}, "In 'audio'"),
        ({"audio": {}}, "'content' is a required property"),
        ({"audio": {"content": CONTENT, "data": 1}}, "data"),
        ({"audio": {"content": CONTENT, "channel": "centre"}}, "In 'audio.channel'"),
        ({"audio": {"content": "*" * 8}}, "not base64"),
        ({"audio": {"content": "ä" * 8}}, "not base64"),
    ],
)
def test_bad_requests(body, sentence):
    status, message = refused(turn, body)
    assert status == 400
    assert sentence in message
    assert len(message) < 300


@pytest.mark.parametrize("content", ["*" * 8, "ä" * 8, CONTENT[:-1], "data:audio/wav;base64," + CONTENT])
def test_a_recording_that_is_not_base64_costs_no_words(content):
    found = turn({"message": "I am furious", "audio": {"content": content}})
    assert found.text == "I am furious"
    assert "not base64" in found.audio.fault
    assert "not base64" in listen(FakeAnalyzer(), found.audio).warning


@pytest.mark.parametrize(
    "audio",
    [
        CONTENT * 9,
        [],
        {},
        {"content": 5},
        {"content": CONTENT, "sample_rate": 0},
        {"content": CONTENT, "sample_rate": "8000"},
        {"content": CONTENT, "channel": "centre"},
        {"content": CONTENT, "channel": "Left"},
        {"content": CONTENT, "format": 7},
        {"content": CONTENT, "codec": "opus"},
    ],
    ids=str,
)
def test_whatever_is_said_of_a_recording_costs_no_words(audio):
    found = turn({"message": "I am furious", "sender": "a", "audio": audio})
    assert (found.text, found.sender) == ("I am furious", "a")
    if audio:
        assert found.audio.fault.startswith("In 'audio")
        assert "request schema" in listen(FakeAnalyzer(), found.audio).warning


@pytest.mark.parametrize("options", [{"sample_rate": "fast"}, {"sample_rate": "0"}, {"channel": "centre"}])
def test_nor_in_a_form(options):
    found = form({"message": "I am furious", **options}, SOUND)
    assert found.text == "I am furious"
    assert found.audio.fault.startswith("In 'audio.")


def test_a_fault_elsewhere_is_refused_also_beside_one_of_the_recording():
    assert "In 'sender'" in refused(turn, {"message": "x", "sender": "", "audio": {"content": 5}})[1]
    assert "In 'message'" in refused(turn, {"message": 5, "audio": {"content": 5}})[1]


def test_a_large_recording():
    status, message = refused(turn, {"audio": {"content": CONTENT}}, 50)
    assert status == 413
    assert "send a shorter one" in message


def test_a_large_recording_costs_no_words():
    """Neither in JSON nor in a form; sounds of a recogniser without a word, such as "...", are none."""
    for found in (
        turn({"message": "I am furious", "audio": {"content": CONTENT}}, 50),
        form({"message": "I am furious"}, bytes(2000)),
    ):
        assert (found.text, found.audio.content) == ("I am furious", b"")
        assert "send a shorter one" in listen(FakeAnalyzer(), found.audio).warning
    assert refused(form, {"message": "..."}, bytes(2000))[0] == 413


def form(fields, content=None, max_bytes=1000):
    return from_form(fields, content, max_bytes=max_bytes)


def test_a_form():
    found = form({"sender": "a", "message": "", "metadata": '{"shop": 7}'}, SOUND)
    assert (found.sender, found.text, found.audio.content, found.metadata) == ("a", "", SOUND, {"shop": 7})
    raw = form({"format": "pcm_s16le", "sample_rate": "16000"}, SOUND).audio
    assert (raw.encoding, raw.sample_rate) == ("pcm_s16le", 16000)


@pytest.mark.parametrize(
    ("fields", "content", "status", "sentence"),
    [
        ({"audio": "abc"}, None, 400, "'audio' is not a file"),
        ({"metadata": "{"}, SOUND, 400, "'metadata' is not JSON"),
        ({"metadata": "5"}, SOUND, 400, "In 'metadata'"),
        ({"metadata": "[" * 100_000}, SOUND, 400, "'metadata' is not JSON"),
        ({"sample_rate": "Infinity"}, SOUND, 400, "In 'audio.sample_rate'"),
        ({"sample_rate": "fast"}, SOUND, 400, "'sample_rate' is not JSON"),
        ({"channel": "centre"}, SOUND, 400, "In 'audio.channel'"),
        ({}, bytes(2000), 413, "MB"),
    ],
)
def test_bad_forms(fields, content, status, sentence):
    found, message = refused(form, fields, content)
    assert found == status
    assert sentence in message


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["sender", "message", "audio", "metadata", "input_channel", "content", "format"])


@given(values | st.dictionaries(fields, values | st.dictionaries(fields, values)))
def test_any_json_is_a_turn_or_refused(body):
    try:
        found = turn(body)
    except TurnRefused:
        return
    assert isinstance(found.text, str)
    assert isinstance(found.metadata, dict)
