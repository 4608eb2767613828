"""`rasa-emotion serve`: the analysis as a service that many bots share."""

import asyncio
import logging
import ssl
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rasa_emotion.cli.options import AcousticOption, ModelsOption
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.logs import log_to, named

if TYPE_CHECKING:
    from rasa_emotion.service.app import Service

logger = logging.getLogger(__name__)

HERE = ("127.0.0.1", "::1", "localhost")


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one, which the log names.")] = 8100,
    token_file: Annotated[
        Path | None, typer.Option(help="Keys of those who may ask, see 'rasa-emotion access'; without it, everybody.")
    ] = None,
    models: ModelsOption = None,
    acoustic: AcousticOption = "acoustic",
    processes: Annotated[
        int, typer.Option(min=1, help="Processes behind the port; one a core, each with its own models.")
    ] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Requests that a process analyses at the same time.")] = 2,
    waiting: Annotated[int, typer.Option(min=0, help="Requests that may wait; the next one gets 429.")] = 16,
    wait_ms: Annotated[
        int, typer.Option(min=1, help="One that would wait longer than this, going by the last ones, gets 429 as well.")
    ] = 100,
    streams: Annotated[int, typer.Option(min=0, help="Streams that may be open; the next one gets 429.")] = 64,
    telemetry: Annotated[
        str | None,
        typer.Option(metavar="URL", help="OpenTelemetry collector (OTLP over HTTP) that gets spans; none without it."),
    ] = None,
    on_ray: Annotated[
        bool, typer.Option("--ray", help="As a deployment of Ray Serve, with up to --processes replicas (extra ray).")
    ] = False,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM); the service then speaks TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key (PEM), where the certificate's file has none.")] = None,
) -> None:
    """Serve the analysis over HTTP, so that many bots share one analyzer; SIGTERM ends it when all is answered.

    Log lines are JSON on standard error, without what callers say.

    Example: rasa-emotion serve --host 0.0.0.0 --port 8100 --token-file keys.txt
    """
    with needs_extra("serve", "The service"):
        from rasa_emotion.service.limits import Limits  # noqa: PLC0415 -- needs the extra
        from rasa_emotion.service.making import access_of, made  # noqa: PLC0415
        from rasa_emotion.service.processes import Plan, run_many  # noqa: PLC0415
        from rasa_emotion.service.running import listening, run  # noqa: PLC0415
    limits = Limits(workers=workers, waiting=waiting, wait_secs=wait_ms / 1000, streams=streams)
    make = partial(made, models, acoustic, token_file, limits, telemetry)
    if on_ray:
        if tls_cert is not None:
            raise ConfigError("Ray Serve's proxy speaks no TLS here; leave --tls-cert out and put a proxy in front.")
        from rasa_emotion.service.ray_running import run_on_ray  # noqa: PLC0415 -- an extra of its own

        run_on_ray(make, host=host, port=port, most=processes)
        return
    access, context = access_of(token_file), partial(server_tls, tls_cert, tls_key)
    tls = context()
    service = make() if processes == 1 else None
    log_to()
    if not access.asks and host not in HERE:
        logger.warning(
            "Others than this machine reach the service, and it asks for no key; give --token-file.",
            extra=named("access.open"),
        )
    try:
        if service is None:
            run_many(Plan(make, context, limits.drain_secs), processes, host=host, port=port)
            return

        async def go(service: "Service") -> None:
            await run(service, sockets=listening(host, port), tls=tls)

        asyncio.run(go(service))
    except OSError as error:
        raise ConfigError(
            f"The service cannot listen at {host}, port {port} ({error.strerror or error}); give others."
        ) from error


def server_tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What a server speaks TLS with; None without a certificate. Raises ConfigError where they cannot be used."""
    if cert is None:
        if key is not None:
            raise ConfigError("There is a key for TLS and no certificate; give --tls-cert as well.")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"The certificate '{cert}' cannot be used with its key ({error}); check both.") from error
    return context
