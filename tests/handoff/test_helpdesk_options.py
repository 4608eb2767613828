"""Options of helpdesks: what the documentation shows can be used, and what is wrong is said in a sentence."""

import re
import subprocess
import sys
import threading
from http.server import HTTPServer
from pathlib import Path

import pytest
from fakes.packets import packet
from fakes.webhook import FakeWebhook, signed_headers

from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import Helpdesk, Message
from rasa_emotion.handoff.helpdesks import HELPDESKS, open_helpdesk
from rasa_emotion.handoff.http import COMMON

PAGE = Path(__file__).resolve().parents[2] / "docs" / "helpdesks.md"
VARIABLES = {
    "HANDOFF_SECRET": "0123456789abcdef0123456789abcdef",
    "SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/x",
}

GOOD = {
    "webhook": {"url": "https://a.example", "secret": "0123456789abcdef"},
    "chatwoot": {"url": "https://a.example", "account_id": 1, "inbox_id": 2, "api_access_token": "t"},
    "zendesk": {"app_id": "a", "key_id": "k", "key_secret": "s"},
    "zendesk_ticket": {"url": "https://a.example", "email": "a@b.example", "api_token": "t"},
    "request_tracker": {"url": "https://a.example", "token": "t"},
    "slack": {"token": "t", "channel": "c"},
}


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_examples_can_be_used(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crm.py").write_text(blocks(page, "python")[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    shown = set()
    for block in blocks(page, "yaml"):
        for name in re.findall(r"\$\{(\w+)\}", block):
            monkeypatch.setenv(name, VARIABLES.get(name, "a key"))
        path = tmp_path / "endpoints.yml"
        path.write_text(block, encoding="utf-8")
        helpdesk = open_helpdesk(read_endpoints(path).helpdesk)
        shown.add(helpdesk.name)
    assert shown == {*HELPDESKS, "crm"}
    assert helpdesk.receive({"X-Crm-Key": "a secret"}, b"")[0].text == "Hello, I am Ada."


def test_every_option_is_described_once(page: str) -> None:
    sections = dict(re.findall(r"^## [^\n]*\(`(\w+)`\)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(HELPDESKS)
    for name, options in GOOD.items():
        described = re.findall(r"^\| `(\w+)` \|", table_of_options(sections[name]), re.MULTILINE)
        defaults = type(open_helpdesk({"type": name, **options})).DEFAULTS
        assert sorted(described) == sorted(set(defaults) - set(COMMON))
    assert re.findall(r"^\| `(\w+)` \|", table_of_options(page.partition("## ")[0]), re.MULTILINE) == list(COMMON)


def table_of_options(text: str) -> str:
    return text.partition("| option | default | meaning |\n")[2].partition("\n\n")[0]


@pytest.mark.parametrize("name", GOOD)
def test_two_way_is_what_the_table_says(page: str, name: str) -> None:
    row = next(line for line in page.splitlines() if line.startswith(f"| [`{name}`]"))
    helpdesk = open_helpdesk({"type": name, **GOOD[name]})
    assert ("| yes |" in row) == helpdesk.two_way
    assert helpdesk.name == name


async def test_the_receiver_works(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    program, _ = blocks(page, "python")
    receiver: dict = {"__name__": "receiver"}
    exec(compile(program, "docs/helpdesks.md", "exec"), receiver)
    server = HTTPServer(("127.0.0.1", 0), receiver["Receiver"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    secret = receiver["SECRET"].decode()
    helpdesk = open_helpdesk({"type": "webhook", "url": url, "secret": secret})
    stranger = open_helpdesk({"type": "webhook", "url": url, "secret": "another secret of ours"})
    try:
        await helpdesk.check()
        assert await helpdesk.deliver(packet()) == await helpdesk.deliver(packet()) == "T1"
        await helpdesk.send("T1", Message("m1", "Hello?", 0.0))
        with pytest.raises(Exception, match="HTTP 401"):
            await stranger.check()
    finally:
        for opened in (helpdesk, stranger):
            await opened.close()
        server.shutdown()
        server.server_close()
    assert capsys.readouterr().out.splitlines() == [packet().summary, "Hello?"]
    check_the_way_back(receiver, helpdesk)


def check_the_way_back(receiver: dict, helpdesk: Helpdesk) -> None:
    came = []
    receiver["urlopen"] = came.append
    receiver["answer"]("T1", "18", hand_back=True, outcome="refunded")
    (request,) = came
    (said,) = helpdesk.receive(dict(request.header_items()), request.data)
    assert (said.ticket, said.id, said.hand_back, said.outcome) == ("T1", "18", True, "refunded")


def test_the_answers_shown_are_understood(page: str) -> None:
    helpdesk = open_helpdesk({**FakeWebhook().settings, "url": "https://a.example"})
    shown = [
        helpdesk.receive(signed_headers(FakeWebhook.options["secret"], body), body)[0]
        for body in (block.strip().encode() for block in blocks(page, "json"))
    ]
    assert [(said.text, said.hand_back, said.outcome) for said in shown] == [
        ("I am Ada. I see your order.", False, ""),
        ("", True, "refunded"),
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"type": "zendesc"}, "no helpdesk of type 'zendesc'; did you mean 'zendesk'"),
        ({"type": "quite another"}, "no helpdesk of type 'quite another'; choose from desk, webhook"),
        ({"type": "desk", "url": "x"}, "has no option 'url'"),
        ({"type": "webhook"}, "'url' is None"),
        ({"type": "webhook", **GOOD["webhook"], "secret": "short"}, "shorter than 16 characters"),
        ({"type": "webhook", **GOOD["webhook"], "secrets": "x"}, "no option 'secrets'; did you mean 'secret'"),
        ({"type": "webhook", **GOOD["webhook"], "tolerance_secs": 0}, "'tolerance_secs' is 0"),
        ({"type": "chatwoot", **GOOD["chatwoot"], "inbox_id": "seven"}, "'inbox_id' is 'seven'; give its number"),
        ({"type": "zendesk", **GOOD["zendesk"], "conversation": "old"}, "'conversation' names 'old'; choose from new"),
        ({"type": "zendesk_ticket", **GOOD["zendesk_ticket"], "tags": "a"}, "'tags' is 'a'; give a list"),
        ({"type": "slack"}, "either 'webhook_url' or 'token' and 'channel'"),
        ({"type": "slack", "webhook_url": "https://a.example", "token": "t"}, "either 'webhook_url' or 'token'"),
        ({"type": "slack", "token": "t"}, "'channel' is None"),
        ({"type": "request_tracker", **GOOD["request_tracker"], "secret": "short"}, "shorter than 16"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(options: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        open_helpdesk(options)


@pytest.mark.parametrize("name", GOOD)
def test_options_that_all_have(name: str) -> None:
    for secs in (0, -1, "20", None):
        with pytest.raises(ConfigError, match="'timeout_secs'"):
            open_helpdesk({"type": name, **GOOD[name], "timeout_secs": secs})
    for missing in set(GOOD[name]) - {"conversation"}:
        with pytest.raises(ConfigError, match=f"'{missing}'|either"):
            open_helpdesk({"type": name, **{key: value for key, value in GOOD[name].items() if key != missing}})


def test_a_helpdesk_is_loaded_where_it_is_used_alone() -> None:
    script = (
        "from rasa_emotion.handoff.helpdesks import open_helpdesk; import sys; open_helpdesk({}); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "rasa_emotion.handoff.helpdesks.desk" in loaded
    assert not {"aiohttp", "rasa_emotion.handoff.helpdesks.zendesk"} & set(loaded)
