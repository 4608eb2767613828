"""OpenTelemetry by option: a span for each request and its analysis; routes, numbers and times, nothing of a caller."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.replicas import check_url

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

PARENT = "traceparent"
"""The header with which a client names its own span (W3C Trace Context). No other header is read."""


class Spans:
    """Makes them, where there is a provider; nothing otherwise.

    Args:
        provider: of the OpenTelemetry SDK; where its spans go was told to it.
    """

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider
        self._tracer = None if provider is None else provider.get_tracer("rasa_emotion")

    @contextmanager
    def request(self, method: str, route: str, headers: Mapping[str, str]) -> Iterator[dict[str, int]]:
        """A request; what is put into the dict becomes the span's attributes, `status` that of HTTP."""
        numbers: dict[str, int] = {}
        if self._tracer is None:
            yield numbers
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 -- an extra
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        parent = TraceContextTextMapPropagator().extract({PARENT: headers.get(PARENT, "")})
        # No exception is recorded: its message may quote what a caller said.
        with self._tracer.start_as_current_span(
            f"{method} {route}", parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            span.set_attributes({"http.request.method": method, "http.route": route})
            try:
                yield numbers
            finally:
                status = numbers.pop("status", 0)
                span.set_attribute("http.response.status_code", status)
                span.set_attributes({f"rasa_emotion.{name}": number for name, number in numbers.items()})
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part of the request under way."""
        if self._tracer is None:
            yield
            return
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False):
            yield

    def close(self) -> None:
        """Send what was not sent yet."""
        if self._provider is not None:
            self._provider.shutdown()  # type: ignore[no-untyped-call]


def sent_to(url: str) -> Spans:
    """Spans that go to a collector.

    Args:
        url: of its OTLP receiver over HTTP, such as "http://collector:4318".

    Raises:
        ConfigError: this is no address.
        MissingExtraError: OpenTelemetry is not installed.
    """
    try:
        address = check_url(url)
    except ConfigError as error:
        raise ConfigError(f"'{url}' is no address of a collector; write one such as http://collector:4318.") from error
    with needs_extra("telemetry", "Telemetry"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": "rasa-emotion"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{address}/v1/traces")))
    return Spans(provider)
