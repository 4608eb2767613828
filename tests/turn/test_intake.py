"""Each duty of the intake, asked of it without any channel."""

import asyncio
import gc
from functools import reduce

import pytest
from fake_analyzer import FakeAnalyzer

from rasa_emotion.audio import Waveform
from rasa_emotion.conversation.commands import HEARD_PREFIX
from rasa_emotion.errors import ConfigError
from rasa_emotion.protocol import Analyzer
from rasa_emotion.turn.consent import shared_consents
from rasa_emotion.turn.evidence import EVIDENCE_KEY, ChannelEvidence
from rasa_emotion.turn.intake import SWITCHED_OFF, Intake
from rasa_emotion.turn.message import Audio, Taken, Turn, TurnRefused

NESTED = reduce(lambda inner, _: [inner], range(5000), [])


@pytest.fixture(autouse=True)
def choices(tmp_path, monkeypatch):
    """The record of consents, in a folder of its own."""
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(f"rasa_emotion: {{database: 'sqlite:///{tmp_path}/emotion.db'}}")
    monkeypatch.setenv("RASA_EMOTION_ENDPOINTS", str(endpoints))
    return shared_consents()


@pytest.fixture
def voice(tone):
    return Waveform(tone(400, 1.0))


class Bot:
    """Notes what it is told; waits until it `may_go_on`, and fails at the text "fail"."""

    def __init__(self):
        self.taken: list[Taken] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, taken):
        await self.may_go_on.wait()
        self.taken.append(taken)
        if taken.text in ("fail", "exit"):
            raise RuntimeError("on purpose") if taken.text == "fail" else SystemExit(1)


@pytest.fixture
async def bot():
    return Bot()


def intake(analyzer: Analyzer | None = None, **options) -> Intake:
    return Intake("MyChannel", options, analyzer=lambda: analyzer or FakeAnalyzer())


async def refused(turn, bot, **options):
    with pytest.raises(TurnRefused) as caught:
        await intake(**options).take(turn, bot)
    assert bot.taken == []
    return caught.value.status, str(caught.value)


async def test_words_go_through(bot):
    taken = await intake().take(Turn("alice", " hello ", metadata={"shop": 7}, message_id="7"), bot)
    assert bot.taken == [taken] == [Taken("alice", "hello", {"shop": 7}, "7")]


async def test_a_voice_becomes_trusted_evidence(bot, voice):
    taken = await intake().take(Turn("alice", "hello", voice, {"shop": 7}, "phone"), bot)
    assert taken.metadata["shop"] == 7
    assert isinstance(taken.metadata[EVIDENCE_KEY], ChannelEvidence)
    assert taken.message_id.startswith(HEARD_PREFIX)
    assert (taken.input_channel, taken.warning, taken.failed) == ("phone", None, False)


async def test_a_client_writes_no_evidence(bot):
    metadata = {"shop": 7, "emotion_evidence": {"acoustic": {}}, "emotion_estimate": {"emotion": "angry"}}
    assert (await intake().take(Turn("alice", "hello", metadata=metadata), bot)).metadata == {"shop": 7}
    assert "emotion_evidence" in metadata  # which stays the channel's own


@pytest.mark.parametrize("text", ["", "...", "\u200b", " ?! "])
async def test_a_voice_without_a_word_has_an_intent_of_its_own(bot, voice, text):
    mine = intake(voice_intent="only_voice")
    assert (await mine.take(Turn("alice", text, voice), bot, intents={"only_voice"})).text == "/only_voice"
    with pytest.raises(TurnRefused, match="no intent 'only_voice'"):
        await mine.take(Turn("alice", text, voice), bot, intents={"greet"})
    assert len(bot.taken) == 1
    # Words alone are the client's to answer for.
    if text.strip():
        assert (await mine.take(Turn("alice", text), bot)).text == text.strip()


async def test_what_cannot_be_heard_is_told_and_the_turn_goes_on(bot):
    taken = await intake().take(Turn("alice", "hello", Audio(b"no sound at all")), bot)
    assert (taken.text, taken.metadata) == ("hello", None)
    assert taken.warning.endswith(".")


async def test_the_voice_of_who_said_no_is_not_even_decoded(bot, choices, monkeypatch):
    monkeypatch.setattr("rasa_emotion.turn.intake.listen", lambda *_, **__: pytest.fail("it was listened to"))
    choices.set("alice", False)
    for turn in (Turn("alice", "hello", Audio(b"x")), Turn("bob", "/emotion_off", Audio(b"x"))):
        taken = await intake().take(turn, bot)
        assert (taken.metadata, taken.warning) == (None, SWITCHED_OFF)
        assert taken.message_id is None


async def test_a_choice_is_noted_before_the_bot_hears_of_it(bot, choices):
    bot.may_go_on.clear()
    waiting = asyncio.create_task(intake().take(Turn("alice", "/emotion_off"), bot))
    while choices.allows("alice"):
        await asyncio.sleep(0.01)
    assert bot.taken == []
    bot.may_go_on.set()
    await waiting
    await intake().take(Turn("alice", "/emotion_on"), bot)
    assert choices.allows("alice")


async def test_the_turns_of_a_caller_keep_their_order(bot, voice):
    mine = intake()
    bot.may_go_on.clear()
    turns = [Turn("alice", "first", voice), Turn("alice", "second"), Turn("bob", "other")]
    tasks = [asyncio.create_task(mine.take(turn, bot)) for turn in turns]
    await asyncio.sleep(0)
    bot.may_go_on.set()
    await asyncio.gather(*tasks)
    alice = [taken.text for taken in bot.taken if taken.sender == "alice"]
    assert alice == ["first", "second"]
    assert "other" in [taken.text for taken in bot.taken]


async def test_a_turn_waits_until_the_one_before_is_answered(bot):
    mine = intake()
    bot.may_go_on.clear()
    first = asyncio.create_task(mine.take(Turn("alice", "first"), bot))
    second = asyncio.create_task(mine.take(Turn("alice", "second"), bot))
    done, _ = await asyncio.wait([first, second], timeout=0.05)
    assert done == set()
    bot.may_go_on.set()
    await asyncio.gather(first, second)
    assert [taken.text for taken in bot.taken] == ["first", "second"]


async def test_only_so_many_wait(bot):
    mine = intake(max_waiting=2)
    bot.may_go_on.clear()
    tasks = [asyncio.create_task(mine.take(Turn("alice", str(number)), bot)) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TurnRefused) as caught:
        await mine.take(Turn("alice", "one too many"), bot)
    assert caught.value.status == 429
    bot.may_go_on.set()
    await asyncio.gather(*tasks, mine.take(Turn("bob", "other"), bot))
    assert (await mine.take(Turn("alice", "now"), bot)).failed is False
    del caught, tasks  # whose frames hold on to the line
    gc.collect()
    assert len(mine._lines) == 0


async def test_who_gives_up_waiting_keeps_no_place(bot):
    mine = intake(max_waiting=1)
    bot.may_go_on.clear()
    first = asyncio.create_task(mine.take(Turn("alice", "first"), bot))
    second = asyncio.create_task(mine.take(Turn("alice", "second"), bot))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    third = asyncio.create_task(mine.take(Turn("alice", "third"), bot))
    await asyncio.sleep(0)
    bot.may_go_on.set()
    await asyncio.gather(first, third)
    assert [taken.text for taken in bot.taken] == ["first", "third"]


@pytest.mark.parametrize("text", ["fail", "exit"])
async def test_a_bot_that_fails_costs_one_line_and_blocks_nobody(bot, text, caplog):
    mine = intake()
    assert (await mine.take(Turn("alice", text), bot)).failed is True
    assert (await mine.take(Turn("alice", "again"), bot)).failed is False
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "alice" not in caplog.text


@pytest.mark.parametrize("name", ["", "a" * 256, "a\x00", "a\nb", "\ud800", "\u202e"])
@pytest.mark.parametrize("key", ["sender", "input_channel"])
async def test_a_name_that_cannot_be_stored_is_refused(bot, key, name):
    turn = Turn(**{"sender": "alice", "text": "hello", key: name})
    assert await refused(turn, bot) == (400, f"'{key}' must have 1 to 255 printable characters.")


@pytest.mark.parametrize("name", [None, "+44 7700 900123", "a" * 255, "Žofie", "bob'; --"])
async def test_a_name_that_can_is_not(bot, name):
    assert (await intake().take(Turn(name, "hello", input_channel=name), bot)).sender == name


@pytest.mark.parametrize(
    ("turn", "status", "sentence"),
    [
        (Turn("a"), 400, "neither words nor sound"),
        (Turn("a", "  "), 400, "neither words nor sound"),
        (Turn("a", "x" * 2001), 413, "2,001 characters, more than the 2,000 allowed"),
        (Turn("a", "x", metadata={"a": "x" * 16_000}), 413, "16.0 kB as JSON, more than the 16 kB"),
        (Turn("a", "x", metadata={"a": [float("nan")]}), 400, "In 'metadata': NaN"),
        (Turn("a", "x", metadata={"a": NESTED}), 400, "nested too deeply"),
        (Turn("a", '/inform{"city": NaN}'), 400, "In 'message': NaN"),
        (Turn("a", "x", metadata={"a": b""}), 400, "something in it is not JSON"),
    ],
)
async def test_what_is_too_much_is_refused(bot, turn, status, sentence):
    found, message = await refused(turn, bot)
    assert found == status
    assert sentence in message


async def test_limits_can_be_set(bot):
    assert (await intake(max_chars=5000).take(Turn("a", "x" * 5000), bot)).text == "x" * 5000
    assert (await refused(Turn("a", "four"), Bot(), max_chars=3))[0] == 413


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_waiting": 0}, "'max_waiting' is 0"),
        ({"max_chars": "many"}, "'max_chars' is 'many'"),
        ({"max_char": 3}, "did you mean 'max_chars'"),
        ({"analyse": "agent"}, "Article 5"),
    ],
)
def test_bad_options_are_refused(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Intake("MyChannel", options)
