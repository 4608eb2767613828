"""Desk: handovers by urgency and age; an agent takes one, reads, writes, notes, passes on, gives back."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from rasa_emotion.console.attending import (
    check_sentences,
    first_sentence,
    in_order,
    judgement_dict,
    language_of,
    message,
    note_dict,
    packet_for,
    row,
)
from rasa_emotion.console.audit import seen
from rasa_emotion.console.frame import Console, Page, consents_of, person_of, render
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.endpoints import read_content
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.desk_record import DeskRecord, Judgement, Waiting
from rasa_emotion.handoff.holding import TakenError
from rasa_emotion.handoff.record import UnknownHandover
from rasa_emotion.handoff.redact import Redactor, Rules
from rasa_emotion.handoff.text import MAX_WORDS
from rasa_emotion.text.language import bot_language
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Right

MOST_BODY = 100_000
LONGEST_NOTE = 4_000
LONGEST_NUMBER = 64
BOTS_FILES = ("config", "domain")


def routes(console: Console) -> Iterable[web.RouteDef]:
    """What the page answers."""
    desk = Desk(console)
    return [
        web.get("/desk", desk.show),
        web.get("/desk/queue", desk.queue),
        web.get("/desk/conversation", desk.conversation),
        web.get("/desk/messages", desk.messages),
        web.post("/desk/take", desk.take),
        web.post("/desk/say", desk.say),
        web.post("/desk/note", desk.note),
        web.post("/desk/pass-on", desk.pass_on),
        web.post("/desk/give-back", desk.give_back),
        web.post("/desk/feedback", desk.feedback),
    ]


class Desk:
    """The page's routes.

    Args:
        console: whose handovers are shown.

    Raises:
        ConfigError: a first sentence is for something that is no mood.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._desk = DeskRecord(console.engine, console.clock)
        self._consents = consents_of(console)
        self._rules = Rules.of(console.endpoints.redact)
        self._language = bots_language(console.endpoints_file)
        check_sentences(console.endpoints.first_sentences)

    async def show(self, request: web.Request) -> web.Response:
        """The page, which the browser fills."""
        helpdesk = str(self._console.endpoints.helpdesk.get("type"))
        return render(request, "desk.html", helpdesk=None if helpdesk == "desk" else helpdesk)

    async def queue(self, request: web.Request) -> web.Response:
        """All handovers that are not closed."""
        person, now = person_of(request).name, self._console.clock()

        def read() -> list[dict[str, Any]]:
            waiting = self._desk.waiting()
            return in_order([row(one, person, now, allowed=self._allowed(one)) for one in waiting])

        return web.json_response({"queue": await self._console.in_thread(read)})

    async def conversation(self, request: web.Request) -> web.Response:
        """One handover in full: the packet, the messages, the notes."""
        waiting = await self._find(request.query.get("key", ""))
        await seen(request, "opened a handover", waiting.sender, waiting.key)
        return web.json_response(await self._console.in_thread(self._whole, request, waiting))

    async def messages(self, request: web.Request) -> web.Response:
        """What was said since, and the state of what was said before."""
        waiting = await self._find(request.query.get("key", ""))
        return web.json_response(await self._console.in_thread(self._said, request, waiting))

    async def take(self, request: web.Request) -> web.Response:
        """Take a handover that nobody has."""
        body = await _body(request)
        waiting = await self._find(body.get("key"))
        await self._do(self._desk.take, waiting.key, person_of(request).name)
        await seen(request, "took a handover", waiting.sender, waiting.key)
        return web.json_response({"taken": waiting.key})

    async def say(self, request: web.Request) -> web.Response:
        """Say something to the caller; the same `number` is said once, however often it arrives."""
        body = await _body(request)
        waiting = await self._mine(request, body)
        text, number = _text(body, "text", MAX_WORDS), _text(body, "number", LONGEST_NUMBER)
        origin, by = f"console {number}", person_of(request).name
        fresh = await self._do(self._desk.to_caller, waiting.key, text, origin, by=by)
        return web.json_response({"kept": True, "fresh": fresh})

    async def note(self, request: web.Request) -> web.Response:
        """Write something down for colleagues."""
        body = await _body(request)
        waiting = await self._mine(request, body)
        text = _text(body, "text", LONGEST_NOTE)
        await self._console.in_thread(self._desk.add_note, waiting, person_of(request).name, text)
        return web.json_response({"notes": [note_dict(one) for one in await self._do(self._desk.notes, waiting.key)]})

    async def pass_on(self, request: web.Request) -> web.Response:
        """Give the conversation to a colleague, or back to the queue."""
        body = await _body(request)
        waiting, person = await self._find(body.get("key")), person_of(request)
        to = body.get("to") or None
        if to is not None and to not in self._console.attending():
            raise TurnRefused(400, "There is nobody of this name who attends to callers.")
        whoever = person.may(Right.WATCH)
        await self._do(self._desk.pass_on, waiting.key, person.name, to, whoever=whoever)
        await seen(request, "passed a handover on", waiting.sender, f"{waiting.key} to {to or 'the queue'}")
        return web.json_response({"passed": waiting.key})

    async def give_back(self, request: web.Request) -> web.Response:
        """Resolve it, or let the bot go on: the bot knows the outcome."""
        body = await _body(request)
        waiting = await self._mine(request, body)
        outcome = str(body.get("outcome") or "")[:LONGEST_NOTE]
        closed = await self._do(self._desk.close, waiting.key, outcome, by=person_of(request).name)
        await seen(request, "gave a handover back", waiting.sender, waiting.key)
        return web.json_response({"closed": closed})

    async def feedback(self, request: web.Request) -> web.Response:
        """Was this emotion right? Kept for training, of callers alone who may be analysed."""
        body = await _body(request)
        waiting = await self._mine(request, body)
        if not await self._console.in_thread(self._allowed, waiting):
            raise TurnRefused(403, "This caller has not allowed the analysis of emotions.")
        judgement = self._judgement(body, waiting, person_of(request).name)
        await self._console.in_thread(self._desk.judge, judgement)
        await seen(request, "judged an emotion", waiting.sender, waiting.key)
        return web.json_response({"judged": judgement_dict(judgement)})

    def _judgement(self, body: dict[str, Any], waiting: Waiting, author: str) -> Judgement:
        turn = next((turn for turn in waiting.packet.timeline if turn.turn == body.get("turn")), None)
        emotion = body.get("emotion")
        if turn is None or turn.at is None or emotion not in EMOTIONS:
            raise TurnRefused(400, "This names no turn of the conversation, or no emotion.")
        lines = waiting.packet.transcript
        words = next((line.text for line in lines if line.speaker == "caller" and line.turn == turn.turn), "")
        correct = emotion == turn.emotion
        now = self._console.clock()
        return Judgement(waiting.sender, turn.at, author, turn.emotion, correct, emotion, words, now)

    def _whole(self, request: web.Request, waiting: Waiting) -> dict[str, Any]:
        allowed = self._allowed(waiting)
        mine = person_of(request).name
        language = language_of(waiting.packet, self._language)
        mood = waiting.packet.mood if allowed else None
        return {
            **self._said(request, waiting),
            "row": row(waiting, mine, self._console.clock(), allowed=allowed),
            "packet": packet_for(waiting, allowed=allowed),
            "notes": [note_dict(one) for one in self._desk.notes(waiting.key)],
            "judged": [judgement_dict(one) for one in self._desk.judgements(waiting.sender) if one.author == mine],
            "suggestion": first_sentence(mood, language, self._console.endpoints.first_sentences),
            "language": language,
            "colleagues": sorted(self._console.attending() - {mine}),
        }

    def _said(self, request: web.Request, waiting: Waiting) -> dict[str, Any]:
        found = self._desk.messages_after(waiting.sender, direction=None)
        said = [message(one) for one in found if one.handoff == waiting.key]
        mine = waiting.taken_by == person_of(request).name
        if not mine:  # as in the packet, until one has to answer
            redactor = Redactor(self._rules)
            said = [{**one, "text": redactor.text(one["text"])} for one in said]
        return {"messages": said, "mine": mine, "taken_by": waiting.taken_by}

    def _allowed(self, waiting: Waiting) -> bool:
        return self._consents.allows(waiting.sender)

    async def _find(self, key: Any) -> Waiting:
        found: Waiting = await self._do(self._desk.find, str(key or ""))
        return found

    async def _mine(self, request: web.Request, body: dict[str, Any]) -> Waiting:
        waiting = await self._find(body.get("key"))
        if waiting.taken_by != person_of(request).name:
            raise TurnRefused(409, f"{waiting.taken_by or 'Nobody'} has this conversation; take it first.")
        return waiting

    async def _do(self, work: Any, *args: Any, **options: Any) -> Any:
        try:
            return await self._console.in_thread(work, *args, **options)
        except (TakenError, UnknownHandover) as error:
            raise TurnRefused(409, str(error)) from error


def bots_language(endpoints: Path | None) -> str:
    """The language that a bot speaks, by the config.yml and the domain.yml beside its endpoints.yml."""
    config, domain = ({} if endpoints is None else _yaml(endpoints.with_name(f"{name}.yml")) for name in BOTS_FILES)
    responses = domain.get("responses")
    variations = [one for said in (responses.values() if isinstance(responses, dict) else ()) for one in said or ()]
    texts = [str(one["text"]) for one in variations if isinstance(one, dict) and one.get("text")]
    return bot_language(config.get("language"), texts)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        return read_content(path)
    except ConfigError:
        return {}  # the bot itself tells what is wrong with it


async def _body(request: web.Request) -> dict[str, Any]:
    if (request.content_length or 0) > MOST_BODY:
        raise TurnRefused(413, "This is too long; send less.")
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TurnRefused(400, "This is no JSON.") from error
    if not isinstance(body, dict):
        raise TurnRefused(400, "This is no JSON object.")
    return body


def _text(body: dict[str, Any], name: str, most: int) -> str:
    text = body.get(name)
    if not isinstance(text, str) or not text.strip():
        raise TurnRefused(400, f"'{name}' is empty.")
    if len(text) > most:
        raise TurnRefused(400, f"'{name}' is longer than {most} characters; send less.")
    return text.strip()


PAGE = Page("desk", "Desk", Right.ATTEND, routes)
