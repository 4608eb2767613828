"""What stands before every route: headers, errors as pages or JSON, and the right that a page asks for."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from rasa_emotion.console.frame import console_of, person_of, render
from rasa_emotion.database import cause_of
from rasa_emotion.errors import RasaEmotionError, place_of
from rasa_emotion.logs import named, trace
from rasa_emotion.turn.refusal import TurnRefused

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    # Nothing from elsewhere, no script or style within a page, and no page of another site around it.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

REASONS = {
    403: "Your role may not see this page.",
    404: "There is nothing at this address.",
    405: "This address takes other methods.",
    413: "This is larger than what is taken here.",
}


@web.middleware
async def with_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Adds the headers of security to all that is answered."""
    try:
        response = await handler(request)
    except web.HTTPException as redirect:
        _add_headers(redirect)
        raise
    if not response.prepared:  # a stream of events adds them itself
        _add_headers(response)
    return response


def _add_headers(response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def errors_told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever happens is one sentence, as JSON for scripts and as a page for people, and one log line."""
    try:
        return await handler(request)
    except TurnRefused as refused:
        return told(request, refused.status, str(refused))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return told(request, error.status, REASONS.get(error.status, f"{error.reason}."))
    except RasaEmotionError as error:
        return told(request, 400, str(error))
    except SQLAlchemyError as error:
        logger.error("The database refuses (%s).", cause_of(error), extra=named("console.database"))
        return told(request, 503, "The database does not answer; nothing was changed. Try again in a moment.")
    except ConnectionError:
        raise  # the browser has gone: nobody is to be told
    except Exception as error:
        logger.error("A page could not be answered (%s).", place_of(error), extra=named("console.failed"))
        trace(logger, "console.failed", error)
        return told(request, 500, "The console failed at this request; its log says where.")


@web.middleware
async def rights_checked(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Asks for a page's right before any of its routes is called."""
    first = request.path.split("/")[1]
    for page in console_of(request).pages:
        if page.name == first:
            person_of(request).identity.require(page.right)
    return await handler(request)


def told(request: web.Request, status: int, sentence: str) -> web.Response:
    """A refusal: JSON where the request asks for it or comes from a script, else a page."""
    if "text/html" not in request.headers.get("Accept", ""):
        return web.json_response({"error": sentence}, status=status)
    return render(request, "error.html", status=status, sentence=sentence)
