"""What is fuzzed: right examples, and what reads them. Whatever comes, it is taken or refused in a sentence."""

import base64
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from alter import as_bytes, by_bytes, by_structure

from rasa_emotion.errors import RasaEmotionError

REPOSITORY = Path(__file__).resolve().parents[2]
MOST_BYTES = 1_000_000


@cache
def _made(examples: Callable[[], list[bytes]]) -> list[bytes]:
    return examples()


@dataclass(frozen=True)
class Target:
    """One reader.

    Args:
        examples: makes right inputs.
        read: reads one; it may raise RasaEmotionError alone.
        structured: the examples are JSON.
    """

    examples: Callable[[], list[bytes]]
    read: Callable[[bytes], object]
    structured: bool = False

    def made(self) -> list[bytes]:
        return _made(self.examples)

    def altered(self, chance: random.Random) -> bytes:
        example = chance.choice(self.made())
        if self.structured and chance.random() < 0.7:
            return as_bytes(by_structure(json.loads(example), chance))
        return by_bytes(example, chance)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def _bodies() -> list[bytes]:
    sound = base64.b64encode(b"\x00\x01" * 400).decode()
    audio = {"content": sound, "format": "pcm_s16le", "sample_rate": 8000, "channel": "left"}
    body = {"sender": "ada", "message": "hello", "metadata": {"a": [1]}, "input_channel": "web"}
    return [as_bytes({**body, "audio": audio}), as_bytes(body)]


def _read_body(content: bytes) -> object:
    from rasa_emotion.turn.request import from_json  # noqa: PLC0415 -- each target loads what it needs

    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None  # the channel's web server refuses what is no JSON
    return from_json(body, max_bytes=MOST_BYTES)


def _read_form(content: bytes) -> object:
    from rasa_emotion.turn.request import from_form  # noqa: PLC0415

    with suppress(ValueError, RecursionError):
        body = json.loads(content)
        if isinstance(body, dict):
            fields = {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in body.items()}
            return from_form({key: value for key, value in fields.items() if key != "audio"}, b"1234", max_bytes=9)
    return None


@cache
def _helpdesk(name: str) -> Any:
    from fakes.chatwoot import FakeChatwoot  # noqa: PLC0415
    from fakes.request_tracker import FakeRequestTracker  # noqa: PLC0415
    from fakes.webhook import FakeWebhook  # noqa: PLC0415
    from fakes.zendesk import FakeZendesk  # noqa: PLC0415

    from rasa_emotion.handoff.helpdesks import open_helpdesk  # noqa: PLC0415

    kinds = {"chatwoot": FakeChatwoot, "request_tracker": FakeRequestTracker, "webhook": FakeWebhook}
    fake = {**kinds, "zendesk": FakeZendesk}[name]()
    return fake, open_helpdesk({**fake.settings, "url": "https://helpdesk.example.com"})


def _reports(name: str) -> list[bytes]:
    fake, _ = _helpdesk(name)
    events = (fake.words("7", "Good *day*, see https://example.com"), fake.hand_back("7", "refunded"))
    return [fake.signed(event)[1] for event in events]


def _read_report(name: str, content: bytes) -> object:
    """Signed as if the helpdesk had sent it, so that it is read."""
    fake, helpdesk = _helpdesk(name)
    return helpdesk.receive(dict(fake.sign(content)), content)


def _models() -> list[bytes]:
    """Manifests of the models that ship, without the files that they name."""
    found = [json.loads((REPOSITORY / "models" / name / "model.json").read_bytes()) for name in ("acoustic", "fusion")]
    return [as_bytes({**one, "files": {}}) for one in found]


def _read_model(content: bytes) -> object:
    from rasa_emotion.model_folder import model_path, read_model_folder  # noqa: PLC0415

    folder = _folder() / "model"
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_bytes(content)
    (folder / "LICENSE").write_text("text")
    kind = "fusion" if b'"fusion"' in content else "acoustic"
    path = model_path(folder, kind, kind)
    return read_model_folder(folder if path.name == kind else path, kind).sentence


def _files(pattern: str) -> list[bytes]:
    found = [path.read_bytes() for path in sorted(REPOSITORY.glob(pattern))]
    assert found, pattern
    return found


def _read_text_recipe(content: bytes) -> object:
    from rasa_emotion.training.text.recipe import read_recipe  # noqa: PLC0415

    path = _folder() / "recipe.yaml"
    path.write_bytes(content)
    return read_recipe(path)


def _manifests() -> list[bytes]:
    from rasa_emotion.corpora.manifest import COLUMNS  # noqa: PLC0415

    row = ["a.wav", "own", "speaker 1", "angry", "angry", "1", "2.5", "hello"]
    lines = ([*COLUMNS], row, ["b.wav", *row[1:]])
    return ["\n".join(",".join(line) for line in lines).encode()]


def _read_manifest(content: bytes) -> object:
    from rasa_emotion.corpora.manifest import read_rows  # noqa: PLC0415

    (_folder() / "speech.csv").write_bytes(content)
    return read_rows(_folder())


def _endpoints() -> list[bytes]:
    return [
        *_files("bot_example/endpoints.yml"),
        b"rasa_emotion:\n  helpdesk: {type: desk}\n  redact: {keep: [phone], patterns: {number: 'K-[0-9]{6}'}}\n"
        b"  links: {crm: 'https://example.com/{sender}'}\n  spool: {max_mb: 4}\n  delivery: {attempts: 3}\n"
        b"tracker_store: {type: rasa_emotion.EmotionTrackerStore, db: bot.db}\n",
    ]


def _read_endpoints(content: bytes) -> object:
    from rasa_emotion.endpoints import read_endpoints  # noqa: PLC0415
    from rasa_emotion.handoff.redact import Rules  # noqa: PLC0415

    path = _folder() / "endpoints.yml"
    path.write_bytes(content)
    return Rules.of(read_endpoints(path).redact)


def _spools() -> list[bytes]:
    from rasa_emotion.spool.folder import Spool  # noqa: PLC0415

    folder = _folder() / "made.spool"
    spool = Spool(folder, max_bytes=100_000)
    for number in range(5):
        spool.keep("words", f"caller {number}", {"text": "hello", "origin": str(number)})
    (file,) = folder.glob("*.spool")
    return [file.read_bytes()[:2000]]


def _read_spool(content: bytes) -> object:
    from rasa_emotion.spool.folder import Spool  # noqa: PLC0415

    folder = _folder() / "altered.spool"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file = folder / "a.spool"
    file.write_bytes(content)
    file.chmod(0o600)
    spool = Spool(folder)
    look = spool.look()
    spool.drop(look.entries)
    return look


def _read_packet(content: bytes) -> object:
    from rasa_emotion.handoff.packet import stored_packet  # noqa: PLC0415

    text = content.decode("utf-8", "replace")
    return stored_packet(text, key="k", kind="handover", sender="ada", channel="web", created=1.0)


def _packets() -> list[bytes]:
    from fakes.packets import packet  # noqa: PLC0415

    return [as_bytes(packet().to_dict())]


TARGETS: dict[str, Target] = {
    "body": Target(_bodies, _read_body, structured=True),
    "form": Target(_bodies, _read_form, structured=True),
    "chatwoot": Target(partial(_reports, "chatwoot"), partial(_read_report, "chatwoot"), structured=True),
    "zendesk": Target(partial(_reports, "zendesk"), partial(_read_report, "zendesk"), structured=True),
    "webhook": Target(partial(_reports, "webhook"), partial(_read_report, "webhook"), structured=True),
    "request_tracker": Target(partial(_reports, "request_tracker"), partial(_read_report, "request_tracker"), True),
    "model": Target(_models, _read_model, structured=True),
    "text_recipe": Target(partial(_files, "rasa_emotion/training/text/recipes/*.yaml"), _read_text_recipe),
    "manifest": Target(_manifests, _read_manifest),
    "endpoints": Target(_endpoints, _read_endpoints),
    "spool": Target(_spools, _read_spool),
    "packet": Target(_packets, _read_packet, structured=True),
}


def fault(target: Target, content: bytes) -> str:
    """What is wrong with how an input was read; empty where it was taken, or refused in one line."""
    try:
        target.read(content)
    except RasaEmotionError as error:
        sentence = str(error)
        return "" if sentence and "\n" not in sentence else f"no sentence: {sentence!r}"
    except Exception as error:  # the test says which
        return f"{type(error).__name__}: {error}"
    return ""
