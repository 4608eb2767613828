"""`rasa-emotion init`: adds the plugin to an existing Rasa bot."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.syntax import Syntax

from rasa_emotion.cli import additions
from rasa_emotion.cli.bot_files import Plan, write
from rasa_emotion.cli.bot_plan import Wishes, bot_intents, plan
from rasa_emotion.cli.wording import Given, read_replies, variations
from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import model_path, read_model_folder


def init(
    bot_folder: Annotated[Path, typer.Argument(help="Folder of the bot, with config.yml.")] = Path(),
    *,
    domain: Annotated[
        Path | None,
        typer.Option(help="File or folder of the domain, seen from the bot; domain.yml or domain/ by default."),
    ] = None,
    observe: Annotated[
        bool, typer.Option("--observe", help="Hear and record alone: the bot says and does what it did.")
    ] = False,
    replies: Annotated[
        Path | None, typer.Option(help="YAML file with what the bot says for the plugin, in its own language.")
    ] = None,
    handoff_intent: Annotated[
        list[str] | None,
        typer.Option(help="Intent of the bot's with which callers ask for a human; those named so by default."),
    ] = None,
    no_handoff_intent: Annotated[
        bool, typer.Option("--no-handoff-intent", help="Hand nobody over because of an intent.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes and write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the changes as one JSON object; needs --yes to write.")
    ] = False,
) -> None:
    """Add the plugin to a Rasa bot: shows each change, asks, and keeps all that stands there.

    Example: rasa-emotion init my_bot --dry-run
    """
    named = () if no_handoff_intent else tuple(handoff_intent) if handoff_intent else None
    wishes = Wishes(observe, named, read_replies(replies) if replies else Given())
    planned = plan(bot_folder, domain, wishes)
    asking = not (yes or as_json or dry_run)
    if asking and planned.changes:
        asked = _asked(wishes, planned, bot_intents(bot_folder, domain))
        planned = plan(bot_folder, domain, asked) if asked != wishes else planned
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


def _asked(wishes: Wishes, planned: Plan, found: list[str]) -> Wishes:
    """What the author adds when asked: the intents that ask for a human, and the replies in the bot's language."""
    if wishes.handoff_intents is None:
        chosen = [name for name in found if typer.confirm(f"Hand over callers who say '{name}'?", default=True)]
        wishes = replace(wishes, handoff_intents=tuple(chosen)) if chosen != found else wishes
    if not planned.left_out or wishes.observe:
        return wishes
    print("The bot's language is not English. What does it say (leave empty what it should not say) when")
    written = {
        name: variations(text, name)
        for name in planned.left_out
        if (text := typer.prompt(f"  {additions.SAID_WHEN[name]}", default="", show_default=False).strip())
    }
    return replace(wishes, given=Given({**wishes.given.replies, **written}, wishes.given.examples))


def _show(planned: Plan) -> None:
    console = Console()
    for change in planned.changes:
        if not console.is_terminal:  # a diff that `patch` can read
            print(change.diff)
            continue
        console.print(Syntax(change.diff, "diff", theme="ansi_dark", background_color="default", word_wrap=True))
        console.print()
    for sentence in planned.taken_over:
        console.print(f"Taken over: {sentence}", markup=False, highlight=False, soft_wrap=True)
    for note in planned.notes:
        console.print(f"Note: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    if not planned.changes:
        console.print(f"Nothing to do: '{planned.bot}' has all that rasa-emotion needs.", markup=False)
    console.print(_voice(), markup=False, highlight=False, soft_wrap=True)


def _as_json(planned: Plan, *, written: bool) -> dict[str, Any]:
    changes = [
        {"file": change.file.path.as_posix(), "action": "edit" if change.file.exists else "create", "diff": change.diff}
        for change in planned.changes
    ]
    told = {"taken_over": list(planned.taken_over), "notes": list(planned.notes), "left_out": list(planned.left_out)}
    return {"bot": str(planned.bot), "changes": changes, **told, "voice": _voice(), "written": written}


def _voice() -> str:
    """Licence and limit of the model that hears the callers."""
    try:
        return read_model_folder(model_path(None, "acoustic", "acoustic"), "acoustic").sentence
    except ModelError as error:
        return f"Voices cannot be heard. {error}"
