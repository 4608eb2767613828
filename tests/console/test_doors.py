"""Who gets in, who stays in, and who may see which page."""

import json
import time
from pathlib import Path

import pytest
from console_kit import PASSWORD, csrf_of, sign_in
from typer.testing import CliRunner
from yarl import URL

from rasa_emotion.cli.verbs import app as command
from rasa_emotion.console.attempts import MOST_OF_NAME, WINDOW_SECS, Attempts
from rasa_emotion.console.doors import COOKIE, Doors, Proxy
from rasa_emotion.console.frame import Console
from rasa_emotion.console.sessions import Session, new_session, read_session, write_session
from rasa_emotion.console.users import UserFile, add_user, read_users, remove_user
from rasa_emotion.errors import ConfigError
from rasa_emotion.turn.roles import Role

HTML = {"Accept": "text/html"}


async def test_nobody_sees_a_page_without_signing_in(serve, users: Path) -> None:
    client = await serve(Doors(UserFile(users)))
    answer = await client.get("/desk", headers=HTML, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/sign-in?next=/desk")
    assert (await client.get("/desk")).status == 401  # a script is told
    asked = URL("/live/conversation?sender=%2B44")
    led = await client.get(asked, headers=HTML, allow_redirects=False)
    assert URL(led.headers["Location"]).query["next"] == str(asked)  # with the caller whom one wanted to see
    page = await (await client.get(URL(led.headers["Location"]))).text()
    assert f'value="{asked}"' in page
    assert (await client.get("/sign-in")).status == 200
    assert (await client.get("/static/console.css")).status == 200


async def test_the_right_password_opens_and_leads_on(serve, users: Path) -> None:
    client = await serve(Doors(UserFile(users)))
    answer = await sign_in(client, "ada", next="/desk")
    assert (answer.status, answer.headers["Location"]) == (302, "/desk")
    cookie = answer.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert not cookie["secure"]  # plain HTTP on this machine
    page = await (await client.get("/desk")).text()
    assert "ada" in page
    assert "(agent)" in page


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong password"), ("nobody", PASSWORD), ("", ""), ("key", "x")]
)
async def test_others_stay_out(serve, users: Path, name: str, password: str) -> None:
    client = await serve(Doors(UserFile(users)))
    answer = await sign_in(client, name, password)
    assert answer.status == 401
    assert COOKIE not in answer.cookies
    assert "Name or password is wrong." in await answer.text()


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_sign_in_leads_to_no_other_site(serve, users: Path, place: str) -> None:
    client = await serve(Doors(UserFile(users)))
    assert (await sign_in(client, "ada", next=place)).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("ada", {"desk", "workbench"}),
        ("sue", {"live", "desk", "workbench", "review"}),
        ("oz", {"live", "workbench", "review"}),
    ],
)
async def test_a_role_sees_its_pages_alone(signed_in, name: str, pages: set[str]) -> None:
    client, _ = await signed_in(name)
    status = {page: (await client.get(f"/{page}")).status for page in ("live", "desk", "workbench", "review")}
    assert {page for page, code in status.items() if code == 200} == pages
    assert {code for page, code in status.items() if page not in pages} <= {403}
    text = await (await client.get("/", headers=HTML)).text()
    assert {page for page in status if f'href="/{page}"' in text} == pages


async def test_signing_out_needs_the_token_and_ends_the_session(signed_in) -> None:
    client, headers = await signed_in("ada")
    assert (await client.post("/sign-out", allow_redirects=False)).status == 403
    assert (await client.post("/sign-out", headers={"X-CSRF-Token": "0" * 32}, allow_redirects=False)).status == 403
    assert (await client.get("/desk")).status == 200
    assert (await client.post("/sign-out", headers=headers, allow_redirects=False)).status == 302
    assert (await client.get("/desk")).status == 401


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
async def test_a_page_of_another_site_changes_nothing(signed_in, headers: dict[str, str]) -> None:
    client, own = await signed_in("ada")
    assert (await client.post("/sign-out", headers={**own, **headers})).status == 403
    assert (await client.post("/sign-in", data={"name": "ada", "password": PASSWORD}, headers=headers)).status == 403


async def test_a_session_ends_when_it_is_idle_and_requests_of_the_page_itself_keep_none(
    console: Console, signed_in
) -> None:
    client, _ = await signed_in("ada")
    start = time.time()
    console.clock = lambda: start + 1700
    assert "Set-Cookie" not in (await client.get("/desk", headers={"X-Background": "1"})).headers
    assert "Set-Cookie" in (await client.get("/desk")).headers
    console.clock = lambda: start + 1700 + 1700
    assert (await client.get("/desk", headers={"X-Background": "1"})).status == 200
    console.clock = lambda: start + 1700 + 1801
    assert (await client.get("/desk")).status == 401


async def test_a_clock_that_is_put_back_signs_nobody_out(console: Console, signed_in) -> None:
    client, _ = await signed_in("ada")
    console.clock = lambda: time.time() - 86_400
    assert (await client.get("/desk")).status == 200


async def test_who_is_taken_out_or_gets_another_role_has_no_session_any_more(signed_in, users: Path) -> None:
    client, _ = await signed_in("ada")
    add_user(users, "ada", Role.SUPERVISOR, PASSWORD)
    assert (await client.get("/desk")).status == 401
    client, _ = await signed_in("bob")
    remove_user(users, "bob")
    assert (await client.get("/desk")).status == 401


def test_no_cookie_but_ours_is_a_session(users: Path) -> None:
    known = read_users(users)
    now = time.time()
    good = write_session(new_session("ada", now), known.by_name["ada"], known.key)
    assert read_session(good, known, now) is not None
    body, mark = good.split(".")
    other = write_session(Session("sue", now, now, "0"), known.by_name["ada"], known.key)
    for bad in ("", ".", body, f"{body}.", f".{mark}", f"{body}.{mark[:-2]}", other, "\ud800.x", "e30.x", "x" * 9999):
        assert read_session(bad, known, now) is None
    assert (
        read_session(write_session(new_session("ada", now - 43_201), known.by_name["ada"], known.key), known, now)
        is None
    )


async def test_many_tries_have_to_wait_even_with_the_right_password(serve, users: Path) -> None:
    client = await serve(Doors(UserFile(users)))
    for _ in range(MOST_OF_NAME):
        assert (await sign_in(client, "ada", "wrong password")).status == 401
    answer = await sign_in(client, "ada")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) <= WINDOW_SECS + 1
    assert (await sign_in(client, "bob")).status == 302  # others are not kept out


def test_attempts_are_forgotten_in_time() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(MOST_OF_NAME):
        assert attempts.wait_secs("ada", "::1") == 0
        attempts.failed("ada", "::1")
    assert attempts.wait_secs("ada", "::2") == WINDOW_SECS
    now[0] = WINDOW_SECS + 1
    assert attempts.wait_secs("ada", "::2") == 0


async def test_only_the_named_proxy_is_believed(serve, users: Path) -> None:
    add_user(users, "pia", Role.SUPERVISOR, None)
    trusted = await serve(Doors(UserFile(users), Proxy("127.0.0.1", "X-Forwarded-User")))
    name = {"X-Forwarded-User": "pia", **HTML}
    page = await (await trusted.get("/live", headers=name)).text()
    assert "(supervisor)" in page
    assert "Sign out" not in page
    assert (await trusted.get("/live", headers={"X-Forwarded-User": "stranger"})).status == 403
    assert (await trusted.post("/sign-out", headers=name)).status == 403  # without the token
    other = await serve(Doors(UserFile(users), Proxy("10.9.8.7")))
    assert (await other.get("/live", headers={"X-Forwarded-User": "pia"})).status == 401


async def test_behind_a_proxy_with_tls_the_cookie_is_for_tls_alone(serve, users: Path) -> None:
    client = await serve(Doors(UserFile(users), Proxy("127.0.0.1")))
    data = {"name": "ada", "password": PASSWORD}
    headers = {"X-Forwarded-Proto": "https"}
    answer = await client.post("/sign-in", data=data, headers=headers, allow_redirects=False)
    assert answer.cookies[COOKIE]["secure"]


async def test_without_users_a_name_that_leads_here_gets_nothing(client) -> None:
    assert (await client.get("/live")).status == 200
    assert (await client.get("/live", headers={"Host": "evil.example"})).status == 403
    assert await csrf_of(client)


async def test_who_signs_in_is_noted_and_passwords_typed_as_names_are_not(serve, users: Path, console: Console) -> None:
    client = await serve(Doors(UserFile(users)))
    await sign_in(client, "ada")
    await sign_in(client, "my secret password", "ada")
    shown = CliRunner().invoke(command, ["console", "audit", "--json", "--db", str(console.engine.url)])
    rows = json.loads(shown.output)
    assert [(row["who"], row["action"]) for row in rows] == [("", "sign-in failed"), ("ada", "signed in")]
    assert "secret" not in shown.output


def test_the_users_file_is_made_by_the_command_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    arguments = ["console", "user", "add", "ada", "--role", "agent", "--file", str(file), "--password-stdin"]
    assert CliRunner().invoke(command, arguments, input=f"{PASSWORD}\n").exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text()
    assert "$argon2id$" in file.read_text()
    listed = CliRunner().invoke(command, ["console", "user", "list", "--file", str(file), "--json"])
    assert json.loads(listed.output) == [{"name": "ada", "role": "agent", "by": "password"}]
    assert CliRunner().invoke(command, ["console", "user", "remove", "ada", "--file", str(file)]).exit_code == 0
    assert read_users(file).by_name == {}


@pytest.mark.parametrize(
    "line", ["ada agent", "ada caller $argon2id$x", "ada agent secret", "a b c d", "<b> agent proxy"]
)
def test_a_line_of_another_form_is_told_without_quoting_it(users: Path, line: str) -> None:
    users.write_text(users.read_text() + line + "\n")
    with pytest.raises(ConfigError, match="Line 6 of the users file") as told:
        read_users(users)
    assert "secret" not in str(told.value)


def test_a_users_file_that_others_read_is_refused(users: Path) -> None:
    users.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_users(users)


def test_a_file_that_breaks_while_it_is_used_keeps_what_it_held(users: Path) -> None:
    file = UserFile(users)
    users.write_text("nonsense\n")
    assert set(file.now().by_name) == {"ada", "bob", "sue", "oz"}
