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


@pytest.fixture
async def helpdesk(fake: FakeServer) -> AsyncIterator[Helpdesk]:
    made = open_helpdesk({**fake.settings, "timeout_secs": 0.5})
    yield made
    await made.close()


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
@pytest.mark.parametrize("fault", [BROKEN_AFTER, BROKEN_BEFORE, Fault(500, after=True), Fault(wait_secs=1, after=True)])
@pytest.mark.parametrize("at", range(6))
async def test_a_failure_at_any_request_leaves_one_ticket(
    fake: FakeServer, helpdesk: Helpdesk, fault: Fault, at: int
) -> None:
    # Requests before the one that fails pass.
    fake.skip = at
    fake.fail(fault)
    try:
        ticket = await helpdesk.deliver(packet())
        assert fake.faults, "the fault came and was not noticed"
    except TemporaryFailure:
        ticket = await helpdesk.deliver(packet())
    assert fake.state()["tickets"] == {ticket: "k-1"}


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
        (Fault(400), PermanentFailure, "HTTP 400: it does not accept the request"),
        (Fault(401), PermanentFailure, "HTTP 401: it does not know the key; correct '"),
        (Fault(403), PermanentFailure, "HTTP 403: the key is not allowed"),
        (Fault(404), PermanentFailure, "HTTP 404: there is nothing at this address; correct '"),
        (Fault(422), PermanentFailure, "HTTP 422: it does not accept what a field holds"),
        (Fault(418), PermanentFailure, "HTTP 418: it does not accept the request"),
        (Fault(302, {"Location": "https://elsewhere.example/"}), PermanentFailure, "HTTP 302: it has moved"),
        (Fault(408), TemporaryFailure, "HTTP 408: it cannot answer now"),
        (Fault(425), TemporaryFailure, "HTTP 425: it cannot answer now"),
        (Fault(429), TemporaryFailure, "HTTP 429: too many requests"),
        (Fault(500), TemporaryFailure, "HTTP 500: it cannot answer now"),
        (Fault(503), TemporaryFailure, "HTTP 503: it cannot answer now"),
        (BROKEN_BEFORE, TemporaryFailure, "cannot be reached (the connection broke)"),
        (BROKEN_AFTER, TemporaryFailure, "cannot be reached (the connection broke)"),
        (Fault(wait_secs=1), TemporaryFailure, "did not answer within 0.5 s"),
    ],
    ids=str,
)
@every
async def test_what_fails_is_told_in_a_sentence(fake, helpdesk, fault, kind, says) -> None:
    fake.fail(fault)
    with pytest.raises(kind) as caught:
        await helpdesk.deliver(packet())
    message = str(caught.value)
    assert says in message
    assert message.startswith(f"The helpdesk '{helpdesk.name}' at 127.0.0.1 ")
    assert not any(secret in message for secret in ("of-the-tests", "a secret", "refund", fake.url))


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
    assert fake.state()["tickets"] == {ticket: "k-1"}


@two_way
async def test_a_conversation_that_is_gone(fake: FakeServer, helpdesk: Helpdesk) -> None:
    ticket = await helpdesk.deliver(packet())
    fake.fail(Fault(404))
    with pytest.raises(ConversationGone, match="no longer knows the conversation"):
        await helpdesk.send(ticket, Message("m", "Hello?", 0.0))
