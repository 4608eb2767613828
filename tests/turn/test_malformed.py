"""Requests that cannot be read leave one line in the log, and none of their bytes."""

import socket

import pytest
from service_kit import served

SECRET = "hV2c-open-sesame"


@pytest.mark.parametrize(
    "sent",
    [
        f"GET /healthz HTTP/1.1\r\nHost: x\r\ntoken {SECRET}\r\n\r\n",
        f"GET /healthz HTTP/1.1\r\nHost: x\r\ntoken: {SECRET}\x00\r\n\r\n",
        f"{SECRET} /healthz?token={SECRET} HTTP/one\r\n\r\n",
        f"GET /healthz HTTP/1.1\r\nHost: x\r\ntoken: {SECRET * 1000}\r\n\r\n",
    ],
    ids=["no colon", "control character", "no method", "too long"],
)
def test_no_byte_of_it_is_logged(sent: str) -> None:
    with served() as running:
        with socket.create_connection(("127.0.0.1", running.port), 60) as line:
            line.sendall(sent.encode())
            assert b" 400 " in line.recv(4096).split(b"\r\n")[0]
        record = running.wait_for("http.request.malformed")
        assert (record["level"], record["message"].startswith("A request could not be read (")) == ("info", True)
        running.end()
        told = str([*running.records, *running.other, *running.rest()])
    assert SECRET not in told
    assert "Traceback" not in told
