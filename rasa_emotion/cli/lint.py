"""`rasa-emotion lint`: what a bot's responses lack for callers who are angry or worried, and what nobody will hear."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rasa_emotion.cli import additions
from rasa_emotion.cli.bot_files import domain_files, read_file
from rasa_emotion.conversation.lint import Problem, channels_of
from rasa_emotion.conversation.lint import lint as find_problems
from rasa_emotion.conversation.tone import TONES
from rasa_emotion.errors import ConfigError

OWN_REPLIES = (additions.HANDOFF, additions.NOBODY, additions.VOICE_REPLY)
"""What is said at moments of the plugin's own; init writes words for them that suit every caller."""


def lint(
    domain: Annotated[Path, typer.Argument(help="File or folder of the domain.")] = Path("domain.yml"),
    *,
    credentials: Annotated[
        Path | None, typer.Option(help="credentials.yml; variations for channels that it lacks are named.")
    ] = None,
    exempt: Annotated[
        list[str] | None, typer.Option(help="Response, or pattern such as 'utter_chat_*', that needs no variations.")
    ] = None,
    family: Annotated[
        list[str] | None, typer.Option(help="Callers who need variations: angry, worried (both by default), upset ...")
    ] = None,
    acknowledge: Annotated[
        str, typer.Option(help="Response that is put before the first reply to such callers, as in endpoints.yml.")
    ] = "utter_acknowledge",
    acknowledged: Annotated[
        bool, typer.Option("--acknowledged", help="Leave out the responses before which that response is put.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", hidden=True)] = False,  # what is done anyway, since 0.2
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
) -> None:
    """List responses without variations for angry and worried callers, and variations that can never be chosen.

    The exit code is 1 where there are any.

    Example: rasa-emotion lint domain.yml --exempt utter_iamabot
    """
    families = family or ["angry", "worried"]
    for name in families:
        if name not in TONES:
            raise ConfigError(f"'--family {name}' is not a family; choose from {', '.join(sorted(TONES))}.")
    responses, slots = _read(domain)
    problems = find_problems(
        responses,
        slots,
        families=families,
        exempt=(*(exempt or ()), *OWN_REPLIES),
        acknowledgement=acknowledge,
        acknowledged=acknowledged and not strict,
        channels=channels_of(_credentials(credentials)) if credentials else None,
    )
    counts = {"responses": len(responses), "variations": sum(map(len, responses.values()))}
    if as_json:
        found = [asdict(problem) for problem in problems]
        print(json.dumps({"domain": str(domain), **counts, "problems": found}, ensure_ascii=False))
    else:
        _show(problems, counts)
    if problems:
        raise typer.Exit(1)


def _read(domain: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
    if not domain.exists():
        raise ConfigError(f"There is no domain at '{domain}'; name its file or folder.")
    place = domain if domain.name else domain.resolve()  # "." has no name
    files = domain_files(place.parent, Path(place.name))
    responses: dict[str, list[dict[str, Any]]] = {}
    slots: dict[str, Any] = {}
    for file in files:
        slots |= file.data.get("slots") or {}
        for name, variations in (file.data.get("responses") or {}).items():
            if not isinstance(variations, list) or not all(isinstance(one, Mapping) for one in variations):
                raise ConfigError(
                    f"The response '{name}' in '{file.path}' is not a list of variations; write it as one."
                )
            responses[name] = variations
    if not responses:
        raise ConfigError(f"The domain at '{domain}' has no responses; name the file or folder that has them.")
    return responses, slots


def _credentials(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise ConfigError(f"There are no credentials at '{path}'; name the bot's credentials.yml.")
    return read_file(path.parent, Path(path.name)).data


def _show(problems: list[Problem], counts: Mapping[str, int]) -> None:
    console = Console()
    said = f"{counts['responses']} responses with {counts['variations']} variations"
    if not problems:
        console.print(f"{said}: nothing to mend.", highlight=False)
        return
    table = Table(box=None)
    for column in ("response", "variation", "problem"):
        table.add_column(column, overflow="fold")
    for problem in problems:
        table.add_row(problem.response, str(problem.variation or ""), problem.sentence)
    console.print(table)
    console.print(f"{said}: {len(problems)} to mend.", highlight=False)
