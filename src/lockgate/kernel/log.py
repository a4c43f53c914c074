"""The only place that writes logs: one JSON object a line on standard error, card numbers masked in all of it."""

import logging
import re
import sys
from typing import Any

import structlog

from lockgate.kernel import clock
from lockgate.kernel.card_ranges import card_like

_DIGIT_RUN = re.compile(r"(?<!\d)\d(?:[ \-.]?\d){12,18}(?!\d)")


def _mask_run(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match.group())
    if not card_like(digits):
        return match.group()
    return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}"


def mask(text: str) -> str:
    """``text`` with every run of digits that is a card number cut to first six and last four (PCI DSS 3.4.1).

    A card number is Luhn-valid and fits a network's prefix and length: a time or a reference stays as it is.
    """
    return _DIGIT_RUN.sub(_mask_run, text)


def _mask_value(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bytes):
        return mask(value.decode("utf-8", "backslashreplace"))
    if isinstance(value, dict):
        return {mask(str(k)): _mask_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_mask_value(v) for v in value]
    if isinstance(value, int | float | bool) or value is None:
        masked = mask(str(value))
        return value if masked == str(value) else masked
    return mask(str(value))


def _mask_event(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: _mask_value(value) for key, value in event.items()}


def _named(program: str) -> structlog.typing.Processor:
    def name(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"program": program, **event}

    return name


def _stamp(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event["time_ms"] = clock.now_ms()
    return event


def _exception_without_values(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Name where a fault happened, never what it held: messages and locals may carry card data."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()[1]
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        frames = []
        trace = raised.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename.rsplit('lockgate/', 1)[-1]}:{trace.tb_lineno}:{code.co_name}")
            trace = trace.tb_next
        event["exception"] = type(raised).__name__
        event["at"] = frames[-12:]
    return event


class _Bridge(logging.Handler):
    """Routes the standard library's loggers (asyncio, uvicorn, aiohttp) through the same masking path."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), exc_info=record.exc_info[1] if record.exc_info else None)


def start(program: str, *, level: int = logging.INFO) -> None:
    """Send this process's logs to standard error as JSON lines named after ``program``."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _named(program),
            _stamp,
            _exception_without_values,
            _mask_event,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(logging.WARNING)


def get(name: str) -> Any:
    """A logger; call ``.info("what happened", key=value)``. Values are masked, objects appear by their ``str``."""
    return structlog.get_logger(name, source=name)
