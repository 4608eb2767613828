"""Each protocol's translator, by messages as its vendor documents them."""

import base64
import json
import struct
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.transports.audiosocket import RATES, AudioSocket
from rasa_emotion.voice.transports.jambonz import Jambonz
from rasa_emotion.voice.transports.json_audio import JsonAudio
from rasa_emotion.voice.transports.protocol import (
    Digit,
    Frame,
    HungUp,
    Played,
    ProtocolError,
    Started,
    Transcript,
)
from rasa_emotion.voice.transports.twilio import Twilio

SOUND = bytes(range(160))
SOUND64 = base64.b64encode(SOUND).decode()

TWILIO_START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC0",
        "streamSid": "MZ1",
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"caller": "+441632960000"},
    },
    "streamSid": "MZ1",
}
JAMBONZ_START = {
    "callSid": "c1",
    "direction": "inbound",
    "from": "+441632960000",
    "to": "+441632960001",
    "sampleRate": 16000,
    "mixType": "mono",
}
ID = UUID("40325ec2-5efd-4bd3-805f-53576e581d13")


def twilio() -> Twilio:
    stream = Twilio()
    stream.receive(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
    stream.receive(json.dumps(TWILIO_START))
    return stream


def jambonz() -> Jambonz:
    listen = Jambonz()
    listen.receive(json.dumps(JAMBONZ_START))
    return listen


def audiosocket() -> AudioSocket:
    socket = AudioSocket()
    socket.receive(b"\x01\x00\x10" + ID.bytes + message(0x10, b"\0\0"))
    return socket


def message(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + struct.pack(">H", len(content)) + content


def test_twilio_begins_with_start() -> None:
    stream = Twilio()
    assert stream.receive(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})) == []
    (started,) = stream.receive(json.dumps(TWILIO_START))
    assert started == Started("CA1", Format("mulaw", 8000), "+441632960000", {"caller": "+441632960000"})


def test_twilio_sends_sound_keys_marks_and_the_end() -> None:
    stream = twilio()
    media = {"track": "inbound", "chunk": "2", "timestamp": "40", "payload": SOUND64}
    assert stream.receive(json.dumps({"event": "media", "media": media})) == [Frame(SOUND, 2, 0.04)]
    outbound = {**media, "track": "outbound"}
    assert stream.receive(json.dumps({"event": "media", "media": outbound})) == []
    dtmf = {"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "#"}}
    assert stream.receive(json.dumps(dtmf)) == [Digit("#")]
    assert stream.receive(json.dumps({"event": "mark", "mark": {"name": "m1"}})) == [Played("m1")]
    assert stream.receive(json.dumps({"event": "stop", "stop": {"callSid": "CA1"}})) == [HungUp()]


@pytest.mark.parametrize("number", [10**400, -(10**400), "9" * 400, 1e400, float("nan"), "nan", None, [], True])
def test_a_count_that_is_none_costs_no_sound(number: object) -> None:
    media = {"track": "inbound", "chunk": number, "timestamp": number, "payload": SOUND64}
    assert twilio().receive(json.dumps({"event": "media", "media": media})) == [Frame(SOUND, None, None)]


def test_twilio_is_sent_what_it_documents() -> None:
    stream = twilio()
    assert json.loads(stream.play(SOUND)[0]) == {"event": "media", "streamSid": "MZ1", "media": {"payload": SOUND64}}
    assert json.loads(stream.mark("m1")[0]) == {"event": "mark", "streamSid": "MZ1", "mark": {"name": "m1"}}
    assert json.loads(stream.clear()[0]) == {"event": "clear", "streamSid": "MZ1"}
    assert stream.end() == stream.tell({"event": "emotion"}) == []


@pytest.mark.parametrize("change", [{"encoding": "audio/opus"}, {"sampleRate": 16000}])
def test_another_format_than_twilio_s_is_refused(change: dict) -> None:
    start = {**TWILIO_START, "start": {**TWILIO_START["start"], "mediaFormat": {"encoding": "audio/x-mulaw", **change}}}
    with pytest.raises(ProtocolError, match="mu-law at 8 kHz"):
        Twilio().receive(json.dumps(start))


def test_json_audio_speaks_as_rasa_pro_does() -> None:
    call = JsonAudio("c1", events=True)
    started, frame = call.receive(json.dumps({"type": "audio", "audio": SOUND64}))
    assert (started, frame) == (Started("c1", Format("pcm_s16le", 16000)), Frame(SOUND))
    assert call.receive(json.dumps({"type": "mark", "mark": {"name": "m1"}})) == [Played("m1")]
    assert json.loads(call.play(SOUND)[0]) == {"type": "audio", "audio": SOUND64}
    assert json.loads(call.mark("m1")[0]) == {"type": "mark", "mark": {"name": "m1"}}
    assert json.loads(call.clear()[0]) == {"type": "clear"}
    assert call.receive(json.dumps({"type": "of another version"})) == []


def test_json_audio_has_more_for_those_who_ask() -> None:
    call = JsonAudio("c1", events=True)
    call.begin()
    assert call.receive(json.dumps({"type": "digit", "digit": "1"})) == [Digit("1")]
    said = {"type": "transcript", "text": "hello", "confidence": 0.8}
    assert call.receive(json.dumps(said)) == [Transcript("hello", True, 0.8)]
    assert call.receive(json.dumps({"type": "hangup"})) == [HungUp()]
    assert json.loads(call.tell({"event": "emotion"})[0]) == {"type": "event", "event": "emotion"}
    assert JsonAudio("c1").tell({"event": "emotion"}) == []


def test_jambonz_begins_with_the_call_s_data() -> None:
    (started,) = Jambonz().receive(json.dumps(JAMBONZ_START))
    assert isinstance(started, Started)
    assert (started.call, started.caller, started.format) == ("c1", "+441632960000", Format("pcm_s16le", 16000))
    (outgoing,) = Jambonz().receive(json.dumps({**JAMBONZ_START, "direction": "outbound"}))
    assert isinstance(outgoing, Started)
    assert outgoing.caller == "+441632960001"


def test_jambonz_sends_sound_keys_and_marks() -> None:
    listen = jambonz()
    assert listen.receive(SOUND) == [Frame(SOUND)]
    assert listen.receive(json.dumps({"event": "dtmf", "dtmf": "12", "duration": "1600"})) == [Digit("1"), Digit("2")]
    assert listen.receive(json.dumps({"type": "mark", "data": {"name": "m1"}})) == [Played("m1")]
    assert listen.receive(json.dumps({"event": "playDone", "id": "1"})) == []


def test_jambonz_is_sent_what_it_documents() -> None:
    listen = jambonz()
    assert listen.play(SOUND) == [SOUND]
    assert json.loads(listen.mark("m1")[0]) == {"type": "mark", "data": {"name": "m1"}}
    assert json.loads(listen.clear()[0]) == {"type": "killAudio"}
    assert json.loads(listen.end()[0]) == {"type": "disconnect"}


@pytest.mark.parametrize("kind", sorted(RATES))
def test_the_first_sound_of_an_audiosocket_says_its_rate(kind: int) -> None:
    socket = AudioSocket()
    assert socket.receive(message(0x01, ID.bytes)) == []
    assert socket.receive(message(kind, SOUND)) == [
        Started(str(ID), Format("pcm_s16le", RATES[kind])),
        Frame(SOUND),
    ]
    (out,) = socket.play(bytes(2 * round(RATES[kind] * 0.02)))
    assert out[0] == kind


@given(st.lists(st.integers(1, 40), max_size=30))
def test_an_audiosocket_may_be_cut_anywhere(cuts: list[int]) -> None:
    sent = message(0x01, ID.bytes) + message(0x10, SOUND) * 3 + message(0x03, b"5") + message(0x00, b"")
    socket, found = AudioSocket(), []
    for cut in [*cuts, len(sent)]:
        found += socket.receive(sent[:cut])
        sent = sent[cut:]
    assert found == [Started(str(ID), Format("pcm_s16le", 8000)), *[Frame(SOUND)] * 3, Digit("5"), HungUp()]


def test_an_audiosocket_is_sent_frames_of_20_ms() -> None:
    socket = audiosocket()
    frames = socket.play(bytes(500))
    assert frames == [message(0x10, bytes(320))]
    assert socket.play(bytes(200)) == [message(0x10, bytes(320))]
    assert socket.mark("end") == [message(0x10, bytes(60))]
    assert socket.mark("end") == socket.clear() == []
    assert socket.end() == [b"\0\0\0"]


BAD = ["", "no JSON", "[]", "5", '"text"', "[" * 5000, b"\xff\x00", "{}", '{"event": 5, "type": []}']


@pytest.mark.parametrize("content", BAD)
@pytest.mark.parametrize("make", [Twilio, twilio, lambda: JsonAudio("c"), Jambonz, jambonz, AudioSocket, audiosocket])
def test_nothing_but_a_protocol_error_is_raised(make, content) -> None:
    events = []
    with suppress(ProtocolError):
        events = make().receive(content)
    assert all(isinstance(event, Started | Frame) for event in events)


@pytest.mark.parametrize(
    ("make", "content"),
    [
        (twilio, {"event": "media", "media": {"payload": "not base64!"}}),
        (twilio, {"event": "media", "media": {"payload": 5}}),
        (twilio, {"event": "media", "media": "text"}),
        (twilio, {"event": "dtmf", "dtmf": {"digit": "12"}}),
        (Twilio, {"event": "media", "media": {"payload": SOUND64}}),
        (Twilio, {"event": "start", "start": {}}),
        (lambda: JsonAudio("c"), {"type": "audio", "audio": "hello there"}),
        (lambda: JsonAudio("c"), {"type": "audio"}),
        (lambda: JsonAudio("c"), {"type": "transcript", "text": 5}),
        (lambda: JsonAudio("c"), {"type": "digit", "digit": "x"}),
        (Jambonz, {"callSid": 5}),
        (Jambonz, {**JAMBONZ_START, "sampleRate": 11025}),
        (jambonz, {"event": "dtmf", "dtmf": ""}),
    ],
)
def test_text_where_audio_belongs_and_its_like_are_refused_in_a_sentence(make, content) -> None:
    with pytest.raises(ProtocolError) as caught:
        make().receive(json.dumps(content))
    assert "hello" not in str(caught.value)


@pytest.mark.parametrize(
    "sent", [message(0x10, SOUND), message(0x01, b"short"), message(0x01, ID.bytes) * 2, message(0x55, b"")]
)
def test_what_is_no_audiosocket_is_refused(sent: bytes) -> None:
    with pytest.raises(ProtocolError):
        AudioSocket().receive(sent + message(0x44, b""))


def test_the_rate_of_an_audiosocket_stays() -> None:
    with pytest.raises(ProtocolError, match="rate changes"):
        audiosocket().receive(message(0x12, SOUND))


@pytest.mark.parametrize("file", ["audiosocket", "jambonz", "json_audio", "twilio"])
def test_a_translator_is_short_and_knows_no_socket(repository, file: str) -> None:
    source = (repository / "rasa_emotion" / "voice" / "transports" / f"{file}.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) < 150
    assert "asyncio" not in source
