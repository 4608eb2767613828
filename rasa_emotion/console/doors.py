"""Who a request comes from: a session, a proxy that has signed somebody in, or, without users, this machine."""

import hmac
import ipaddress
import logging
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web
from yarl import URL

from rasa_emotion.console.attempts import Attempts
from rasa_emotion.console.audit import note
from rasa_emotion.console.frame import PERSON, console_of, person_of, render
from rasa_emotion.console.guard import Handler, told
from rasa_emotion.console.people import Person
from rasa_emotion.console.sessions import (
    IDLE_SECS,
    RENEW_SECS,
    Session,
    csrf_token,
    new_session,
    read_session,
    write_session,
)
from rasa_emotion.console.users import User, UserFile, password_fits
from rasa_emotion.logs import named
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import RIGHTS, Identity, Right, Role, login_name

logger = logging.getLogger(__name__)

COOKIE = "rasa_emotion_console"
PUBLIC = ("/static/", "/sign-in")
"""What anybody gets."""

BACKGROUND = "X-Background"
"""The header of requests that a page makes by itself: they keep no session alive."""

HERE = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Proxy:
    """A proxy that signs people in, such as one for OIDC.

    Args:
        address: from which its requests come; the header of others counts for nothing.
        header: holds the name of who has signed in there.
    """

    address: str
    header: str = "X-Forwarded-User"


@dataclass
class Doors:
    """How people get in.

    Args:
        users: who may; None lets in whoever sits at this machine.
        proxy: which signs people in; None for none.
        idle_secs: after which a session ends.
    """

    users: UserFile | None = None
    proxy: Proxy | None = None
    idle_secs: float = IDLE_SECS
    attempts: Attempts = field(default_factory=Attempts)
    own_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def routes(self) -> list[web.RouteDef]:
        """Sign-in and sign-out."""
        return [
            web.get("/sign-in", self._ask),
            web.post("/sign-in", self._sign_in),
            web.post("/sign-out", self._sign_out),
        ]

    def attending(self) -> set[str]:
        """The names of those who may take conversations."""
        users = {} if self.users is None else self.users.now().by_name
        return {name for name, user in users.items() if Right.ATTEND in RIGHTS[user.role]}

    @web.middleware
    async def opened(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Says who makes a request, and refuses those that nobody may make."""
        self._refuse_foreign(request)
        person, session = self._who(request)
        if person is not None:
            request[PERSON] = person
        elif not request.path.startswith(PUBLIC):
            return self._shut(request)
        if person is not None and request.method not in SAFE and request.path != "/sign-in":
            await self._check_csrf(request)
        response = await handler(request)
        if session is not None and BACKGROUND not in request.headers and not response.prepared:
            self._renew(request, response, session)
        return response

    def _who(self, request: web.Request) -> tuple[Person | None, Session | None]:
        if self.users is None:
            here = login_name()
            return Person(here, Identity(Role.SUPERVISOR, here), csrf_token(self.own_key, ""), signs_out=False), None
        users = self.users.now()
        if self._from_proxy(request) and (name := request.headers.get(self._proxy_header)):
            user = users.by_name.get(name)
            if user is None:
                raise TurnRefused(403, "You have signed in, and the console's users file does not name you.")
            return _person(user, csrf_token(users.key, f"proxy {name}"), signs_out=False), None
        now = console_of(request).clock()
        session = read_session(request.cookies.get(COOKIE, ""), users, now, idle_secs=self.idle_secs)
        if session is None or request.path == "/sign-in":
            return None, None
        return _person(users.by_name[session.name], csrf_token(users.key, session.number)), session

    @property
    def _proxy_header(self) -> str:
        return self.proxy.header if self.proxy else ""

    def _from_proxy(self, request: web.Request) -> bool:
        return self.proxy is not None and _peer(request) == ipaddress.ip_address(self.proxy.address)

    def _refuse_foreign(self, request: web.Request) -> None:
        """A page of another site, or a name that a stranger made lead here, gets nothing."""
        if self.users is None and (urlsplit(f"//{request.host}").hostname or "") not in HERE:
            raise TurnRefused(403, "Without users, the console answers at this machine's own name alone.")
        if request.method in SAFE:
            return
        # A browser says where a request comes from; an older one says its origin alone.
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        same = origin is None or urlsplit(origin).netloc == request.host
        if not (same if site is None else site in ("same-origin", "none")):
            raise TurnRefused(403, "This was sent by a page of another site.")

    async def _check_csrf(self, request: web.Request) -> None:
        given = request.headers.get("X-CSRF-Token", "")
        if not given and request.content_type == "application/x-www-form-urlencoded":
            given = str((await request.post()).get("csrf", ""))
        if not hmac.compare_digest(given.encode(), person_of(request).csrf.encode()):
            raise TurnRefused(403, "The page is out of date; load it again, and repeat what you did.")

    def _shut(self, request: web.Request) -> web.Response:
        if "text/html" not in request.headers.get("Accept", ""):
            return told(request, 401, "Your session has ended; sign in again.")
        if self.proxy is not None and self._from_proxy(request):
            return told(request, 401, "The proxy names nobody; see its configuration.")
        raise web.HTTPFound(URL("/sign-in").with_query(next=request.path_qs))

    async def _ask(self, request: web.Request) -> web.Response:
        return self._form(request, "")

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        if self.users is None:
            raise web.HTTPFound("/")
        form = await request.post()
        name, password = str(form.get("name", "")), str(form.get("password", ""))
        address = self._address(request)
        wait = self.attempts.wait_secs(name, address)
        if wait > 0:
            logger.warning("Somebody tries to sign in too often.", extra=named("console.signin.limited"))
            response = self._form(request, f"Too many tries; wait {int(wait / 60) + 1} minutes.", 429)
            response.headers["Retry-After"] = str(int(wait) + 1)
            return response
        # Counted before it is known, so that many tries at the same time are counted too.
        self.attempts.failed(name, address)
        user = self.users.now().by_name.get(name)
        console = console_of(request)
        if not await console.in_thread(password_fits, user, password) or user is None:
            logger.warning("A sign-in failed.", extra=named("console.signin.failed"))
            await note(console, user.name if user else "", user.role if user else None, "sign-in failed")
            return self._form(request, "Name or password is wrong.", 401)
        self.attempts.succeeded(name)
        await note(console, user.name, user.role, "signed in")
        answer = web.HTTPFound(_local(str(form.get("next", "/"))))
        self._set(request, answer, new_session(name, console.clock()))
        raise answer

    async def _sign_out(self, request: web.Request) -> web.Response:
        person = person_of(request)
        await note(console_of(request), person.name, person.role, "signed out")
        answer = web.HTTPFound("/sign-in")
        answer.del_cookie(COOKIE)
        raise answer

    def _form(self, request: web.Request, fault: str, status: int = 200) -> web.Response:
        return render(request, "sign-in.html", status=status, fault=fault, next=_local(request.query.get("next", "/")))

    def _renew(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        now = console_of(request).clock()
        if abs(now - session.seen) > RENEW_SECS:
            self._set(request, response, Session(session.name, session.began, now, session.number))

    def _set(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        assert self.users is not None
        users = self.users.now()
        user = users.by_name.get(session.name)
        if user is None:  # taken out of the file this very moment
            return
        value = write_session(session, user, users.key)
        response.set_cookie(COOKIE, value, httponly=True, samesite="Strict", secure=self._secure(request), path="/")

    def _secure(self, request: web.Request) -> bool:
        forwarded = request.headers.get("X-Forwarded-Proto") if self._from_proxy(request) else None
        return (forwarded or request.scheme) == "https"

    def _address(self, request: web.Request) -> str:
        if self._from_proxy(request) and (forwarded := request.headers.get("X-Forwarded-For")):
            return forwarded.rpartition(",")[2].strip()
        return str(_peer(request))


def _person(user: User, csrf: str, *, signs_out: bool = True) -> Person:
    return Person(user.name, Identity(user.role, user.name), csrf, signs_out)


def _peer(request: web.Request) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(request.remote or "")
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)  # how an IPv4 peer looks at a socket for both
    return mapped or address


def _local(path: str) -> str:
    """The path to go on to, never another site's."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
