"""What every helpdesk must do, against fakes of the other side over real sockets."""

from collections.abc import AsyncIterator

import pytest
from fakes.chatwoot import FakeChatwoot
from fakes.packets import packet
from fakes.request_tracker import FakeRequestTracker
from fakes.server import BROKEN_AFTER, BROKEN_BEFORE, FakeServer, Fault
from fakes.slack import FakeSlack, FakeSlackWebhook
from fakes.webhook import FakeWebhook
from fakes.zendesk import FakeZendesk
from fakes.zendesk_ticket import FakeZendeskTicket

from rasa_emotion.handoff.helpdesk import ConversationGone, Helpdesk, Message, PermanentFailure, TemporaryFailure
from rasa_emotion.handoff.helpdesks import open_helpdesk
from rasa_emotion.handoff.packet import Line

FAKES: dict[str, type[FakeServer]] = {
    "webhook": FakeWebhook,
    "chatwoot": FakeChatwoot,
    "zendesk": FakeZendesk,
    "zendesk_ticket": FakeZendeskTicket,
    "request_tracker": FakeRequestTracker,
    "slack": FakeSlack,
    "slack_webhook": FakeSlackWebhook,
}
TWO_WAY = ["webhook", "chatwoot", "zendesk", "request_tracker"]
ONCE = [*TWO_WAY, "zendesk_ticket"]


@pytest.fixture
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeServer]:
    async with FAKES[request.param]() as server:
        yield server


async def opened(fake: FakeServer, timeout_secs: float) -> AsyncIterator[Helpdesk]:
    made = open_helpdesk({**fake.settings, "timeout_secs": timeout_secs})
    yield made
    await made.close()


@pytest.fixture
async def helpdesk(fake: FakeServer) -> AsyncIterator[Helpdesk]:
    async for made in opened(fake, 60):
        yield made


@pytest.fixture
async def hurried(fake: FakeServer) -> AsyncIterator[Helpdesk]:
    """One that waits half a second for an answer, for the tests in which none comes in time."""
    async for made in opened(fake, 0.5):
        yield made


every = pytest.mark.parametrize("fake", FAKES, indirect=True)
once = pytest.mark.parametrize("fake", ONCE, indirect=True)
two_way = pytest.mark.parametrize("fake", TWO_WAY, indirect=True)


@every
async def test_one_ticket_for_each_packet(fake: FakeServer, helpdesk: Helpdesk) -> None:
    await helpdesk.check()
    tickets = [await helpdesk.deliver(packet(key)) for key in ("a", "b")]
    assert len(set(tickets)) == 2
    assert fake.state()["tickets"] == {tickets[0]: "a", tickets[1]: "b"}


@once
async def test_the_same_packet_twice_is_one_ticket(fake: FakeServer, helpdesk: Helpdesk) -> None:
    assert await helpdesk.deliver(packet()) == await helpdesk.deliver(packet())
    assert len(fake.state()["tickets"]) == 1


@once
@pytest.mark.parametrize(
    "fault", [BROKEN_AFTER, BROKEN_BEFORE, Fault(500, after=True)], ids=["broken after", "broken before", "500 after"]
)
async def test_a_failure_at_any_request_leaves_one_ticket(fake: FakeServer, helpdesk: Helpdesk, fault: Fault) -> None:
    await helpdesk.deliver(packet("counted"))
    # Of a new contact or user; the counted one had all the requests that there can be.
    for at in range(len(fake.requests)):
        sent = packet(f"k-{at}", sender=f"caller-{at}")
        fake.skip = at
        fake.fail(fault)
        with pytest.raises(TemporaryFailure):
            await helpdesk.deliver(sent)
        ticket = await helpdesk.deliver(sent)
        assert [shown for shown, key in fake.state()["tickets"].items() if key == sent.key] == [ticket]


@once
async def test_an_answer_that_takes_too_long_leaves_one_ticket(
    fake: FakeServer, helpdesk: Helpdesk, hurried: Helpdesk
) -> None:
    await helpdesk.deliver(packet("counted"))
    at = len(fake.requests) - 1
    fake.skip = at
    fake.fail(Fault(wait_secs=1, after=True))
    with pytest.raises(TemporaryFailure):
        await hurried.deliver(packet(sender="another"))
    await helpdesk.deliver(packet(sender="another"))
    assert sorted(fake.state()["tickets"].values()) == ["counted", "k-1"]


@two_way
async def test_messages_arrive_in_order_and_once(fake: FakeServer, helpdesk: Helpdesk) -> None:
    ticket = await helpdesk.deliver(packet())
    texts = ["Hello?", "Grüße & <b>Ünïcode</b> 😡", "a\nb"]
    for number, text in enumerate(texts):
        await helpdesk.send(ticket, Message(f"m{number}", text, 1_700_000_200.0 + number))
    assert fake.state()["messages"][ticket] == texts


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (Fault(401), PermanentFailure, "HTTP 401: it does not know the key; correct '"),
        (Fault(404), PermanentFailure, "HTTP 404: there is nothing at this address; correct '"),
        (Fault(422), PermanentFailure, "HTTP 422: it does not accept what a field holds"),
        (Fault(429), TemporaryFailure, "HTTP 429: too many requests"),
        (Fault(500), TemporaryFailure, "HTTP 500: it cannot answer now"),
        (BROKEN_BEFORE, TemporaryFailure, "cannot be reached (the connection broke)"),
        (BROKEN_AFTER, TemporaryFailure, "cannot be reached (the connection broke)"),
    ],
    ids=["401", "404", "422", "429", "500", "broken before", "broken after"],
)
@every
async def test_what_fails_is_told_in_a_sentence(fake, helpdesk, fault, kind, says) -> None:
    await told_in_a_sentence(fake, helpdesk, fault, kind, says)


@every
async def test_a_helpdesk_that_takes_too_long_is_told_in_a_sentence(fake: FakeServer, hurried: Helpdesk) -> None:
    await told_in_a_sentence(fake, hurried, Fault(wait_secs=1), TemporaryFailure, "did not answer within 0.5 s")


async def told_in_a_sentence(
    fake: FakeServer, helpdesk: Helpdesk, fault: Fault, kind: type[Exception], says: str
) -> None:
    fake.fail(fault)
    with pytest.raises(kind) as caught:
        await helpdesk.deliver(packet())
    message = str(caught.value)
    assert says in message
    assert message.startswith(f"The helpdesk '{helpdesk.name}' at 127.0.0.1 ")
    assert message.endswith(".")
    assert not any(secret in message for secret in ("of-the-tests", "a secret", "refund", fake.url))


@every
async def test_a_conflict(fake: FakeServer, helpdesk: Helpdesk) -> None:
    # The signed webhook says so that it has the packet already, Zendesk's tickets that another try is under way.
    fake.fail(Fault(409, method="POST"))
    if helpdesk.name == "webhook":
        assert await helpdesk.deliver(packet()) == "k-1"
    elif helpdesk.name == "zendesk":  # the user exists, which is no failure
        with pytest.raises(PermanentFailure, match="HTTP 404"):
            await helpdesk.deliver(packet())
    else:
        kind = TemporaryFailure if helpdesk.name == "zendesk_ticket" else PermanentFailure
        with pytest.raises(kind, match="HTTP 409"):
            await helpdesk.deliver(packet())


@every
async def test_the_time_to_wait_is_handed_on(fake: FakeServer, helpdesk: Helpdesk) -> None:
    fake.fail(
        Fault(429, {"Retry-After": "7"}), Fault(503, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), Fault(429)
    )
    for expected in (7.0, 0.0, None):
        with pytest.raises(TemporaryFailure) as caught:
            await helpdesk.deliver(packet())
        assert caught.value.retry_after == expected


@every
async def test_nobody_is_there(fake: FakeServer, helpdesk: Helpdesk) -> None:
    await fake.stop()
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        await helpdesk.deliver(packet())
    if not isinstance(fake, FakeSlackWebhook):  # which cannot be asked without posting
        with pytest.raises(TemporaryFailure, match="cannot be reached"):
            await helpdesk.check()


@every
async def test_a_host_without_an_address(fake: FakeServer) -> None:
    helpdesk = open_helpdesk({**fake.settings, fake.url_option: "https://helpdesk.invalid"})
    with pytest.raises(TemporaryFailure, match=r"at helpdesk\.invalid cannot be reached"):
        await helpdesk.deliver(packet())
    await helpdesk.close()


LONG = tuple(Line("caller", f"Line {number}: " + "Ärger 😡 " * 12) for number in range(1000))


@every
@pytest.mark.parametrize(
    "changes",
    [
        {"transcript": LONG},
        {"transcript": (Line("caller", "x" * 200_000),)},
        {"transcript": (), "timeline": (), "slots": {}, "form": None, "links": {}, "redacted": {}},
        {"summary": "\ud800 \x00 <script>alert('&')</script> *_`[x](y)`", "sender": "+49 (0)30/12 34"},
    ],
    ids=["many lines", "one long line", "empty", "odd characters"],
)
async def test_packets_of_all_kinds_arrive(fake: FakeServer, helpdesk: Helpdesk, changes) -> None:
    ticket = await helpdesk.deliver(packet(**changes))
    (shown,) = fake.state()["tickets"].items()
    assert shown[0] == ticket
    assert shown[1] == "k-1"


@two_way
async def test_a_long_message_arrives(fake: FakeServer, helpdesk: Helpdesk) -> None:
    ticket = await helpdesk.deliver(packet())
    await helpdesk.send(ticket, Message("m", "Ärger 😡 " * 20_000, 0.0))
    (text,) = fake.state()["messages"][ticket]
    assert text.startswith("Ärger 😡 Ärger")
    assert text.endswith("😡 ")


@two_way
async def test_a_conversation_that_is_gone(fake: FakeServer, helpdesk: Helpdesk) -> None:
    ticket = await helpdesk.deliver(packet())
    fake.fail(Fault(404))
    with pytest.raises(ConversationGone, match="no longer knows the conversation"):
        await helpdesk.send(ticket, Message("m", "Hello?", 0.0))
