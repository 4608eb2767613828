"""`rasa-emotion serve`: the analysis as a service that many bots share."""

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Annotated

import typer

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.logs import log_to, named
from rasa_emotion.turn.access import Access

logger = logging.getLogger(__name__)

HERE = ("127.0.0.1", "::1", "localhost")


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one, which the log names.")] = 8100,
    token_file: Annotated[
        Path | None, typer.Option(help="Keys of those who may ask, see 'rasa-emotion access'; without it, everybody.")
    ] = None,
    models: Annotated[Path | None, typer.Option(help="Folder with other models than those that ship.")] = None,
    acoustic: Annotated[
        str, typer.Option(help="Acoustic model: acoustic (research only) or acoustic-emogator (any use).")
    ] = "acoustic",
    workers: Annotated[int, typer.Option(min=1, help="Requests that are analysed at the same time.")] = 2,
    waiting: Annotated[int, typer.Option(min=0, help="Requests that may wait; the next one gets 429.")] = 16,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM); the service then speaks TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key (PEM), where the certificate's file has none.")] = None,
) -> None:
    """Serve the analysis over HTTP, so that many bots share one analyzer; SIGTERM ends it when all is answered.

    Log lines are JSON on standard error, without what callers say.

    Example: rasa-emotion serve --host 0.0.0.0 --port 8100 --token-file keys.txt
    """
    with needs_extra("serve", "The service"):
        from rasa_emotion.service.app import Service  # noqa: PLC0415 -- needs the extra
        from rasa_emotion.service.limits import Limits  # noqa: PLC0415
        from rasa_emotion.service.running import run  # noqa: PLC0415
    access = Access("serve", {"token_file": None if token_file is None else str(token_file)})
    tls = server_tls(tls_cert, tls_key)
    analyzer = EmotionAnalyzer.load(models, acoustic=acoustic)
    log_to()
    if not access.asks and host not in HERE:
        logger.warning(
            "Others than this machine reach the service, and it asks for no key; give --token-file.",
            extra=named("access.open"),
        )

    async def go() -> None:
        await run(Service(analyzer, access, Limits(workers=workers, waiting=waiting)), host=host, port=port, tls=tls)

    try:
        asyncio.run(go())
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
