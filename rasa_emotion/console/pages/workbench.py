"""Workbench: look at and listen to recordings."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from rasa_emotion.audio.decode import as_wav
from rasa_emotion.console.frame import Console, Page, render
from rasa_emotion.console.workbench.bench import Bench
from rasa_emotion.console.workbench.lines import degraded
from rasa_emotion.console.workbench.look import MOST_SECS, Given, spans, summary
from rasa_emotion.console.workbench.upload import MOST_BYTES, take
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Right

SAMPLE_TEXT = "I have been waiting for three weeks. Nobody answers me! Thank you so much for your wonderful service."
"""What the sample recording says; `scripts/sample_recording.py` makes it."""


def routes(console: Console) -> Iterable[web.RouteDef]:
    """What the page answers."""
    bench = console.bench or Bench()

    async def show(request: web.Request) -> web.Response:
        return render(
            request,
            "workbench.html",
            models=list(bench.folders),
            recogniser=bench.recogniser,
            remote=bench.is_remote,
            sample_text=SAMPLE_TEXT,
            most_bytes=MOST_BYTES,
            most_minutes=MOST_SECS / 60,
        )

    async def analyse(request: web.Request) -> web.Response:
        with await take(request) as upload:
            given = await bench.given(upload, transcribe=True)
            return web.json_response(await bench.work(bench.look, given, upload.fields.get("model", "")))

    async def lines(request: web.Request) -> web.Response:
        async with _sound(bench, request) as (given, model):
            return web.json_response(await bench.work(_lines, bench, given, model))

    async def compare(request: web.Request) -> web.Response:
        with await take(request) as upload:
            given = await bench.given(upload)
            return web.json_response(await bench.work(_compared, bench, given, upload.fields.get("model", "")))

    return [
        web.get("/workbench", show),
        web.post("/workbench/analyse", analyse),
        web.post("/workbench/lines", lines),
        web.post("/workbench/compare", compare),
    ]


@asynccontextmanager
async def _sound(bench: Bench, request: web.Request) -> AsyncIterator[tuple[Given, str]]:
    with await take(request) as upload:
        if upload.sound is None:
            raise TurnRefused(422, "There is no recording; choose one.")
        yield await bench.given(upload), upload.fields.get("model", "")


def _lines(bench: Bench, given: Given, model: str) -> dict[str, Any]:
    analyzer = bench.analyzer(model)
    words = analyzer.read(given.text) if analyzer.has_words(given.text) else None
    assert given.waveform is not None
    return degraded(analyzer, given.waveform, words)


def _compared(bench: Bench, given: Given, model: str) -> dict[str, Any]:
    """What other models say of the same: the whole, and over time."""
    analyzer = bench.analyzer(model)
    sound = None if given.waveform is None else as_wav(given.waveform)
    voice = None if sound is None else analyzer.hear(sound)
    words = analyzer.read(given.text) if analyzer.has_words(given.text) else None
    return {
        "model": model,
        "estimate": summary(analyzer.fuse([voice, words])),
        "voice": summary(analyzer.fuse([voice])) if voice else None,
        "words": summary(analyzer.fuse([words])) if words else None,
        "timeline": spans(analyzer, sound),
    }


PAGE = Page("workbench", "Workbench", Right.TRY, routes)
