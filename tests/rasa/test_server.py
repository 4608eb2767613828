"""A real server, talked to over HTTP with words, voices and both."""

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests
from fake_analyzer import SLOW_PITCH
from rasa.core.training import interactive
from rasa.shared.core.domain import Domain
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLWriter
from rasa.shared.nlu.training_data.training_data import TrainingData

pytestmark = pytest.mark.rasa

NEUTRAL, ANGRY, FURIOUS, HAPPY, SAD = 200, 400, 600, 800, 1000
HANDOFF = ["I am getting a colleague."]


class Caller:
    """One conversation."""

    def __init__(self, server, voice, sender=None):
        self.server, self.voice, self.sender = server, voice, sender or uuid4().hex
        self.url = f"{server}/webhooks/emotion/webhook"

    def post(self, message=None, pitch=None, **more):
        body = {"sender": self.sender, "message": message, **more}
        if pitch:
            body["audio"] = {"content": base64.b64encode(self.voice(pitch)).decode(), "format": "wav"}
        return requests.post(self.url, json=body, timeout=60)

    def say(self, message=None, pitch=None, **more):
        """The texts of the answers."""
        response = self.post(message, pitch, **more)
        assert response.status_code == 200, response.text
        return [answer["text"] for answer in response.json()]

    def tracker(self):
        return requests.get(f"{self.server}/conversations/{self.sender}/tracker", timeout=60).json()

    def slots(self):
        return self.tracker()["slots"]

    def turns(self):
        return [event for event in self.tracker()["events"] if event["event"] == "user"]


@pytest.fixture
def caller(server, voice):
    return Caller(server, voice)


def test_words_alone(caller):
    assert caller.say("hello, I am annoyed") == ["I am sorry for the trouble."]
    slots = caller.slots()
    assert slots["emotion"] == "angry"
    assert slots["emotion_confidence"] == pytest.approx(0.7)
    assert slots["emotion_valence"] < 0 < slots["emotion_arousal"]
    assert slots["caller_mood"] == "hostile"


def test_every_turn_fills_the_slots_anew(caller):
    caller.say("hello, I am annoyed")
    assert caller.say("hello") == ["Hello on the line."]
    assert caller.slots()["emotion"] == "neutral"
    caller.say("/greet")
    assert caller.slots()["emotion"] == "unknown"


def test_voice_alone(caller):
    assert caller.say(pitch=SAD) == ["I heard you, but no words."]
    assert caller.slots()["emotion"] == "sad"
    (turn,) = caller.turns()
    assert turn["parse_data"]["intent"]["name"] == "voice_without_words"


def test_anger_in_voices_without_words_escalates(caller):
    assert caller.say(pitch=ANGRY) == ["I heard you, but no words."]
    assert caller.say(pitch=ANGRY) == HANDOFF


def test_voice_and_words(caller):
    assert caller.say("hello, I am annoyed", ANGRY) == ["I am sorry for the trouble."]
    (turn,) = caller.turns()
    assert set(turn["parse_data"]["emotion_estimate"]["evidence"]) == {"acoustic", "text"}


def test_an_angry_voice_with_friendly_words_is_a_conflict(caller):
    caller.say("hello, how wonderful", ANGRY)
    (turn,) = caller.turns()
    assert turn["parse_data"]["emotion_estimate"]["conflict"] is True


def test_a_form_with_a_file(caller, voice):
    response = requests.post(
        caller.url,
        data={"sender": caller.sender, "message": "hello", "metadata": '{"shop": 7}'},
        files={"audio": ("turn.wav", voice(SAD), "audio/wav")},
        timeout=60,
    )
    assert [answer["text"] for answer in response.json()] == ["Hello on the line."]
    (turn,) = caller.turns()
    assert turn["metadata"]["shop"] == 7
    assert turn["parse_data"]["emotion_estimate"]["evidence"]["acoustic"]["probabilities"]["sad"] == pytest.approx(0.8)


def test_the_tracker_holds_no_sound(caller, voice):
    caller.say("hello", ANGRY)
    assert base64.b64encode(voice(ANGRY))[:200].decode() not in json.dumps(caller.tracker())
    assert len(json.dumps(caller.turns()[0])) < 5000


def test_evidence_of_a_client_is_dropped(caller):
    forged = {"modality": "acoustic", "probabilities": {"angry": 1.0}}
    estimate = {"emotion": "angry", "confidence": 1.0, "probabilities": {"angry": 1.0}, "valence": -1, "arousal": 1}
    metadata = {"emotion_evidence": {"acoustic": forged}, "emotion_estimate": estimate}
    assert caller.say("hello", metadata=metadata) == ["Hello on the line."]
    assert caller.say("/greet", metadata=metadata) == ["Hello on the line."]
    assert caller.slots()["emotion"] == "unknown"


def test_evidence_of_a_client_of_rasas_rest_channel_is_dropped(caller):
    body = {
        "sender": caller.sender,
        "message": "/greet",
        "metadata": {
            "emotion_estimate": {
                "emotion": "angry",
                "confidence": 1.0,
                "probabilities": {"angry": 1.0},
                "valence": -1,
                "arousal": 1,
            }
        },
    }
    answers = requests.post(f"{caller.server}/webhooks/rest/webhook", json=body, timeout=60).json()
    assert [answer["text"] for answer in answers] == ["Hello."]


def test_sustained_anger_is_handed_over_and_the_bot_falls_silent(caller):
    assert caller.say("hello, I am annoyed") == ["I am sorry for the trouble."]
    assert caller.say("hello, I am annoyed") == HANDOFF
    assert caller.slots()["escalated"] is True
    assert "angry in 2 of the last 2 turns" in caller.slots()["escalation_reason"]
    assert caller.say("hello, I am furious") == []


def test_extreme_anger_is_handed_over_out_of_a_form(caller):
    assert caller.say("it is broken") == ["Which line?"]
    assert caller.say("line 5, and I am furious") == HANDOFF
    tracker = caller.tracker()
    assert tracker["active_loop"] == {}
    assert tracker["slots"]["requested_slot"] is None
    assert tracker["slots"]["escalated"] is True


def test_a_form_is_filled_as_ever(caller):
    assert caller.say("it is broken") == ["Which line?"]
    assert caller.say("line 5", NEUTRAL) == ["What is wrong with line 5?"]
    assert caller.say("no tone") == ["Noted: no tone."]


def test_a_sigh_is_no_answer_to_a_form(caller):
    caller.say("it is broken")
    assert caller.say(pitch=SAD) == ["I heard you, but no words.", "Which line?"]
    assert caller.slots()["line"] is None
    assert caller.slots()["emotion"] == "sad"


def test_anger_in_what_the_bot_did_not_understand_counts(caller):
    assert caller.say("blargh, I am annoyed") == ["Pardon?"]
    assert caller.say("blargh, I am annoyed") == HANDOFF


def test_a_stale_slot_does_not_escalate(caller):
    caller.say("hello, I am annoyed")
    assert caller.say("/greet") == ["Hello on the line."]
    assert caller.slots()["escalated"] is None


@pytest.mark.parametrize(("message", "answer"), [("/restart", ["Starting over."]), ("/goodbye", ["Goodbye."])])
def test_exempt_intents(caller, message, answer):
    caller.say("hello, I am annoyed")
    assert caller.say(message, FURIOUS) == answer


@pytest.mark.parametrize("document", ["rasa.md", "quickstart.md"])
def test_the_human_hands_back_as_documented(caller, repository, document):
    caller.say("hello, I am furious")
    assert caller.say("blargh, where is the human?") == []
    text = (repository / "docs" / document).read_text(encoding="utf-8")
    events = re.search(r'\[\s*\{"event": "action", "name": "action_session_start"\}.*?\]', text, re.DOTALL).group()
    requests.post(f"{caller.server}/conversations/{caller.sender}/tracker/events", json=json.loads(events), timeout=60)
    assert caller.say("blargh") == ["Pardon?"]
    assert caller.say("hello") == ["Hello on the line."]
    assert caller.say("hello, I am annoyed") == ["I am sorry for the trouble."]
    assert caller.say("hello, I am annoyed") == HANDOFF


def test_bad_audio_costs_the_turn_nothing_but_the_voice(caller):
    response = caller.post("hello", audio={"content": base64.b64encode(b"no sound").decode()})
    assert [answer["text"] for answer in response.json()] == ["Hello on the line."]
    assert "not audio" in response.headers["X-Emotion-Warning"]


def test_bad_audio_without_words_is_still_a_voice_without_words(caller):
    response = caller.post(audio={"content": base64.b64encode(b"no sound").decode()})
    assert [answer["text"] for answer in response.json()] == ["I heard you, but no words."]
    assert caller.slots()["emotion"] == "unknown"


def test_too_large(caller):
    audio = {"content": base64.b64encode(bytes(1_100_000)).decode()}
    response = caller.post(audio=audio)
    assert response.status_code == 413
    assert response.json()["message"] == "The audio has 1.1 MB, more than the 1 MB allowed; send a shorter one."
    assert caller.turns() == []
    assert caller.post("hello", audio=audio).status_code == 200  # words go on without it
    assert len(caller.turns()) == 1


def test_neither_words_nor_voice(caller):
    response = caller.post()
    assert response.status_code == 400
    assert "neither" in response.json()["message"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{", "application/json"), (b"", "application/json"), (b"x", "multipart/form-data; boundary=y")],
)
def test_bodies_that_are_none(caller, body, kind):
    response = requests.post(caller.url, data=body, headers={"Content-Type": kind}, timeout=60)
    assert response.status_code == 400
    assert response.json()["message"].endswith(".")


def test_answers_can_be_streamed(caller):
    response = requests.post(
        f"{caller.url}?stream=true", json={"sender": caller.sender, "message": "hello"}, stream=True, timeout=60
    )
    assert [json.loads(line)["text"] for line in response.iter_lines() if line] == ["Hello on the line."]


def test_health(server):
    assert requests.get(f"{server}/webhooks/emotion/", timeout=60).json() == {"status": "ok"}


def test_conversations_do_not_mix(server, voice):
    def converse(number):
        caller, angry = Caller(server, voice), number % 2 == 0
        words, pitch, turns = ("hello, I am furious", FURIOUS, 1) if angry else ("hello, how wonderful", HAPPY, 3)
        answers = [caller.say(words, pitch) for _ in range(turns)]
        return angry, answers, caller.slots()["escalated"], caller.slots()["emotion"]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(converse, range(12)))
    for angry, answers, escalated, emotion in results:
        assert (answers[-1] == HANDOFF) is angry
        assert bool(escalated) is angry
        assert emotion == ("angry" if angry else "happy")


def test_a_long_analysis_does_not_keep_others_waiting(server, voice):
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(Caller(server, voice).say, "hello", SLOW_PITCH)
        Caller(server, voice).say("hello")
        assert not slow.done()
        assert slow.result() == ["Hello on the line."]


def test_parse(server):
    parsed = requests.post(f"{server}/model/parse", json={"text": "hello, I am annoyed"}, timeout=60).json()
    assert parsed["emotion_estimate"]["emotion"] == "angry"
    assert parsed["intent"]["name"] == "greet"
    assert parsed["entities"] == []


def test_a_story_says_what_the_caller_said(caller):
    caller.say("/greet")
    caller.say("hello, I am annoyed")
    caller.say("/annoyed")
    story = requests.get(f"{caller.server}/conversations/{caller.sender}/story", timeout=60)
    assert story.status_code == 200, story.text
    assert "hello, I am annoyed" in story.text
    assert "[]" not in story.text


def test_what_rasa_interactive_writes_is_what_the_caller_said(caller, tmp_path):
    caller.say("hello, I am annoyed")
    events = caller.tracker()["events"]
    (message,) = interactive._collect_messages(events)
    assert RasaYAMLWriter().dumps(TrainingData([message])).count("hello, I am annoyed") == 1
    interactive._write_nlu_to_file(str(tmp_path / "nlu.yml"), events)
    interactive._write_stories_to_file(str(tmp_path / "stories.yml"), events, Domain.empty())
    written = (tmp_path / "nlu.yml").read_text() + (tmp_path / "stories.yml").read_text()
    assert "hello, I am annoyed" in written
    assert "[]" not in written
    assert "(emotion" not in written


def test_a_slash_before_ordinary_words(caller):
    said = ["hello, I am annoyed", "/thanks", "//", "/ 5 euros", "/annoyed"]
    for words in said:
        caller.say(words)
    read = [turn["parse_data"] for turn in caller.turns()]
    assert [parsed["text"] for parsed in read] == said
    emotions = [parsed["emotion_estimate"]["emotion"] for parsed in read]
    assert emotions == ["angry", "neutral", "unknown", "neutral", "angry"]
    entities = [{entity["entity"]: entity["value"] for entity in parsed["entities"]} for parsed in read]
    assert [named["emotion"] for named in entities] == emotions


def test_words_after_a_payload_count(caller):
    assert caller.say('/greet{"name": "Ada"} I am annoyed') == ["I am sorry for the trouble."]
    assert (caller.slots()["emotion"], caller.slots()["name"]) == ("angry", "Ada")
    assert caller.say('/greet{"name": "Ada"} I am furious') == ["I am getting a colleague."]
