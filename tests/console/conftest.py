"""A console on a database of its own, and people who sign in."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from console_kit import PASSWORD, csrf_of, sign_in
from sqlalchemy.engine import Engine

from rasa_emotion.console.app import make_app
from rasa_emotion.console.doors import Doors
from rasa_emotion.console.frame import Console
from rasa_emotion.console.pages import PAGES
from rasa_emotion.console.users import UserFile, add_user
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.turn.roles import Role

PEOPLE = {"ada": Role.AGENT, "bob": Role.AGENT, "sue": Role.SUPERVISOR, "oz": Role.OPERATOR}

Serve = Callable[..., Awaitable[TestClient]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path}/bot.db")
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def console(engine: Engine) -> Console:
    return Console(engine, Endpoints(database=str(engine.url)), PAGES)


@pytest.fixture(scope="session")
def users_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everybody of `PEOPLE`; made once, as each hash takes its time."""
    path = tmp_path_factory.mktemp("users") / "users.txt"
    for name, role in PEOPLE.items():
        add_user(path, name, role, PASSWORD)
    return path


@pytest.fixture
def users(users_file: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    path = tmp_path / "users.txt"
    path.touch(mode=0o600)
    path.write_text(users_file.read_text())
    return path


@pytest.fixture
async def serve(console: Console) -> AsyncIterator[Serve]:
    """`await serve()`: a client of a console that serves its own machine; `serve(doors)` with other doors."""
    clients = []

    async def start(doors: Doors | None = None) -> TestClient:
        client = TestClient(TestServer(make_app(console, doors)))
        clients.append(client)
        await client.start_server()
        return client

    yield start
    console.ended.set()
    for client in clients:
        await client.close()


@pytest.fixture(scope="session")
def spoken(speech: Callable[..., Path]) -> Path:
    """What the fake microphone hears."""
    return speech("I want my money back, and I want it now")


@pytest.fixture(scope="module")
def browser(spoken: Path) -> Iterator:
    """A Chromium whose microphone is a file. Its driver's event loop would be in the way of other modules' tests."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--use-fake-device-for-media-stream"]
    flags += ["--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required"]
    flags += [f"--use-file-for-fake-audio-capture={spoken}"]
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=flags)
        yield opened
        opened.close()


@pytest.fixture
async def client(serve: Serve) -> TestClient:
    return await serve()


@pytest.fixture
async def signed_in(serve: Serve, users: Path) -> Callable[[str], Awaitable[tuple[TestClient, dict[str, str]]]]:
    """`client, headers = await signed_in("ada")`: somebody of `PEOPLE`, and the headers of what changes something."""

    async def enter(name: str) -> tuple[TestClient, dict[str, str]]:
        client = await serve(Doors(UserFile(users)))
        assert (await sign_in(client, name)).status == 302
        return client, {"X-CSRF-Token": await csrf_of(client)}

    return enter
