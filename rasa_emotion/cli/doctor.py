"""`rasa-emotion doctor`: what is installed, whether the models are whole, and the command that mends what is not."""

import json
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from packaging.requirements import Requirement
from rich.console import Console
from rich.table import Table

from rasa_emotion.cli.options import ModelsOption
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.extras import needs_extra
from rasa_emotion.model_folder import MANIFEST, model_path, read_model_folder, shipped_models

DISTRIBUTION = "rasa-emotion"

EXTRAS = {
    "formats": "recordings of phones and browsers: M4A, WebM, AMR, WMA, 3GP, AAC",
    "handoff": "escalations that reach people, consents, deletion",
    "rasa": "Rasa Open Source 3.6.21, the bot framework that the components plug into",
    "rasa-pro": "Rasa Pro, the bot framework that the components plug into",
    "serve": "the analysis as a service of its own",
    "telemetry": "spans of the service for OpenTelemetry",
    "ray": "the service over many cores and machines",
    "remote": "asking such a service",
    "speech": "the words of live calls, on this machine",
    "moonshine": "another recogniser of English, with its weights",
    "encryption": "an encrypted spool",
    "console": "pages for people",
    "score": "archives of recorded calls as tables",
    "evaluate": "figures and plots on recordings of your own",
    "torch": "PyTorch and the libraries that the recipes build on",
    "train": "models of your own",
    "research": "the published systems and comparisons",
}
"""What each extra is for; a bot needs `rasa` or `rasa-pro`, `EmotionAnalyzer` none. `make` installs `dev`, `docs`."""

CORE_MODULES = ("numpy", "onnxruntime", "soundfile", "soxr", "tokenizers", "webrtcvad")
"""Modules with compiled parts: installed is not enough, they must load."""

CORE_MODELS = {"acoustic": "acoustic", "text": "text", "fusion": "fusion"}
"""Folder and kind of the models that `EmotionAnalyzer.load()` opens."""


HEARING = {True: "Voice and words can be analysed.", False: "[red]Voice and words cannot be analysed.[/]"}
SECURITY = {True: "Nothing is open that can be seen from here.", False: "[red]Something is open.[/]"}


@dataclass(frozen=True)
class Finding:
    """One part of an installation.

    Args:
        section: "core", "extra", "model", "program" or "bot".
        name: the part's name.
        ok: whether it is there and whole.
        required: whether nothing can be analysed without it.
        detail: one line for people.
        mend: the command that mends it; empty where it is ok.
        facts: versions, licence or checksum, for programs.
    """

    section: str
    name: str
    ok: bool
    required: bool
    detail: str
    mend: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def doctor(
    bot: Annotated[
        Path | None, typer.Argument(help="Folder of a bot to look at too; this one, where it is a bot's.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    security: Annotated[
        bool, typer.Option("--security", help="List what of the bot is open instead, with the line that shuts it.")
    ] = False,
    models: ModelsOption = None,
) -> None:
    """Say what is installed, what is missing, and the command that mends it.

    The exit code is 1 when voice and words cannot be analysed; with --security, when something is open.

    Example: rasa-emotion doctor my_bot
    """
    findings = _security(bot or Path()) if security else [*examine(models), *_of_bot(bot)]
    healthy = all(finding.ok for finding in findings if finding.required or security)
    if as_json:
        version = metadata.version(DISTRIBUTION)
        report = {"version": version, "python": platform.python_version(), "healthy": healthy}
        print(json.dumps({**report, "findings": [asdict(finding) for finding in findings]}, ensure_ascii=False))
    else:
        said = SECURITY if security else HEARING
        present(findings, said[healthy], Console(soft_wrap=True, highlight=False))
    if not healthy:
        raise typer.Exit(1)


def examine(models: Path | None = None) -> list[Finding]:
    """Look at the packages, the models of a folder (the shipped ones by default), and the programs.

    Raises:
        ConfigError: the package runs without being installed, so that nothing is known about what it needs.

    >>> {finding.section for finding in examine()} >= {"core", "model"}
    True
    """
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise ConfigError(
            f"{DISTRIBUTION} is not installed in {sys.executable}; run 'pip install .' in its folder."
        ) from error
    requirements = [Requirement(line) for line in distribution.requires or []]
    return [
        _core(requirements),
        *(_extra(name, purpose, requirements) for name, purpose in EXTRAS.items()),
        *_models(models or shipped_models(), distribution),
        _espeak(),
    ]


def _of_bot(folder: Path | None) -> Iterator[Finding]:
    """What is to be said about a bot; nothing where none is named and this folder is none."""
    if folder is None and not Path("config.yml").is_file():
        return
    try:
        # Needs packages that may be what is broken.
        from rasa_emotion.cli.doctor_bot import examine_bot, is_bot  # noqa: PLC0415
    except ImportError as error:
        yield Finding("bot", "files", False, False, f"cannot be looked at, since {error.name} is not installed")
        return
    if folder is None and not is_bot(Path()):
        return
    for found in examine_bot(folder or Path()):
        yield Finding("bot", found.name, found.ok, False, found.detail, found.mend)


def _security(folder: Path) -> list[Finding]:
    """What of a bot is open. Raises ConfigError where that cannot be looked at."""
    with needs_extra("rasa", "To look at a bot"):
        from rasa_emotion.cli.doctor_security import examine_security  # noqa: PLC0415 -- as above
    return [Finding("bot", one.name, one.ok, False, one.detail, one.mend) for one in examine_security(folder)]


def present(findings: list[Finding], verdict: str, console: Console) -> None:
    """Print the findings as a table for people, with the commands below it, each on a line of its own."""
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "name", "state", "what"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        lacking = "[yellow]to mend[/]" if finding.section == "bot" else "[yellow]not there[/]"
        state = "[green]ok[/]" if finding.ok else "[red]broken[/]" if finding.required else lacking
        table.add_row(finding.section, finding.name, state, finding.detail)
    console.print(table)
    console.print()
    console.print(verdict)
    for finding in findings:
        if finding.mend:
            mends = finding.required or finding.section == "bot"
            console.print(f"{'To mend' if mends else 'To add'} {finding.name}:")
            console.print(f"  {finding.mend}", markup=False)


def _core(requirements: list[Requirement]) -> Finding:
    wanted = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    versions, missing = _installed(wanted)
    faults = [f"{requirement.name} is missing or too old" for requirement in missing]
    broken = [] if missing else [fault for fault in map(_load_fault, CORE_MODULES) if fault]
    detail = "; ".join(faults + broken) or _listed(versions)
    mend = _install(missing) if missing else _install(wanted, "--force-reinstall") if broken else ""
    return Finding("core", DISTRIBUTION, not mend, True, detail, mend, {"versions": versions})


def _load_fault(module: str) -> str:
    try:
        import_module(module)
    except (ImportError, OSError) as error:
        return f"{module} does not load ({error})"
    return ""


def _extra(name: str, purpose: str, requirements: list[Requirement]) -> Finding:
    # What is there without the extra belongs to the core, such as a detector for some Pythons alone.
    core = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    wanted = [r for r in requirements if r not in core and r.marker and r.marker.evaluate({"extra": name})]
    versions, missing = _installed(wanted)
    if any(r.name == name and r not in wanted for r in requirements if _names_extra(r, name)):
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        return Finding("extra", name, False, False, f"{purpose}; it does not run on Python {python}", "", {})
    detail = f"{purpose} ({_listed(versions)})" if not missing else f"{purpose}; lacks {_names(missing)}"
    mend = _install(missing) if missing else ""
    return Finding("extra", name, not missing, False, detail, mend, {"versions": versions})


def _names_extra(requirement: Requirement, extra: str) -> bool:
    return f'extra == "{extra}"' in str(requirement.marker)


def _installed(requirements: list[Requirement]) -> tuple[dict[str, str], list[Requirement]]:
    """The versions that are there, and the requirements that they do not fulfil."""
    versions, missing = {}, []
    for requirement in requirements:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(requirement)
            continue
        versions[requirement.name] = version
        if not requirement.specifier.contains(version, prereleases=True):
            missing.append(requirement)
    return versions, missing


def _models(folder: Path, distribution: metadata.Distribution) -> Iterator[Finding]:
    others = sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}") if path.parent.name not in CORE_MODELS)
    for name in [*CORE_MODELS, *others]:
        required = name in CORE_MODELS
        path = folder / name
        try:
            path = model_path(folder, CORE_MODELS[name], name) if required else path
            model = read_model_folder(path, CORE_MODELS.get(name) or _kind(path))
        except ModelError as error:
            yield Finding("model", name, False, required, str(error), _restore(path, distribution))
            continue
        facts = {"kind": model.kind, "licence": model.licence, "commercial": model.commercial}
        facts |= {"summary": model.summary, "checksum": model.checksum, "path": str(path)}
        said = f"{model.use}: {model.summary} {model.limit}".rstrip()
        yield Finding("model", name, True, required, said, "", facts)


def _kind(path: Path) -> str:
    """The kind that a manifest names; "unknown" leaves the complaint about a broken one to `read_model_folder`."""
    try:
        return str(json.loads((path / MANIFEST).read_bytes())["kind"])
    except (ValueError, KeyError, TypeError):
        return "unknown"


def _restore(path: Path, distribution: metadata.Distribution) -> str:
    """The command that brings a shipped model back; that of a folder of the user's own is in the error itself."""
    if path.parent != shipped_models():
        return ""
    if not path.is_relative_to(Path(str(distribution.locate_file("")))):
        return shlex.join(["git", "-C", str(path.parent.parent), "checkout", "--", f"models/{path.name}"])
    origin = json.loads(distribution.read_text("direct_url.json") or "{}").get("url", DISTRIBUTION)
    return _pip("--force-reinstall", "--no-deps", origin)


def _espeak() -> Finding:
    ok = shutil.which("espeak-ng") is not None
    detail = "speaks in the example's demo and in the tests; no bot needs it"
    return Finding("program", "espeak-ng", ok, False, detail, "" if ok else "sudo apt-get install espeak-ng")


def _install(requirements: list[Requirement], *options: str) -> str:
    return _pip(*options, *(f"{requirement.name}{requirement.specifier}" for requirement in requirements))


def _pip(*arguments: str) -> str:
    """An install command for this very Python; uv where the environment has no pip of its own."""
    if any(metadata.distributions(name="pip")):
        return shlex.join([sys.executable, "-m", "pip", "install", *arguments])
    beside = Path(sys.prefix).parent / ".tools" / "bin" / "uv"
    uv = str(beside) if beside.is_file() else "uv"
    return shlex.join([uv, "pip", "install", "--python", sys.executable, *arguments])


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _names(requirements: list[Requirement]) -> str:
    return ", ".join(requirement.name for requirement in requirements)
