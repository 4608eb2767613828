"""`rasa-emotion access`: keys and tickets for those who call a bot."""

import json
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rasa_emotion.errors import ConfigError
from rasa_emotion.turn.keys import TICKETS, Key, add_key, read_keys
from rasa_emotion.turn.roles import Role
from rasa_emotion.turn.tickets import DEFAULT_SECS, make_ticket

access = typer.Typer(
    no_args_is_help=True,
    help="Keys and tickets for those who call a bot. Example: rasa-emotion access key caller --file keys.txt",
)

File = Annotated[Path, typer.Option("--file", help="The token file, as credentials.yml names it.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@access.command("key")
def draw(
    holder: Annotated[
        str, typer.Argument(help="caller, agent, supervisor, operator, or tickets for a key that signs tickets.")
    ],
    *,
    file: File,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The day from which it does not hold any more.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw a key, add its SHA-256 to the token file, and print it; it cannot be had again.

    A key that signs tickets stands in the file itself. A running server reads the file again.

    Example: rasa-emotion access key caller --file keys.txt --until 2027-01-31
    """
    key = add_key(file, holder, until=until)
    if as_json:
        print(json.dumps({"role": key.holder, "key": key.secret, "until": _day(key), "file": str(file)}))
    else:
        print(key.secret)


@access.command()
def ticket(
    name: Annotated[str, typer.Argument(help="The caller's sender, or the person, that it is for.")],
    *,
    file: File,
    minutes: Annotated[float, typer.Option(help="How long it holds, at most a day.")] = DEFAULT_SECS / 60,
    role: Annotated[Role, typer.Option(help="What its holder is.")] = Role.CALLER,
    channel: Annotated[str | None, typer.Option(help="The input_channel of its turns.")] = None,
    as_json: Json = False,
) -> None:
    """Make a ticket for one caller, signed with the last key 'tickets' of the token file, and print it.

    Example: rasa-emotion access ticket ada --file keys.txt --minutes 15
    """
    now = time.time()
    keys = [key for key in read_keys(file) if key.holder == TICKETS and (key.until is None or now < key.until)]
    signing = [key.secret for key in keys if key.secret is not None]
    if not signing:
        raise ConfigError(
            f"The token file '{file}' has no key that signs tickets; run: rasa-emotion access key tickets --file {file}"
        )
    made = make_ticket(signing[-1], name, role=role, channel=channel, secs=60 * minutes, now=now)
    if as_json:
        told = {"ticket": made, "name": name, "role": role.value, "channel": channel, "until": now + 60 * minutes}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(made)


@access.command("list")
def show(*, file: File, as_json: Json = False) -> None:
    """List the keys of a token file: role, end, and the beginning of each key's SHA-256, never the key.

    Example: rasa-emotion access list --file keys.txt
    """
    now = time.time()
    rows = [_row(key, now) for key in read_keys(file)]
    if as_json:
        print(json.dumps({"file": str(file), "keys": rows}))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("role", "until", "holds", "sha256"):
        table.add_column(heading)
    for row in rows:
        table.add_row(row["role"], row["until"] or "", "yes" if row["holds"] else "no", row["sha256"])
    Console().print(table)


def _row(key: Key, now: float) -> Mapping[str, Any]:
    holds = key.until is None or now < key.until
    return {
        "role": key.holder,
        "until": _day(key),
        "holds": holds,
        "sha256": key.digest.hex()[:12],
    }


def _day(key: Key) -> str | None:
    return None if key.until is None else datetime.fromtimestamp(key.until, timezone.utc).date().isoformat()
