"""What is particular to one helpdesk."""

import json
from collections.abc import AsyncIterator, Callable

import pytest
from fakes.chatwoot import FakeChatwoot
from fakes.packets import packet
from fakes.request_tracker import FakeRequestTracker
from fakes.server import FakeServer, Fault
from fakes.slack import FakeSlack, FakeSlackWebhook
from fakes.webhook import FakeWebhook
from fakes.zendesk import FakeZendesk
from fakes.zendesk_ticket import FakeZendeskTicket

from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import ConversationGone, Helpdesk, Message, PermanentFailure, TemporaryFailure
from rasa_emotion.handoff.helpdesks import open_helpdesk
from rasa_emotion.handoff.packet import Line

LONG = tuple(Line("caller", f"Line {number}: {'Ärger ' * 20}") for number in range(3000))


@pytest.fixture
async def start() -> AsyncIterator[Callable]:
    """`start(Fake, **options)`: the fake and the helpdesk that asks it."""
    ends = []

    async def make(fake: type[FakeServer], **options) -> tuple[FakeServer, Helpdesk]:
        server = await fake().start()
        helpdesk = open_helpdesk({**server.settings, **options})
        ends.extend([helpdesk.close, server.stop])
        return server, helpdesk

    yield make
    for end in ends:
        await end()


async def test_webhook_gives_the_whole_packet(start) -> None:
    fake, helpdesk = await start(FakeWebhook)
    ticket = await helpdesk.deliver(packet())
    assert fake.packets[ticket] == json.loads(json.dumps(packet().to_dict()))


async def test_webhook_sends_what_strict_parsers_read(start) -> None:
    fake, helpdesk = await start(FakeWebhook)
    ticket = await helpdesk.deliver(packet(transcript=(Line("caller", "half of one \ud83d", 1.0, 1),)))
    assert fake.packets[ticket]["transcript"][0]["text"] == "half of one ?"
    await helpdesk.send(ticket, Message("m1", "and again \ud83d", 2.0))
    assert fake.messages[ticket] == ["and again ?"]


async def test_webhook_shortens_what_servers_would_refuse(start) -> None:
    fake, helpdesk = await start(FakeWebhook)
    ticket = await helpdesk.deliver(packet(transcript=LONG * 3))
    shown = fake.packets[ticket]
    assert len(json.dumps(shown)) <= 900_000
    assert shown["shortened"] + len(shown["transcript"]) == 9000


async def test_webhook_with_another_secret(start) -> None:
    _, helpdesk = await start(FakeWebhook, secret="another secret of ours")
    with pytest.raises(PermanentFailure, match="correct 'secret'"):
        await helpdesk.check()


async def test_chatwoot_keeps_one_contact_for_each_caller(start) -> None:
    fake, helpdesk = await start(FakeChatwoot)
    for key, sender in (("a", "Ada"), ("b", "Ada"), ("c", "ada")):
        await helpdesk.deliver(packet(key, sender=sender))
    assert [contact["identifier"] for contact in fake.contacts] == ["Ada", "ada"]
    assert [row["contact_id"] for row in fake.conversations] == [101, 101, 102]


async def test_chatwoot_shows_the_packet_to_agents_alone(start) -> None:
    fake, helpdesk = await start(FakeChatwoot)
    await helpdesk.deliver(packet())
    ((note,),) = fake.said.values()
    assert note["private"]
    assert note["message_type"] == 1
    assert "**Handover \\(high\\): The caller sounded angry" in note["content"]
    assert fake.priorities == {1: "high"}
    assert fake.conversations[0]["status"] == "open"


async def test_chatwoot_when_another_is_faster(start) -> None:
    fake, helpdesk = await start(FakeChatwoot)
    first = await helpdesk.deliver(packet())
    # At the first look, the contact is not there yet; at its creation it is.
    fake.unseen_looks = 1
    assert await helpdesk.deliver(packet()) == first
    assert len(fake.contacts) == 1


async def test_chatwoot_with_an_inbox_of_another_type(start) -> None:
    _, helpdesk = await start(FakeChatwoot, inbox_id=8)
    with pytest.raises(PermanentFailure, match="correct 'url', 'account_id' or 'inbox_id'"):
        await helpdesk.check()


async def test_chatwoot_a_message_is_seen_once(start) -> None:
    fake, helpdesk = await start(FakeChatwoot)
    ticket = await helpdesk.deliver(packet())
    fake.fail(Fault(after=True, path="/messages", method="POST"))
    with pytest.raises(TemporaryFailure):
        await helpdesk.send(ticket, Message("m1", "Hello?", 0.0))
    await helpdesk.send(ticket, Message("m1", "Hello?", 0.0))
    await helpdesk.send(ticket, Message("m2", "Hello?", 0.0))
    assert fake.state()["messages"][ticket] == ["Hello?", "Hello?"]


async def test_zendesk_passes_control_and_says_why(start) -> None:
    fake, helpdesk = await start(FakeZendesk)
    ticket = await helpdesk.deliver(packet(reason="Grund: " + "ü" * 5000, summary="😡" * 5000))
    control = fake.control[ticket]
    assert control["switchboardIntegration"] == "zd-agentWorkspace"
    assert control["metadata"]["urgency"] == "high"
    ((shown,),) = fake.said.values()
    assert shown["author"] == {"type": "business"}
    assert "characters are left out here" in shown["content"]["text"]


async def test_zendesk_a_caller_of_sunshine_gets_no_second_conversation(start) -> None:
    fake, helpdesk = await start(FakeZendesk, conversation="sender")
    fake.conversations["abc"], fake.said["abc"] = {"id": "abc"}, []
    assert await helpdesk.deliver(packet(sender="abc")) == "abc"
    await helpdesk.send("abc", Message("m", "They said it there.", 0.0))
    assert list(fake.conversations) == ["abc"]
    assert fake.said == {"abc": []}
    with pytest.raises(PermanentFailure, match="HTTP 404"):
        await helpdesk.deliver(packet(sender="def"))


async def test_zendesk_an_alert_takes_no_control_from_the_bot(start) -> None:
    fake, helpdesk = await start(FakeZendesk, conversation="sender")
    fake.conversations["abc"], fake.said["abc"] = {"id": "abc"}, []
    with pytest.raises(PermanentFailure, match="set 'conversation' to new"):
        await helpdesk.deliver(packet(sender="abc", kind="alert"))
    assert fake.control == {}


async def test_zendesk_an_integration_that_is_not_there(start) -> None:
    _, helpdesk = await start(FakeZendesk, agents="nobody")
    with pytest.raises(PermanentFailure, match="correct 'url', 'app_id' or 'agents'"):
        await helpdesk.deliver(packet())


async def test_zendesk_ticket_is_found_after_its_key_is_forgotten(start) -> None:
    fake, helpdesk = await start(FakeZendeskTicket)
    number = await helpdesk.deliver(packet())
    fake.forget_keys()
    assert await helpdesk.deliver(packet()) == number
    assert len(fake.tickets) == 1


async def test_zendesk_ticket_holds_the_packet_as_an_internal_note(start) -> None:
    fake, helpdesk = await start(FakeZendeskTicket)
    await helpdesk.deliver(packet(transcript=LONG))
    (ticket,) = fake.tickets
    assert ticket["comment"]["public"] is False
    assert "left out" in ticket["comment"]["html_body"]
    assert (ticket["priority"], ticket["group_id"], ticket["tags"]) == ("high", 12, ["rasa_emotion"])


async def test_zendesk_ticket_with_a_wrong_token(start) -> None:
    _, helpdesk = await start(FakeZendeskTicket, api_token="wrong")
    for call in (helpdesk.check(), helpdesk.deliver(packet())):
        with pytest.raises(PermanentFailure, match=r"HTTP 401: .* correct 'email' and 'api_token'"):
            await call


async def test_request_tracker_tells_tickets_apart_by_their_subjects(start) -> None:
    fake, helpdesk = await start(FakeRequestTracker)
    await helpdesk.deliver(packet("it's ' OR id > 0"))
    await helpdesk.deliver(packet("another"))
    subjects = [row["Subject"] for row in fake.tickets.values()]
    assert len(set(subjects)) == 2
    assert all(len(subject) < 200 for subject in subjects)


async def test_request_tracker_without_the_queue(start) -> None:
    _, helpdesk = await start(FakeRequestTracker, queue="none")
    with pytest.raises(PermanentFailure, match="there is no queue 'none' that the owner of 'token' may see"):
        await helpdesk.check()


async def test_request_tracker_a_ticket_that_somebody_deleted(start) -> None:
    fake, helpdesk = await start(FakeRequestTracker)
    ticket = await helpdesk.deliver(packet())
    fake.tickets[ticket]["Status"] = "deleted"
    with pytest.raises(ConversationGone, match="somebody deleted the ticket"):
        await helpdesk.send(ticket, Message("m", "Hello?", 0.0))
    assert fake.said[ticket] == []


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        ("token_revoked", PermanentFailure, "correct 'token' in endpoints.yml"),
        ("not_in_channel", PermanentFailure, "correct 'channel' in endpoints.yml and invite the bot"),
        ("missing_scope", PermanentFailure, "chat:write"),
        ("msg_too_long", PermanentFailure, "said msg_too_long"),
        ("Where is my refund?", PermanentFailure, "said no reason"),
        ("ratelimited", TemporaryFailure, "asked again"),
        ("internal_error", TemporaryFailure, "asked again"),
    ],
)
async def test_slack_says_errors_with_the_status_200(start, error: str, kind: type[Exception], says: str) -> None:
    fake, helpdesk = await start(FakeSlack)
    fake.error = error
    with pytest.raises(kind, match=says) as caught:
        await helpdesk.deliver(packet())
    assert "refund" not in str(caught.value)
    assert fake.posted == []


async def test_slack_with_a_wrong_token(start) -> None:
    _, helpdesk = await start(FakeSlack, token="xoxb-wrong")
    with pytest.raises(PermanentFailure, match="invalid_auth: correct 'token'"):
        await helpdesk.check()


@pytest.mark.parametrize("fake_type", [FakeSlack, FakeSlackWebhook])
async def test_slack_text_neither_links_nor_mentions(start, fake_type) -> None:
    fake, helpdesk = await start(fake_type)
    await helpdesk.deliver(packet(transcript=(Line("caller", "<!channel> & <http://x|y>"), *LONG)))
    (text,) = fake.posted
    assert "<" not in text
    assert "&lt;!channel&gt; &amp; &lt;http" in text
    assert len(text) <= 4000
    assert "left out" in text


async def test_slack_may_show_it_twice(start) -> None:
    # Slack has nothing to prevent it with, which the documentation says.
    fake, helpdesk = await start(FakeSlack)
    fake.fail(Fault(after=True))
    with pytest.raises(TemporaryFailure):
        await helpdesk.deliver(packet())
    await helpdesk.deliver(packet())
    assert len(fake.posted) == 2


@pytest.mark.parametrize("fake_type", [FakeSlack, FakeZendeskTicket])
async def test_one_way_helpdesks_take_no_messages(start, fake_type) -> None:
    _, helpdesk = await start(fake_type)
    assert not helpdesk.two_way
    with pytest.raises(PermanentFailure, match="takes no messages"):
        await helpdesk.send("1", Message("m", "Hello?", 0.0))


@pytest.mark.parametrize("fake_kind", [FakeChatwoot, FakeZendesk, FakeWebhook])
async def test_a_note_is_not_among_the_callers_words(start, fake_kind: type[FakeServer]) -> None:
    fake, helpdesk = await start(fake_kind)
    ticket = await helpdesk.deliver(packet())
    await helpdesk.send(ticket, Message("m1", "not delivered: a sticker", 1.0, note=True))
    await helpdesk.send(ticket, Message("m2", "Hello?", 2.0))
    assert fake.state()["messages"][ticket] == ["Hello?"]
    assert fake.notes_of(ticket)[-1] == "not delivered: a sticker"


class OwnHelpdesk(Helpdesk):
    """One that somebody wrote for their own CRM."""

    name = "crm"
    two_way = False

    def __init__(self, options) -> None:
        self.options = options

    async def deliver(self, packet) -> str:
        return f"crm-{packet.key}"


class NotComplete(Helpdesk):
    name = "half"


async def test_a_helpdesk_of_ones_own_by_its_module_path() -> None:
    own = open_helpdesk({"type": f"{__name__}.OwnHelpdesk", "url": "x"})
    assert isinstance(own, OwnHelpdesk)
    assert own.options == {"url": "x"}
    assert await own.deliver(packet("k1")) == "crm-k1"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("no.such.module.Crm", "cannot be loaded"),
        (f"{__name__}.NoSuchClass", "cannot be loaded"),
        (f"{__name__}.packet", "is no class; name one"),
        ("json.JSONDecoder", "is not a helpdesk; derive it from"),
        (f"{__name__}.NotComplete", "lacks two_way, deliver"),
        ("chatwot", "did you mean 'chatwoot'"),
        ("crm", "or give a module path"),
    ],
)
def test_a_helpdesk_that_cannot_be_had_is_named(path: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        open_helpdesk({"type": path})
