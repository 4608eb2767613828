"""`rasa-emotion init`: adds the plugin to an existing Rasa bot."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.syntax import Syntax

from rasa_emotion.cli.bot_files import Plan, plan, write


def init(
    bot_folder: Annotated[Path, typer.Argument(help="Folder of the bot, with config.yml.")] = Path(),
    *,
    domain: Annotated[
        Path | None,
        typer.Option(help="File or folder of the domain, seen from the bot; domain.yml or domain/ by default."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes and write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the changes as one JSON object; needs --yes to write.")
    ] = False,
) -> None:
    """Add the plugin to a Rasa bot: shows each change, asks, and keeps all that stands there.

    Example: rasa-emotion init my_bot --dry-run
    """
    planned = plan(bot_folder, domain)
    write_now = yes and not dry_run
    if not as_json:
        _show(planned)
        write_now = bool(planned.changes) and not dry_run and (yes or typer.confirm("Write these changes?"))
    if write_now:
        write(planned)
    if as_json:
        print(json.dumps(_as_json(planned, written=write_now), ensure_ascii=False))
    elif write_now:
        Console().print(f"Changed {len(planned.changes)} files. Now run [bold]rasa train[/bold] in '{bot_folder}'.")


def _show(planned: Plan) -> None:
    console = Console()
    for change in planned.changes:
        if not console.is_terminal:  # a diff that `patch` can read
            print(change.diff)
            continue
        console.print(Syntax(change.diff, "diff", theme="ansi_dark", background_color="default", word_wrap=True))
        console.print()
    for note in planned.notes:
        console.print(f"Note: {note}", style="yellow", markup=False, highlight=False)
    if not planned.changes:
        console.print(f"Nothing to do: '{planned.bot}' has all that rasa-emotion needs.", markup=False)


def _as_json(planned: Plan, *, written: bool) -> dict[str, Any]:
    changes = [
        {"file": change.file.path.as_posix(), "action": "edit" if change.file.exists else "create", "diff": change.diff}
        for change in planned.changes
    ]
    return {"bot": str(planned.bot), "changes": changes, "notes": list(planned.notes), "written": written}
