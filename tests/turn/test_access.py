"""Keys, tickets and roles, without a channel."""

import base64
import hashlib
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.errors import ConfigError
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.keys import add_key, read_keys
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import ANYBODY, RIGHTS, Identity, Right, Role
from rasa_emotion.turn.tickets import BadTicket, make_ticket, read_ticket

KEY, OTHER = "k" * 32, "o" * 32
NOW = 1_800_000_000.0
# Made by PyJWT 2: jwt.encode({"sub": "ada", "exp": 1800000600}, "k" * 32, algorithm="HS256")
OF_A_LIBRARY = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjE4MDAwMDA2MDB9."
    "A9Zd65VDWbrykNv0SITPmzuY4rjqVI97ikB0XmMCaeA"
)


def test_a_ticket_says_who_it_is_for():
    ticket = make_ticket(KEY, "ada", channel="shop", now=NOW)
    assert read_ticket([OTHER, KEY], ticket, now=NOW) == Identity(Role.CALLER, "ada", "shop")
    assert read_ticket([KEY], make_ticket(KEY, "Ann", role=Role.AGENT, now=NOW), now=NOW).role is Role.AGENT


def test_any_jwt_library_makes_tickets():
    assert read_ticket([KEY], OF_A_LIBRARY, now=NOW) == Identity(Role.CALLER, "ada")


def test_a_ticket_runs_out():
    ticket = make_ticket(KEY, "ada", secs=60, now=NOW)
    assert read_ticket([KEY], ticket, now=NOW + 89).name == "ada"
    with pytest.raises(BadTicket, match="run out"):
        read_ticket([KEY], ticket, now=NOW + 91)


def altered(ticket: str, part: int, **claims: object) -> str:
    """The ticket with other claims and its old signature."""
    parts = ticket.split(".")
    content = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    parts[part] = base64.urlsafe_b64encode(json.dumps({**content, **claims}).encode()).rstrip(b"=").decode()
    return ".".join(parts)


def signed(**claims: object) -> str:
    """A ticket as somebody with the key could make it."""
    from rasa_emotion.turn import tickets  # noqa: PLC0415

    text = f"{tickets._encoded(tickets._json(tickets._HEADER))}.{tickets._encoded(json.dumps(claims).encode())}"
    return f"{text}.{tickets._encoded(tickets._signature(KEY, text))}"


@pytest.mark.parametrize(
    "ticket",
    [
        altered(make_ticket(KEY, "ada", now=NOW), 1, sub="bob"),
        altered(make_ticket(KEY, "ada", now=NOW), 0, alg="none"),
        altered(make_ticket(KEY, "ada", now=NOW), 0, alg="HS512"),
        make_ticket(OTHER, "ada", now=NOW),
        make_ticket(KEY, "ada", now=NOW).rpartition(".")[0] + ".",
        signed(sub="ada", exp=NOW + 200_000),
        signed(sub="ada", exp=NOW + 60, nbf=NOW + 60),
        signed(sub="ada", exp="soon"),
        signed(sub="ada", exp=1e999),
        signed(sub="ada"),
        signed(sub="", exp=NOW + 60),
        signed(sub=7, exp=NOW + 60),
        signed(sub="a\nb", exp=NOW + 60),
        signed(sub="ada", exp=NOW + 60, role="king"),
        signed(sub="ada", exp=NOW + 60, role="helpdesk"),
        signed(sub="ada", exp=NOW + 60, channel=""),
        "",
        "..",
        "é.ü.\ud800",
    ],
)
def test_what_is_no_ticket(ticket):
    with pytest.raises(BadTicket):
        read_ticket([KEY], ticket, now=NOW)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: ".".join([base64.b64encode(raw).decode()] * 3)))
def test_any_text_is_refused(text):
    with pytest.raises(BadTicket):
        read_ticket([KEY], text, now=NOW)


@pytest.mark.parametrize(
    "options", [{"name": ""}, {"name": "a" * 256}, {"secs": 0}, {"secs": 90_000}, {"role": Role.HELPDESK}]
)
def test_tickets_that_are_not_made(options):
    with pytest.raises(ConfigError):
        make_ticket(KEY, **{"name": "ada", **options})


def test_the_table_of_roles():
    assert set(RIGHTS) == set(Role)
    # Every right is somebody's, and a caller's choice and words are the caller's alone.
    assert set().union(*RIGHTS.values()) == set(Right)
    for right in (Right.SPEAK, Right.CHOOSE, Right.READ):
        assert [role for role in Role if right in RIGHTS[role]] == [Role.CALLER]
    with pytest.raises(TurnRefused) as caught:
        Identity(Role.AGENT).require(Right.CHOOSE)
    assert caught.value.status == 403


def access(tmp_path, text, clock=lambda: NOW):
    path = tmp_path / "keys.txt"
    path.write_text(text)
    path.chmod(0o600)
    return Access("MyChannel", {"token_file": str(path)}, clock)


def test_without_a_token_anybody_may(tmp_path):
    assert Access("MyChannel", {}).identify({}) == ANYBODY
    assert not Access("MyChannel", {}).asks


def test_several_keys_hold_and_each_has_its_end(tmp_path):
    now = [NOW]  # 2027-01-15
    mine = access(tmp_path, f"# ours\ncaller {KEY} 2027-01-16 # old\n\nagent\t{OTHER}\n", lambda: now[0])
    assert mine.identify({"Token": KEY}).role is Role.CALLER
    assert mine.identify({"token": OTHER}).role is Role.AGENT
    now[0] += 86_400
    with pytest.raises(TurnRefused):
        mine.identify({"token": KEY})
    assert mine.identify({"authorization": f"bearer {OTHER}"}).role is Role.AGENT


def test_a_key_that_signs_tickets_is_no_key(tmp_path):
    mine = access(tmp_path, f"tickets {KEY}\ntickets {OTHER}\n")
    for given_key in (KEY, OTHER, ""):
        with pytest.raises(TurnRefused):
            mine.identify({"token": given_key})
    for key in (KEY, OTHER):
        assert mine.identify({}, make_ticket(key, "ada", now=NOW)).name == "ada"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("king 0123456789abcdef\n", "Line 1 .* has another form"),
        ("\ncaller\n", "Line 2 .* has another form"),
        ("helpdesk 0123456789abcdef\n", "has another form"),
        ("caller short\n", "fewer than 16"),
        ("caller sha256:0123456789abcdef\n", "no SHA-256"),
        (f"caller sha256:{'g' * 64}\n", "no SHA-256"),
        (f"tickets sha256:{'0' * 64}\n", "signs tickets"),
        ("caller 0123456789abcdef soon\n", "'soon', which is no date"),
        ("caller 0123456789abcdef 2027-01-01 again\n", "has another form"),
    ],
)
def test_files_that_are_refused(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        access(tmp_path, text)
    assert "0123456789abcdef" not in str(caught.value)


def test_a_file_may_hold_hashes(tmp_path):
    hashed = hashlib.sha256(KEY.encode()).hexdigest()
    mine = access(tmp_path, f"caller sha256:{hashed.upper()} 2027-01-16\nagent {OTHER}\n")
    assert mine.identify({"token": KEY}).role is Role.CALLER
    assert mine.identify({"token": OTHER}).role is Role.AGENT
    for given_key in (f"sha256:{hashed}", hashed, ""):
        with pytest.raises(TurnRefused):
            mine.identify({"token": given_key})


def test_what_is_drawn_does_not_stand_in_the_file(tmp_path):
    path = tmp_path / "keys.txt"
    keys = {role: add_key(path, role).secret for role in ("caller", "agent", "supervisor", "operator", "tickets")}
    assert [role for role, key in keys.items() if key in path.read_text()] == ["tickets"]
    mine = Access("MyChannel", {"token_file": str(path)})
    assert mine.identify({"token": keys["agent"]}).role is Role.AGENT
    assert all(key not in repr(read_keys(path)) for key in keys.values())


def test_keys_are_drawn_for_their_owner_alone(tmp_path):
    path = tmp_path / "keys.txt"
    first, second = add_key(path, "caller"), add_key(path, "tickets", until="2027-01-31")
    assert read_keys(path) == (first, second)
    assert os.name != "posix" or path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError):
        add_key(path, "king")
    with pytest.raises(ConfigError, match="no date"):
        add_key(path, "caller", until="soon")
    assert read_keys(path) == (first, second)
