"""`rasa-emotion console`: pages for people."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from rasa_emotion.cli.handoff import EndpointsOption
from rasa_emotion.cli.serve import HERE, server_tls
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.logs import log_to

console = typer.Typer(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@console.callback()
def serve_pages(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one, which the log names.")] = 8200,
    endpoints: EndpointsOption = None,
    db: Annotated[
        str | None, typer.Option(metavar="URL", help="Database of handoffs, in the place of endpoints.yml's.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM); the console then speaks TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key (PEM), where the certificate's file has none.")] = None,
) -> None:
    """Serve pages for people: live conversations, an agents' desk, a workbench, a review; SIGTERM ends it.

    Example: rasa-emotion console --endpoints endpoints.yml --port 8200
    """
    if context.invoked_subcommand is not None:
        return
    with needs_extra("console", "The console"):
        from rasa_emotion.console.running import open_console, run  # noqa: PLC0415 -- needs the extra
    if host not in HERE:
        raise ConfigError("The console serves this machine alone as long as nobody signs in; leave --host out.")
    tls = server_tls(tls_cert, tls_key)
    opened = open_console(endpoints, db)
    log_to()
    asyncio.run(run(opened, host=host, port=port, tls=tls))
