"""What helpdesks tell the bot: only what is signed and fresh, and whatever it holds."""

import time
from functools import cache

import pytest
from fakes.chatwoot import FakeChatwoot
from fakes.request_tracker import FakeRequestTracker
from fakes.server import FakeServer
from fakes.webhook import FakeWebhook
from fakes.zendesk import FakeZendesk
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.handoff.helpdesk import BadRequest, FromHuman, Helpdesk, PermanentFailure
from rasa_emotion.handoff.helpdesks import open_helpdesk

FAKES: dict[str, type[FakeServer]] = {
    "webhook": FakeWebhook,
    "chatwoot": FakeChatwoot,
    "zendesk": FakeZendesk,
    "request_tracker": FakeRequestTracker,
}
every = pytest.mark.parametrize("name", FAKES)
timed = pytest.mark.parametrize("name", ["webhook", "chatwoot", "request_tracker"])

HEADERS = {name: list(fake().sign(b"")) for name, fake in FAKES.items()}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@cache
def opened(name: str, **changes) -> tuple[FakeServer, Helpdesk]:
    fake = FAKES[name]()
    settings = {**fake.settings, "url": "https://helpdesk.example.com", **changes}
    return fake, open_helpdesk(settings)


def refused(helpdesk: Helpdesk, headers: dict[str, str], body: bytes) -> str:
    with pytest.raises(PermanentFailure) as caught:
        helpdesk.receive(headers, body)
    return str(caught.value)


@every
def test_words_and_the_hand_back(name: str) -> None:
    fake, helpdesk = opened(name)
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "Grüße 😀")))
    assert (said.ticket, said.text, said.hand_back, said.outcome) == ("7", "Grüße 😀", False, "")
    (back,) = helpdesk.receive(*fake.signed(fake.hand_back("7", "refunded")))
    assert (back.ticket, back.text, back.hand_back, back.outcome) == ("7", "", True, "refunded")
    assert said.id != back.id


@pytest.mark.parametrize("name", ["chatwoot", "zendesk"])
def test_the_packet_is_named_before_its_ticket_is_noted(name: str) -> None:
    fake, helpdesk = opened(name)
    known = {"custom_attributes": {"rasa_emotion": "k1"}, "metadata": {"rasa_emotion": "k1"}}
    if name == "chatwoot":
        fake.conversations.append({"id": 8, **known})
    else:
        fake.conversations["8"] = {"id": "8", **known}
    for event in (fake.words("8", "Hello"), fake.hand_back("8", "")):
        (said,) = helpdesk.receive(*fake.signed(event))
        assert said.key == "k1"
    (said,) = helpdesk.receive(*fake.signed(fake.words("9", "Hello")))
    assert said.key == ""


@pytest.mark.parametrize(("time", "at"), [("1970-01-01T00:01:00.500Z", 60.5), ("soon", None), (7, None), (None, None)])
def test_zendesk_says_when_it_happened(time: object, at: float | None) -> None:
    fake, helpdesk = opened("zendesk")
    (said,) = helpdesk.receive(*fake.signed({**fake.hand_back("7", ""), "createdAt": time}))
    assert said.at == at


@every
def test_the_same_event_has_the_same_id_and_another_another(name: str) -> None:
    fake, helpdesk = opened(name)
    event = fake.words("7", "Hello")
    assert helpdesk.receive(*fake.signed(event)) == helpdesk.receive(*fake.signed(event))
    if name == "chatwoot":
        again = fake.hand_back("7", "", updated_at=1_700_000_900.0)
        ids = {helpdesk.receive(*fake.signed(one))[0].id for one in (fake.hand_back("7", ""), again)}
        assert len(ids) == 2


@every
def test_headers_come_in_any_case(name: str) -> None:
    fake, helpdesk = opened(name)
    headers, body = fake.signed(fake.words("7", "Hello"))
    assert helpdesk.receive({key.lower(): value for key, value in headers.items()}, body)


@every
def test_what_is_not_signed_is_refused(name: str) -> None:
    fake, helpdesk = opened(name)
    headers, body = fake.signed(fake.words("7", "Hello"))
    for wrong in ({}, dict.fromkeys(headers, ""), {key: f"{value}0" for key, value in headers.items()}):
        message = refused(helpdesk, wrong, body)
        assert "refuses a request" in message
        assert "secret-" not in message
        assert "Hello" not in message


@timed
def test_what_is_altered_is_refused(name: str) -> None:
    fake, helpdesk = opened(name)
    headers, body = fake.signed(fake.words("7", "Hello"))
    refused(helpdesk, headers, body.replace(b"Hello", b"Hallo"))
    later = {key: str(int(value) + 1) if value.isdigit() else value for key, value in headers.items()}
    refused(helpdesk, later, body)


@timed
@pytest.mark.parametrize(("off_secs", "taken"), [(-290, True), (290, True), (-310, False), (310, False)])
def test_what_is_too_old_is_refused(name: str, off_secs: float, taken: bool) -> None:
    fake, helpdesk = opened(name)
    headers, body = fake.signed(fake.words("7", "Hello"), time.time() + off_secs)
    if taken:
        assert helpdesk.receive(headers, body)
    else:
        assert "300 s off" in refused(helpdesk, headers, body)


@timed
def test_the_tolerance_can_be_set(name: str) -> None:
    fake, helpdesk = opened(name, tolerance_secs=1000)
    assert helpdesk.receive(*fake.signed(fake.words("7", "Hello"), time.time() - 900))


@every
@given(data=st.data())
def test_garbage_without_a_signature_is_refused(name: str, data) -> None:
    _, helpdesk = opened(name)
    headers = data.draw(st.dictionaries(st.sampled_from(HEADERS[name]), st.text()))
    refused(helpdesk, headers, data.draw(st.binary()))


@every
@given(value=json_values)
def test_garbage_with_a_signature_is_refused_or_says_nothing(name: str, value) -> None:
    fake, helpdesk = opened(name)
    try:
        said = helpdesk.receive(*fake.signed(value))
    except PermanentFailure:
        return
    assert list(said) == []


@every
@given(data=st.data())
def test_a_field_that_is_not_what_it_should_be(name: str, data) -> None:
    fake, helpdesk = opened(name)
    event = data.draw(st.sampled_from([fake.words("7", "Hello"), fake.hand_back("7", "done")]))
    place = event["payload"] if name == "zendesk" else event
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values)
    try:
        said = helpdesk.receive(*fake.signed(event))
    except PermanentFailure:
        return
    assert all(isinstance(word, FromHuman) and isinstance(word.text, str) and isinstance(word.id, str) for word in said)
    assert all(word.text or word.hand_back or word.undelivered for word in said)


@every
def test_what_is_no_json_is_refused(name: str) -> None:
    fake, helpdesk = opened(name)
    for body in (b"", b"{", b"[" * 100_000, b"\xff"):
        with pytest.raises(BadRequest):
            helpdesk.receive(fake.sign(body), body)


@pytest.mark.parametrize(
    "changes",
    [
        {"message_type": "incoming"},
        {"message_type": "activity"},
        {"private": True},
        {"inbox": {"id": 8}},
        {"event": "message_updated"},
    ],
    ids=str,
)
def test_chatwoot_what_is_not_for_the_caller(changes) -> None:
    fake, helpdesk = opened("chatwoot")
    assert helpdesk.receive(*fake.signed(fake.words("7", "Hello", **changes))) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": None, "content_attributes": {"automation_rule_id": 12}},
        {"sender": None, "additional_attributes": {"campaign_id": 3}},
        {"sender": {"id": 1, "type": "user"}, "content_attributes": {"automation_rule_id": 12}},
        {"sender": None},
        {"sender": {"id": 2, "type": "agent_bot"}},
        {"sender": {"id": 2, "type": "captain_assistant"}},
        {"message_type": "template", "sender": None},
    ],
    ids=str,
)
def test_chatwoot_what_a_machine_wrote_is_told_and_marked(changes) -> None:
    fake, helpdesk = opened("chatwoot")
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "We are closed.", **changes)))
    assert (said.text, said.machine) == ("We are closed.", True)
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "Hello", content_attributes={}, additional_attributes={})))
    assert not said.machine


def test_chatwoot_formats_in_markdown() -> None:
    fake, helpdesk = opened("chatwoot")
    written = "Hello Ada,\\\n**Please** open [this](https://shop.example.com/a?b=1)\n\n<p>from 5 &lt; 6</p>"
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", written)))
    assert said.text == "Hello Ada,\nPlease open this (https://shop.example.com/a?b=1)\n\nfrom 5 < 6"
    assert said.spoken == "Hello Ada,\nPlease open this\n\nfrom 5 < 6"


def items(*rows: dict) -> dict:
    return {"content_attributes": {"items": list(rows)}}


@pytest.mark.parametrize(
    ("kind", "changes", "text", "lost"),
    [
        ("text", {}, "Hello", ""),
        ("incoming_email", {}, "Hello", ""),
        ("input_select", items({"title": "Yes", "value": "y"}, {"title": "No"}), "Hello\n- Yes\n- No", ""),
        (
            "cards",
            items(
                {
                    "title": "Lamp",
                    "description": "12 W",
                    "actions": [{"type": "link", "text": "Buy", "uri": "https://s/1"}],
                }
            ),
            "Hello\nLamp\n12 W\nBuy\nhttps://s/1",
            "",
        ),
        (
            "article",
            items({"title": "Returns", "description": "How", "link": "https://s/2"}),
            "Hello\nReturns\nHow\nhttps://s/2",
            "",
        ),
        ("form", items({"type": "text", "label": "Name"}), "Hello", "a form; ask in words, and the caller can answer"),
        ("input_email", {}, "Hello", "a field for an address"),
        ("input_text", {}, "Hello", "a field for text"),
        ("input_textarea", {}, "Hello", "a field for text"),
        ("input_csat", {}, "Hello", "a survey"),
        ("integrations", {}, "Hello", "what an integration shows"),
        ("sticker", {"content": None}, "", "a sticker"),
        ("voice_call", {"content": None}, "", "a voice call"),
        ("hologram", {}, "Hello", "the type hologram"),
        ("text", {"content": ""}, "", "an empty message"),
        ("text", {"content": None}, "", "an empty message"),
    ],
)
def test_chatwoot_each_type_is_told_or_given_back(kind: str, changes: dict, text: str, lost: str) -> None:
    fake, helpdesk = opened("chatwoot")
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "Hello", content_type=kind, **changes)))
    assert said.text == text
    assert said.undelivered.startswith(lost) or lost in said.undelivered
    assert bool(lost) == bool(said.undelivered)


def test_chatwoot_choices_are_spoken_without_their_marks() -> None:
    fake, helpdesk = opened("chatwoot")
    event = fake.words("7", "Which one?", content_type="input_select", **items({"title": "Yes"}, {"title": "No"}))
    (said,) = helpdesk.receive(*fake.signed(event))
    assert (said.text, said.spoken) == ("Which one?\n- Yes\n- No", "Which one?\nYes\nNo")


@pytest.mark.parametrize(
    ("file", "text", "lost"),
    [
        ({"file_type": "image", "data_url": "https://c/a.png"}, "https://c/a.png", ""),
        ({"file_type": "audio", "data_url": "https://c/a.ogg"}, "https://c/a.ogg", ""),
        ({"file_type": "video", "data_url": "https://c/a.mp4"}, "https://c/a.mp4", ""),
        ({"file_type": "file", "data_url": "https://c/a.pdf"}, "https://c/a.pdf", ""),
        ({"file_type": "share", "external_url": "https://c/s"}, "https://c/s", ""),
        ({"file_type": "fallback", "fallback_title": "A page"}, "A page", ""),
        ({"file_type": "contact", "fallback_title": "+49 30 1234"}, "+49 30 1234", ""),
        (
            {"file_type": "location", "fallback_title": "Shop", "coordinates_lat": 52.5, "coordinates_long": 13.4},
            "Shop\n52.5, 13.4",
            "",
        ),
        ({"file_type": "file"}, "", "a file (file) without an address"),
    ],
)
def test_chatwoot_each_kind_of_file_is_told_or_given_back(file: dict, text: str, lost: str) -> None:
    fake, helpdesk = opened("chatwoot")
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "", attachments=[file])))
    assert (said.text, said.undelivered) == (text, lost)


def test_chatwoot_files_come_as_addresses() -> None:
    fake, helpdesk = opened("chatwoot")
    files = [{"file_type": "image", "data_url": "https://chatwoot.example.com/a.png"}]
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "See:", attachments=files)))
    assert said.text == "See:\nhttps://chatwoot.example.com/a.png"


@pytest.mark.parametrize("changes", [{"status": "open"}, {"status": "pending"}, {"inbox_id": 8}], ids=str)
def test_chatwoot_what_is_no_hand_back(changes) -> None:
    fake, helpdesk = opened("chatwoot")
    assert helpdesk.receive(*fake.signed(fake.hand_back("7", "x", **changes))) == []


def test_zendesk_what_is_not_for_the_caller() -> None:
    fake, helpdesk = opened("zendesk")
    user = {"author": {"type": "user", "userId": "u"}}
    ours = {"metadata": {"rasa_emotion": "m1"}}
    for changes in (user, ours):
        assert helpdesk.receive(*fake.signed(fake.words("7", "Hello", **changes))) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"source": {"type": "zd:answerBot"}},
        {"source": {"type": "zd:survey"}},
        {"source": {"type": "ultimate"}},
        {"author": {"type": "business", "subtypes": ["AI"]}},
        {"author": {"type": "business", "subtypes": ["activity"]}},
    ],
    ids=str,
)
def test_zendesk_what_a_machine_wrote_is_told_and_marked(changes) -> None:
    fake, helpdesk = opened("zendesk")
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "We are closed.", **changes)))
    assert (said.text, said.machine) == ("We are closed.", True)
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "Hello")))
    assert not said.machine


BUY = {"type": "link", "text": "Buy", "uri": "https://s/1"}
LAMP = {"title": "Lamp", "description": "12 W", "mediaUrl": "https://s/lamp.png", "actions": [BUY]}


@pytest.mark.parametrize(
    ("content", "text", "lost"),
    [
        ({"type": "text", "text": "2 * 3 < 7"}, "2 * 3 < 7", ""),
        ({"type": "text", "markdownText": "**Hi**\nyou"}, "Hi\nyou", ""),
        ({"type": "text", "htmlText": "<p>Hi<br>there</p>"}, "Hi\nthere", ""),
        (
            {"type": "text", "text": "Choose", "actions": [BUY, {"type": "reply", "text": "No"}]},
            "Choose\nBuy\nhttps://s/1\nNo",
            "",
        ),
        ({"type": "image", "text": "See", "mediaUrl": "https://s/a.png"}, "See\nhttps://s/a.png", ""),
        ({"type": "file", "mediaUrl": "https://s/a.pdf"}, "https://s/a.pdf", ""),
        ({"type": "carousel", "items": [LAMP]}, "Lamp\n12 W\nhttps://s/lamp.png\nBuy\nhttps://s/1", ""),
        ({"type": "list", "items": [LAMP]}, "Lamp\n12 W\nhttps://s/lamp.png\nBuy\nhttps://s/1", ""),
        (
            {"type": "location", "coordinates": {"lat": 52.5, "long": 13.4}, "location": {"address": "Mitte"}},
            "Mitte\n52.5, 13.4",
            "",
        ),
        ({"type": "formResponse", "textFallback": "Name: Ada"}, "Name: Ada", ""),
        ({"type": "form", "fields": [{"type": "text", "label": "Name"}]}, "", "a form; ask in words"),
        ({"type": "template", "template": {}}, "", "a template of WhatsApp"),
        ({"type": "hologram", "text": "Hi"}, "Hi", "the type hologram"),
        ({"type": "location"}, "", "an empty message of the type location"),
        ({"type": "text", "text": "  "}, "", "an empty message"),
        (None, "", "a message of the type None"),
    ],
)
def test_zendesk_each_type_is_told_or_given_back(content, text: str, lost: str) -> None:
    fake, helpdesk = opened("zendesk")
    (said,) = helpdesk.receive(*fake.signed(fake.words("7", "", content=content)))
    assert said.text == text
    assert lost in said.undelivered
    assert bool(lost) == bool(said.undelivered)


@pytest.mark.parametrize("name", ["webhook", "request_tracker"])
def test_a_program_of_ones_own_says_who_wrote_and_how(name: str) -> None:
    fake, helpdesk = opened(name)
    event = {"ticket": "7", "id": "1", "text": "**We** are closed.", "machine": True, "markup": "markdown"}
    (said,) = helpdesk.receive(*fake.signed(event))
    assert (said.text, said.machine) == ("We are closed.", True)
    (said,) = helpdesk.receive(*fake.signed({"ticket": "7", "id": "2", "text": "**5** < 6"}))
    assert (said.text, said.machine) == ("**5** < 6", False)
    (said,) = helpdesk.receive(*fake.signed({"ticket": "7", "id": "3", "undelivered": "the file a.pdf"}))
    assert (said.text, said.undelivered) == ("", "the file a.pdf")


@pytest.mark.parametrize(
    "changes", [{"machine": "yes"}, {"markup": "bbcode"}, {"markup": 1}, {"undelivered": 1}, {"text": 5}]
)
def test_what_is_signed_and_wrong_is_another_error_than_what_is_not_signed(changes: dict) -> None:
    fake, helpdesk = opened("webhook")
    with pytest.raises(BadRequest):
        helpdesk.receive(*fake.signed({"ticket": "7", "id": "1", "text": "Hello", **changes}))


def test_zendesk_control_that_passes_to_others_is_no_hand_back() -> None:
    fake, helpdesk = opened("zendesk")
    assert helpdesk.receive(*fake.signed(fake.hand_back("7", "", to="zd-agentWorkspace"))) == []
    released = {**fake.hand_back("7", ""), "type": "switchboard:releaseControl"}
    released["payload"] = {"conversation": {"id": "7"}, "reason": "ticketClosed"}
    (back,) = helpdesk.receive(*fake.signed(released))
    assert (back.hand_back, back.outcome) == (True, "ticketClosed")
    _, without = opened("zendesk", bot=None)
    unnamed = fake.hand_back("7", "")
    unnamed["payload"]["conversation"] = {"id": "7"}
    assert without.receive(*fake.signed(unnamed)) == []


def test_zendesk_words_reach_a_caller_of_sunshine_without_us() -> None:
    fake, helpdesk = opened("zendesk", conversation="sender")
    assert helpdesk.receive(*fake.signed(fake.words("7", "Hello"))) == []
    assert helpdesk.receive(*fake.signed(fake.hand_back("7", "")))[0].hand_back


@pytest.mark.parametrize("name", ["chatwoot", "zendesk"])
def test_without_a_secret_nothing_is_taken(name: str) -> None:
    fake, helpdesk = opened(name, webhook_secret=None)
    refused(helpdesk, *fake.signed(fake.words("7", "Hello")))


def test_request_tracker_without_a_secret_takes_nothing() -> None:
    fake, helpdesk = opened("request_tracker", secret=None)
    assert "set 'secret'" in refused(helpdesk, *fake.signed(fake.words("7", "Hello")))


def test_one_way_helpdesks_take_nothing() -> None:
    helpdesk = open_helpdesk({"type": "slack", "webhook_url": "https://hooks.slack.com/services/T0/B0/x"})
    with pytest.raises(PermanentFailure, match="sends nothing to the bot"):
        helpdesk.receive({}, b"")
