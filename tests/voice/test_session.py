"""A call without a socket: what is heard, said, asked again, and how it ends."""

import asyncio
import base64
import json

import numpy as np
import pytest
import soundfile
from voice_kit import LoudnessAnalyzer, ScriptedRecogniser, line_of, needs_espeak, silence, speech

from rasa_emotion.streaming import SharedHearing
from rasa_emotion.turn.message import TurnRefused
from rasa_emotion.voice.call_settings import CallSettings
from rasa_emotion.voice.clock import Clock
from rasa_emotion.voice.flow import FlowLimits, LineClosed
from rasa_emotion.voice.parts import Known, Parts
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.session import Call
from rasa_emotion.voice.synthesisers.speech import Speech, SynthesisError
from rasa_emotion.voice.transports.json_audio import JsonAudio

pytestmark = needs_espeak

SPEED = 8
PATIENT = FlowLimits(idle_secs=1e9, patience_secs=1e9)
"""A busy machine must not end a call."""
QUIET = {"silence_secs": None, "flow": PATIENT}
ONE, TWO = "I have been waiting for three days", "nobody calls me back"


class Voice:
    """Says every letter as 50 ms of a tone."""

    name, sample_rate, dialect = "fake", 16_000, None

    def __init__(self, *, fails=False):
        self.fails, self.said = fails, []

    async def speak(self, speech):
        if self.fails:
            raise SynthesisError("It does not answer.")
        self.said.append(speech)
        for _ in speech.text:
            yield (8000 * np.sin(np.arange(800) / 6)).astype("<i2").tobytes()

    async def close(self):
        pass


class Bot:
    """Repeats what it was told."""

    def __init__(self):
        self.turns, self.allowed, self.known_now = [], True, Known(mood="calm")
        self.answers = self.recording = None

    def admit(self, started, call):
        return started.call

    async def take(self, turn, call):
        self.turns.append(turn)
        if turn.text == "refuse":
            raise TurnRefused(500, "The bot's domain has no intent.")
        if turn.text == "fail":
            raise RuntimeError("on purpose")
        if "stop analysing" in turn.text:
            self.allowed = False
        call.say(Speech(f"You said {turn.text}" if self.answers is None else self.answers))

    async def known(self, sender):
        return self.known_now

    def record(self, sender, format_):
        return None if self.recording is None else (Recorder(self.recording, format_), "It is recorded.")

    def may_analyse(self, sender):
        return self.allowed


class Line:
    """The other end: what was sent, and what is still to come."""

    def __init__(
        self,
        bot,
        *,
        lines=(),
        local=None,
        voices=None,
        settings=None,
        remote=False,
        speed=SPEED,
        broken=False,
        gather_secs=0.0,
    ):
        self.bot, self.sent, self.times, self.inbox = bot, [], [], asyncio.Queue()
        self.voices = voices or [Voice()]
        self.made, self.over = [], False
        self.news = asyncio.Condition()

        def make():
            recogniser = ScriptedRecogniser(lines, is_remote=remote, fails_to_start=broken)
            self.made.append(recogniser)
            return recogniser

        settings = settings or CallSettings(**QUIET)
        parts = Parts(
            SharedHearing(LoudnessAnalyzer()), make, self.voices, local, settings, gather_secs=lambda: gather_secs
        )
        self.call = Call(JsonAudio("call-1", events=True), self.take, bot, parts, Clock(speed))
        self.running = asyncio.ensure_future(self.run())

    async def run(self):
        try:
            await self.call.run(self.inbox.get)
        finally:
            async with self.news:
                self.over = True
                self.news.notify_all()

    async def take(self, message):
        async with self.news:
            self.sent.append(json.loads(message))
            self.times.append(asyncio.get_running_loop().time())
            self.news.notify_all()

    async def send(self, **message):
        await self.inbox.put(json.dumps(message))

    async def say(self, samples, frame=1600, *, at_once=False):
        """Send sound as time goes by, which it does faster here."""
        for start in range(0, len(samples), frame):
            audio = base64.b64encode(samples[start : start + frame].tobytes()).decode()
            await self.send(type="audio", audio=audio)
            if not at_once:
                await self.call._clock.sleep(min(frame, len(samples) - start) / 16_000)

    def told(self, kind):
        return [message for message in self.sent if message.get("event") == kind]

    def heard(self):
        """The words that the bot said, as the client was told."""
        return [event["text"] for event in self.told("bot")]

    async def until(self, what):
        async with self.news:
            await self.news.wait_for(lambda: what() or self.over)
        return what()

    async def hang_up(self):
        await self.inbox.put(None)
        await self.running


@pytest.fixture
async def bot():
    return Bot()


async def test_each_turn_goes_to_the_bot_with_its_words_and_its_voice(bot):
    line = Line(bot, lines=[ONE, TWO])
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: line.told("state"))
    await line.say(line_of(speech(TWO, level=0.2), 1.0))
    await line.until(lambda: len(line.told("state")) == 2)
    await line.hang_up()
    assert [turn.text for turn in bot.turns] == [ONE, TWO]
    assert [turn.audio.emotion for turn in bot.turns] == ["angry", "neutral"]
    assert bot.turns[0].metadata == {"text_confidence": 0.9}
    assert line.heard() == [f"You said {ONE}", f"You said {TWO}"]
    assert [event["text"] for event in line.told("partial")] == ["I have", "nobody calls"]
    assert line.call.outcome == "hangup"
    assert line.made[0].closed


async def test_updates_come_while_the_caller_still_speaks(bot):
    line = Line(bot, lines=[ONE])
    await line.say(line_of(0.3, speech(ONE)))
    await line.until(lambda: len(line.told("emotion")) >= 3)
    assert line.told("turn") == []
    assert line.told("emotion")[0]["emotion"] == "angry"
    await line.hang_up()


async def test_what_was_said_before_the_caller_hung_up_reaches_the_bot(bot):
    line = Line(bot, lines=[ONE])
    await line.say(line_of(0.3, speech(ONE)))
    await line.hang_up()
    assert [turn.text for turn in bot.turns] == [ONE]


async def test_the_caller_interrupts_the_bot(bot):
    bot.answers = "a" * 1200  # a minute
    line = Line(bot, lines=[ONE, TWO], speed=1)
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: any(message["type"] == "audio" for message in line.sent))
    await line.say(line_of(speech(TWO), 1.0))
    await line.until(lambda: any(message["type"] == "clear" for message in line.sent))
    at = next(index for index, message in enumerate(line.sent) if message["type"] == "clear")
    before = sum(len(base64.b64decode(m["audio"])) for m in line.sent[:at] if m["type"] == "audio") / 32_000
    assert before < 50
    await line.until(lambda: len(line.told("bot")) == 2)
    await line.hang_up()


async def test_sound_is_sent_little_ahead_of_its_playing(bot):
    bot.answers = "a" * 60  # 3 s
    line = Line(bot, lines=[ONE], speed=1)
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: any(message["type"] == "mark" for message in line.sent))
    await line.hang_up()
    sent = [(at, message) for at, message in zip(line.times, line.sent, strict=True) if message["type"] == "audio"]
    begun, played = sent[0][0], 0.0
    for at, message in sent:
        assert played <= at - begun + JsonAudio.lead_secs + 0.05
        played += len(base64.b64decode(message["audio"])) / 32_000
    assert played == pytest.approx(3.0, abs=0.01)


async def test_keys_make_a_turn(bot):
    line = Line(bot)
    for key in "123#":
        await line.send(type="digit", digit=key)
    await line.until(lambda: line.told("bot"))
    await line.send(type="digit", digit="4")
    await line.until(lambda: len(line.told("bot")) == 2)  # no further key comes
    await line.hang_up()
    assert [turn.text for turn in bot.turns] == ["123", "4"]


async def test_keys_may_be_an_intent(bot):
    line = Line(bot, settings=CallSettings(**QUIET, digit_intent="enter"))
    await line.send(type="digit", digit="7")
    await line.send(type="digit", digit="#")
    await line.until(lambda: line.told("bot"))
    await line.hang_up()
    assert bot.turns[0].text == '/enter{"digits": "7"}'


async def test_the_bot_may_begin(bot):
    bot.answers = "Good morning"
    line = Line(bot, settings=CallSettings(**QUIET, begin="/greet"))
    await line.until(lambda: line.told("bot"))
    await line.hang_up()
    assert [turn.text for turn in bot.turns] == ["/greet"]


async def test_silence_is_asked_about_and_then_ends_the_call(bot):
    settings = CallSettings(silence_secs=2, silence_times=2, flow=FlowLimits(idle_secs=1e6))
    line = Line(bot, settings=settings, speed=20)
    await line.running
    assert line.heard() == [settings.silence_text, settings.silence_text, settings.goodbye_text]
    assert line.call.outcome == "hungup"
    assert line.told("end")[0]["outcome"] == "hungup"


async def test_a_bot_that_escalates_has_the_call_transferred(bot):
    bot.known_now = Known(mood="hostile", escalated=True)
    line = Line(bot, lines=[ONE], settings=CallSettings(**QUIET, transfer=True))
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.running
    assert line.call.outcome == "transfer"
    assert line.heard() == [f"You said {ONE}"]  # which was said before


async def test_no_to_the_analysis_holds_from_the_next_window_on(bot):
    line = Line(bot, lines=["stop analysing my voice", TWO])
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: line.told("consent"))
    before = len(line.told("emotion"))
    await line.say(line_of(speech(TWO), 1.0))
    await line.until(lambda: len(line.told("state")) == 2)
    await line.hang_up()
    assert len(line.told("emotion")) == before
    assert bot.turns[1].text == TWO
    assert bot.turns[1].audio is None
    assert line.told("turn")[1]["emotion"] == "unknown"


async def test_a_no_from_elsewhere_holds_in_the_middle_of_a_sentence(bot):
    line = Line(bot, lines=[ONE])
    await line.say(line_of(0.3, speech(ONE)[:20_000]))
    await line.until(lambda: len(line.told("emotion")) >= 2)
    bot.allowed = False
    await line.say(line_of(speech(ONE)[20_000:], 1.0))
    await line.until(lambda: line.told("state"))
    await line.hang_up()
    assert line.told("consent") == [{"type": "event", "event": "consent", "analysed": False}]
    assert bot.turns[0].audio is None


async def test_who_said_no_is_heard_by_no_recogniser_in_the_cloud(bot):
    bot.allowed = False
    line = Line(bot, lines=[ONE], remote=True)
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: any(event["state"] == "end" for event in line.told("speech")))
    await line.hang_up()
    assert [recogniser.fed for recogniser in line.made] == [0]
    assert bot.turns == []


async def test_who_says_no_in_the_call_is_taken_from_the_cloud(bot):
    local = ScriptedRecogniser([TWO])
    line = Line(bot, lines=["stop analysing my voice"], remote=True, local=lambda: local)
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: line.told("consent"))
    (cloud,) = [recogniser for recogniser in line.made if recogniser.fed]
    fed = cloud.fed
    await line.say(line_of(speech(TWO), 1.0))
    await line.until(lambda: len(line.told("state")) == 2)
    await line.hang_up()
    assert cloud.closed
    assert cloud.fed == fed
    assert local.started_at == pytest.approx(fed / 16_000, abs=0.3)
    assert bot.turns[1].text == TWO


async def test_the_operator_may_hold_the_cloud_for_part_of_the_service(bot):
    bot.allowed = False
    line = Line(bot, lines=[ONE], remote=True, settings=CallSettings(**QUIET, cloud_after_no=True))
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: line.told("state"))
    await line.hang_up()
    assert bot.turns[0].text == ONE
    assert bot.turns[0].audio is None


@pytest.mark.parametrize("when", ["at the start", "in the call"])
async def test_a_recogniser_that_dies_is_told_and_the_emotion_goes_on(bot, when):
    line = Line(bot, lines=["!"], broken=when == "at the start")
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: line.told("state"))
    await line.hang_up()
    assert CallSettings().deaf_text in line.heard()
    assert line.told("emotion")
    assert bot.turns[0].text == ""
    assert bot.turns[0].audio.emotion == "angry"


async def test_a_turn_that_fails_or_is_refused_does_not_end_the_call(bot, caplog):
    line = Line(bot, lines=["fail", "refuse", TWO])
    for number in (1, 2, 3):
        await line.say(line_of(0.3, speech(ONE), 1.0))
        await line.until(lambda number=number: len(bot.turns) == number)
        await line.until(lambda: line.told("bot") or len(bot.turns) < 3)
    await line.hang_up()
    assert line.heard() == [f"You said {TWO}"]
    assert [getattr(record, "event", "") for record in caplog.records if record.levelname == "ERROR"] == [
        "voice.turn.failed"
    ]


async def test_where_the_voice_fails_the_second_one_speaks(bot):
    second = Voice()
    line = Line(bot, lines=[ONE], voices=[Voice(fails=True), second])
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: any(message["type"] == "audio" for message in line.sent))
    await line.hang_up()
    assert [said.text for said in second.said] == [f"You said {ONE}"]


async def test_words_that_the_line_brings_meet_their_voice(bot):
    line = Line(bot)
    await line.say(line_of(0.3, speech(ONE)))
    await line.send(type="transcript", text=ONE, confidence=0.7)
    await line.say(silence(1.0))
    await line.until(lambda: line.told("state"))
    await line.say(line_of(speech(TWO), 1.0))
    await line.until(lambda: [e["state"] for e in line.told("speech")].count("end") == 2)
    await line.send(type="transcript", text=TWO)  # late
    await line.until(lambda: len(line.told("state")) == 2)
    await line.hang_up()
    assert [(turn.text, turn.audio.emotion) for turn in bot.turns] == [(ONE, "angry"), (TWO, "angry")]
    assert bot.turns[0].metadata == {"text_confidence": 0.7}


async def test_words_without_a_voice_are_a_turn(bot):
    line = Line(bot)
    await line.say(silence(0.5))
    await line.send(type="transcript", text="typed")
    await line.until(lambda: line.told("bot"))
    await line.hang_up()
    assert [(turn.text, turn.audio) for turn in bot.turns] == [("typed", None)]


async def test_a_short_sound_without_words_is_no_turn(bot):
    line = Line(bot, lines=["", ONE])
    await line.say(line_of(0.3, speech("uh"), 1.0, speech(ONE), 1.0))
    await line.until(lambda: line.told("state"))
    await line.hang_up()
    assert [turn.text for turn in bot.turns] == [ONE]


async def test_frames_of_ten_seconds_are_heard_like_short_ones(bot):
    line = Line(bot, lines=[ONE])
    await line.say(line_of(0.3, speech(ONE), 8.0), frame=160_000)
    await line.until(lambda: line.told("state"))
    await line.hang_up()
    assert bot.turns[0].audio.emotion == "angry"


async def test_sound_that_is_gathered_is_heard_like_frames_one_by_one(bot):
    sound, decided, sizes = line_of(0.3, speech(ONE), 1.5), [], []
    sound = sound[: len(sound) // 320 * 320]
    for gather_secs in (0.0, 0.1):
        line = Line(bot, lines=[ONE], gather_secs=gather_secs)
        pieces = []
        while line.call._live is None:
            await asyncio.sleep(0.01)
        live = line.call._live
        feed = live.feed
        live.feed = lambda data, pieces=pieces, live=live, feed=feed: (
            pieces.append((live.pausing, len(data))),
            feed(data),
        )[1]
        await line.say(sound, frame=320)
        await line.until(lambda line=line: line.told("state"))
        await line.hang_up()
        decided.append(line.told("turn")[0]["decided"])
        sizes.append(pieces)
    assert decided[0] == decided[1]
    assert {size for _, size in sizes[0]} == {640}
    # Fewer frames than five where this machine made the line wait.
    gathered = {size for pausing, size in sizes[1] if not pausing}
    assert 3200 in gathered
    assert gathered <= set(range(640, 3201, 640))
    assert {size for pausing, size in sizes[1] if pausing} == {640}


async def test_what_was_gathered_is_heard_though_the_line_falls_silent(bot):
    line = Line(bot, gather_secs=1.0)
    await line.say(silence(0.5), frame=320)
    while line.call._live is None or line.call._live.heard_secs < 0.5:
        await asyncio.sleep(0.01)
    await line.hang_up()


async def test_who_floods_is_held_back_and_then_closed_with_a_reason(bot):
    limits = FlowLimits(burst_secs=2, patience_secs=1, idle_secs=1e9)
    line = Line(bot, settings=CallSettings(silence_secs=None, flow=limits), speed=1)
    flood = asyncio.ensure_future(line.say(silence(600), at_once=True))
    with pytest.raises(LineClosed, match="faster than time") as closed:
        await line.running
    assert closed.value.code == 1008
    assert line.inbox.qsize() > 1000  # it was not read as fast as it came
    assert line.call.outcome == "closed"
    flood.cancel()


async def test_a_clock_that_runs_fast_is_no_flood(bot):
    limits = FlowLimits(burst_secs=0.5, patience_secs=1, idle_secs=1e9)
    line = Line(bot, settings=CallSettings(silence_secs=None, flow=limits), speed=20)
    for _ in range(100):
        await line.say(silence(0.105), at_once=True)
        await line.call._clock.sleep(0.1)
    await line.hang_up()
    assert line.call.outcome == "hangup"


async def test_who_sends_nothing_is_closed(bot):
    line = Line(bot, settings=CallSettings(silence_secs=None, flow=FlowLimits(idle_secs=3)), speed=20)
    with pytest.raises(LineClosed, match="Nothing has come"):
        await line.running


async def test_text_where_audio_belongs_is_passed_over_until_it_is_too_much(bot, caplog):
    limits = FlowLimits(most_faults=5, idle_secs=1e9)
    line = Line(bot, lines=[ONE], settings=CallSettings(silence_secs=None, flow=limits))
    for content in ("hello", "[1]", '{"type": "audio", "audio": "hello"}'):
        await line.inbox.put(content)
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: line.told("state"))
    assert bot.turns[0].text == ONE
    for _ in range(4):
        await line.inbox.put("hello")
    with pytest.raises(LineClosed, match="cannot be understood") as closed:
        await line.running
    assert closed.value.code == 1007
    assert [getattr(record, "event", "") for record in caplog.records].count("voice.message.refused") == 1


async def test_a_call_is_as_long_as_it_may(bot):
    line = Line(
        bot, settings=CallSettings(silence_secs=None, flow=FlowLimits(longest_secs=0.5, idle_secs=1e9)), speed=10
    )
    while not line.running.done():
        await line.say(silence(0.1))
    with pytest.raises(LineClosed, match="may last"):
        await line.running


async def test_subscribers_are_told_until_they_leave(bot):
    line = Line(bot, lines=[ONE])
    heard = []
    leave = line.call.subscribe(heard.append)
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: line.told("state"))
    leave()
    kinds = {event["event"] for event in heard}
    assert {"speech", "emotion", "turn", "bot", "state"} <= kinds
    await line.hang_up()
    assert not any(event["event"] == "end" for event in heard)


async def test_a_client_that_vanishes_while_the_bot_speaks_ends_the_call(bot):
    line = Line(bot, lines=[ONE])

    async def gone(message):
        raise ConnectionResetError

    line.call._outlet._raw_send = gone
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.running
    assert line.call.outcome == "hangup"


async def test_a_recorded_call_is_announced_and_holds_both_sides(bot, tmp_path):
    bot.recording = tmp_path / "call.wav"
    line = Line(bot, lines=[ONE])
    await line.say(line_of(0.3, speech(ONE), 3.0))
    await line.until(lambda: line.told("state"))
    await line.hang_up()
    assert line.heard()[0] == "It is recorded."
    samples, rate = soundfile.read(bot.recording)
    assert rate == 16_000
    assert len(samples) == len(line_of(0.3, speech(ONE), 3.0))
    assert np.abs(samples).max(axis=0).min() > 0.1


async def test_who_says_no_is_not_recorded(bot, tmp_path):
    bot.recording = tmp_path / "call.wav"
    line = Line(bot, lines=["stop analysing my voice"])
    await line.say(line_of(0.3, speech(ONE), 1.0))
    await line.until(lambda: line.told("consent"))
    await line.hang_up()
    assert not bot.recording.exists()
    bot.allowed = False
    again = Line(bot)
    await again.until(lambda: again.told("call"))
    await again.hang_up()
    assert again.heard() == []
    assert not bot.recording.exists()


async def test_who_is_held_back_does_not_count_as_gone(bot):
    limits = FlowLimits(burst_secs=1, patience_secs=1e9, idle_secs=5)
    line = Line(bot, settings=CallSettings(silence_secs=None, flow=limits), speed=20)
    await line.say(silence(20), frame=20 * 16_000, at_once=True)  # 17 s too early
    await line.hang_up()
    assert line.call.outcome == "hangup"
