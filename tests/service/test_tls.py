"""The service over TLS, with certificates made here."""

import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from needed import needs
from service_kit import served

from rasa_emotion.remote import RemoteAnalyzer

VERB = [sys.executable, "-m", "rasa_emotion.cli", "serve", "--port", "0"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=emotion"]
    files = ["-keyout", str(key), "-out", str(cert), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return cert, key


@needs("openssl")
@pytest.mark.parametrize("processes", [1, 2])
def test_it_speaks_tls_to_who_trusts_its_certificate(pair, processes: int, monkeypatch) -> None:
    cert, key = pair
    options = ("--tls-cert", cert, "--tls-key", key, "--processes", processes)
    with served(*options, command=VERB) as running:
        assert running.url.startswith("https://")
        with urllib3.PoolManager(ca_certs=str(cert), retries=False) as http:
            found = http.request("POST", f"{running.url}/v1/analyze", json={"text": "I am furious with you"})
            assert found.json()["emotion"] == "angry"
        with pytest.raises(urllib3.exceptions.HTTPError):  # not signed by anybody that is known
            urllib3.PoolManager(retries=False).request("GET", f"{running.url}/healthz")
        with pytest.raises(urllib3.exceptions.HTTPError):
            urllib3.PoolManager(retries=False).request("GET", f"http://127.0.0.1:{running.port}/healthz")
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        analyzer = RemoteAnalyzer([running.url], timeout_secs=60)
        assert analyzer.analyze(text="I am furious with you").emotion == "angry"
        assert running.end() == 0


@needs("openssl")
def test_a_certificate_that_cannot_be_used_is_told(pair, tmp_path: Path) -> None:
    cert, key = pair
    (tmp_path / "other.pem").write_text("no key")
    for options, said in (
        (["--tls-key", key], "no certificate"),
        (["--tls-cert", tmp_path / "absent.pem"], "absent.pem"),
        (["--tls-cert", cert, "--tls-key", tmp_path / "other.pem"], "check both"),
    ):
        done = subprocess.run([*VERB, *map(str, options)], capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert said in done.stderr.replace("\n", " ")
