"""`rasa-emotion console`: pages for people."""

import asyncio
import ipaddress
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rasa_emotion.cli.handoff import EndpointsOption, JsonOption
from rasa_emotion.cli.options import RecogniserOption, recogniser_options
from rasa_emotion.cli.serve import HERE, server_tls
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.handoff.screen import printable
from rasa_emotion.logs import log_to
from rasa_emotion.turn.roles import Role

HELP = {"help_option_names": ["-h", "--help"]}
console = typer.Typer(invoke_without_command=True, context_settings=HELP)
user = typer.Typer(
    no_args_is_help=True,
    context_settings=HELP,
    help="Who may sign in. Example: rasa-emotion console user add ada --role agent --file users.txt",
)
console.add_typer(user, name="user")

UsersFile = Annotated[Path, typer.Option("--file", help="The users file.")]
DbOption = Annotated[
    str | None, typer.Option(metavar="URL", help="Database of handoffs, in the place of endpoints.yml's.")
]


@console.callback()
def serve_pages(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one, which the log names.")] = 8200,
    endpoints: EndpointsOption = None,
    db: DbOption = None,
    users: Annotated[
        Path | None, typer.Option(help="Who may sign in, see 'console user'; without it, this machine alone.")
    ] = None,
    proxy: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="IP address of a proxy that signs people in (OIDC).")
    ] = None,
    proxy_header: Annotated[str, typer.Option(help="In which that proxy names who signed in.")] = "X-Forwarded-User",
    idle_minutes: Annotated[float, typer.Option(min=1, help="After which a session without requests ends.")] = 30,
    compare: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="Another model for the workbench; may be repeated.")
    ] = None,
    recogniser: Annotated[
        str,
        typer.Option(
            help="Writes down what recordings in the workbench say, such as whisper or a module path; "
            "none for typed words alone. docs/recognisers.md lists them."
        ),
    ] = "none",
    recogniser_option: RecogniserOption = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM); the console then speaks TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key (PEM), where the certificate's file has none.")] = None,
) -> None:
    """Serve pages for people: live conversations, an agents' desk, a workbench, a review; SIGTERM ends it.

    Example: rasa-emotion console --endpoints endpoints.yml --users users.txt
    """
    if context.invoked_subcommand is not None:
        return
    with needs_extra("console", "The console"):
        from rasa_emotion.console.doors import Doors, Proxy  # noqa: PLC0415 -- needs the extra
        from rasa_emotion.console.running import open_console, run  # noqa: PLC0415
        from rasa_emotion.console.users import UserFile  # noqa: PLC0415
        from rasa_emotion.console.workbench.bench import Bench  # noqa: PLC0415
    if users is None and (host not in HERE or proxy is not None):
        raise ConfigError("Without users the console serves this machine alone; give --users, or leave --host out.")
    trusted = None if proxy is None else Proxy(_address(proxy), proxy_header)
    doors = Doors(None if users is None else UserFile(users), trusted, 60 * idle_minutes)
    tls = server_tls(tls_cert, tls_key)
    bench = Bench(compare or (), recogniser, recogniser_options(recogniser_option))
    opened = open_console(endpoints, db)
    opened.bench = bench
    log_to()
    asyncio.run(run(opened, doors, host=host, port=port, tls=tls))


@user.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The person's name or mail address.")],
    *,
    role: Annotated[Role, typer.Option(help="agent, supervisor or operator.")],
    file: UsersFile,
    by_proxy: Annotated[bool, typer.Option("--by-proxy", help="A proxy signs them in; no password does.")] = False,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from the input.")] = False,
) -> None:
    """Add a person, or give one a new role or password, which is asked for; sessions from before end.

    Example: rasa-emotion console user add ada --role agent --file users.txt
    """
    with needs_extra("console", "The console"):
        from rasa_emotion.console.users import add_user  # noqa: PLC0415
    if by_proxy:
        password = None
    elif password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    add_user(file, name, role, password)
    print(f"'{name}' may sign in as {role.value}.")


@user.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="The person's name.")],
    *,
    file: UsersFile,
) -> None:
    """Take a person out of the file; their sessions end at once.

    Example: rasa-emotion console user remove ada --file users.txt
    """
    with needs_extra("console", "The console"):
        from rasa_emotion.console.users import remove_user  # noqa: PLC0415
    remove_user(file, name)


@user.command("list")
def list_users(*, file: UsersFile, as_json: JsonOption = False) -> None:
    """List who may sign in, with their roles.

    Example: rasa-emotion console user list --file users.txt
    """
    with needs_extra("console", "The console"):
        from rasa_emotion.console.users import BY_PROXY, read_users  # noqa: PLC0415
    rows = [
        {"name": one.name, "role": one.role.value, "by": "proxy" if one.hash == BY_PROXY else "password"}
        for one in read_users(file).by_name.values()
    ]
    if as_json:
        print(json.dumps(rows))
        return
    table = Table("name", "role", "by", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


@console.command()
def audit(
    *,
    who: Annotated[str | None, typer.Option(help="Only what this person saw and did.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was about this caller.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    endpoints: EndpointsOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who saw and did what in the console, newest first.

    Example: rasa-emotion console audit --who ada --json
    """
    with needs_extra("console", "The console"):
        from rasa_emotion.console.audit import entries  # noqa: PLC0415
        from rasa_emotion.console.running import open_console  # noqa: PLC0415
    found = entries(open_console(endpoints, db).engine, who=who, subject=subject, most=most)
    if as_json:
        print(json.dumps([asdict(entry) for entry in found]))
        return
    table = Table("when", "who", "role", "what", "caller", "detail", box=None, pad_edge=False)
    for entry in found:
        when = datetime.fromtimestamp(entry.at).strftime("%Y-%m-%d %H:%M:%S")
        said = (entry.who, entry.role, entry.action, entry.subject or "", entry.detail)
        table.add_row(when, *(Text(printable(part)) for part in said))
    Console().print(table if found else "There is nothing.")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ConfigError(f"--proxy is '{text}', which is no IP address; give one, such as 10.0.0.5.") from error
