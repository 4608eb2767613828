"""The proxy of docs/security.md: a real nginx with the page's own configuration before a real server."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from needed import needs

pytestmark = [needs("nginx-light"), needs("openssl")]

KEY = "0123456789abcdef"


@dataclass
class Proxy:
    """nginx: its port, its certificate, and the file that it logs requests to."""

    port: int
    certificate: Path
    log: Path

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    def post(self, path: str = "webhook", token: str | None = KEY, **options: object) -> requests.Response:
        url = f"{self.address}/webhooks/rest/{path}"
        headers = {"token": token} if token else {}
        body = {"json": {"sender": "ada", "message": "hello"}, **options}
        return requests.post(url, headers=headers, verify=str(self.certificate), timeout=60, **body)


@pytest.fixture(scope="module")
def proxy(serve_channels, repository: Path, tmp_path_factory: pytest.TempPathFactory):
    with serve_channels({"rasa_emotion.RelayInput": {"channel": "rest", "token": KEY}}) as served:
        folder = tmp_path_factory.mktemp("nginx")
        certificate, key = folder / "bot.pem", folder / "bot.key"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1", "-nodes"]
        made = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            *subject,
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ]
        subprocess.run(made, check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = folder / "bot.log"
        written = of_the_page(
            repository,
            {
                "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
                "bot.example.com": "localhost",
                "/etc/ssl/certs/bot.pem": str(certificate),
                "/etc/ssl/private/bot.key": str(key),
                "/var/log/nginx/bot.log": str(log),
                "127.0.0.1:5005": f"127.0.0.1:{served.port}",
                "client_header_timeout 10s": "client_header_timeout 1s",  # so that nobody waits
                "client_body_timeout 10s": "client_body_timeout 1s",
            },
        )
        (folder / "nginx.conf").write_text(whole(folder, written))
        command = [shutil.which("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port, process, folder)
            yield Proxy(port, certificate, log)
        finally:
            process.terminate()
            process.wait()


def of_the_page(repository: Path, changes: dict[str, str]) -> str:
    """The page's configuration, with the places of this test."""
    (written,) = re.findall(r"```nginx\n(.*?)```", (repository / "docs/security.md").read_text(), flags=re.DOTALL)
    for before, after in changes.items():
        assert before in written, before
        written = written.replace(before, after)
    return written


def whole(folder: Path, written: str) -> str:
    """A configuration that is read by itself, as Debian's own reads what is in conf.d."""
    places = [f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    user = "user root;" if os.geteuid() == 0 else ""
    return "\n".join(
        [
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}",
            "events { worker_connections 1024; }",
            "http {",
            *places,
            written,
            "}",
        ]
    )


def wait_for(port: int, process: subprocess.Popen, folder: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"nginx did not start:\n{(folder / 'error.log').read_text()}")


def test_a_turn_passes_with_its_key(proxy):
    answer = proxy.post()
    assert answer.json()[0]["text"] == "ada rest hello"
    assert answer.headers["X-Emotion-Human"] == "false"
    assert proxy.post(token=None).status_code == 401
    streamed = proxy.post("webhook?stream=true")
    assert json.loads(streamed.text.splitlines()[0])["text"] == "ada rest hello"


def test_a_key_in_a_query_is_not_logged(proxy):
    assert proxy.post(f"webhook?token={KEY}", token=None).ok
    assert "/webhooks/rest/webhook" in proxy.log.read_text()
    assert KEY not in proxy.log.read_text()


@pytest.mark.parametrize(
    "path", ["/", "/status", "/conversations/ada/tracker", "/model/parse", "/webhooks/other/webhook"]
)
def test_nothing_else_passes(proxy, path):
    answer = requests.get(proxy.address + path, verify=str(proxy.certificate), timeout=60)
    assert (answer.status_code, "nginx" in answer.text) == (404, True)


def test_too_much_does_not_pass(proxy):
    # nginx answers by the length alone; a client that goes on sending would meet a closed line.
    assert b" 413 " in trickle(proxy, head(16_000_000), b"").split(b"\r\n")[0]


def head(length: int) -> bytes:
    """The headers of a message of so many bytes."""
    lines = ["POST /webhooks/rest/webhook HTTP/1.1", "Host: localhost", f"Token: {KEY}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


def trickle(proxy, begun: bytes, part: bytes) -> bytes:
    """What is answered to a request of which a part comes each fifth of a second, until nginx ends the connection."""
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    said = b""
    plain = socket.create_connection(("127.0.0.1", proxy.port))
    with context.wrap_socket(plain, server_hostname="localhost") as line:
        line.settimeout(0.2)
        line.sendall(begun)
        while True:
            try:
                got = line.recv(4096)
                said += got
            except TimeoutError:
                line.sendall(part)
                continue
            except OSError:
                return said
            if not got:
                return said


def test_headers_that_trickle_are_cut_off(proxy):
    # By themselves, they would never end.
    assert (
        b"200" not in trickle(proxy, b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: localhost\r\n", b"A: b\r\n")[:20]
    )


def test_a_body_that_does_not_come_is_cut_off(proxy):
    assert b"200" not in trickle(proxy, head(1000), b"")[:20]


def test_more_than_the_rate_is_told_to_come_later(proxy):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: proxy.post(token=None), range(60)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].headers["Retry-After"] == "5"
    assert refused[0].json()["code"] == 429
