"""The reports of an invocation, written to S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.report.interface import Report
    from validator.s3.interface import Location
    from validator.transport.aws_session import AwsSession

FILES = {
    "json": ("report.json", "application/json"),
    "junit": ("junit.xml", "application/xml"),
    "html": ("report.html", "text/html; charset=utf-8"),
}
"""Format to the object's name and its content type."""


def write_reports(
    report: Report, where: Location, session: AwsSession, sleep: Callable[[float], None]
) -> dict[str, str]:
    """Write every format below `where`, in a folder named after the environment; gives their URIs by format.

    Raises:
        CannotTell: it may not be written, or there is no such bucket.
        CallFailed: S3 gave no usable answer.
    """
    from validator.report.registry import FORMATS  # noqa: PLC0415 - few invocations write reports
    from validator.serverless.buckets import store  # noqa: PLC0415 - the same

    written = {}
    folder = "/".join(part for part in (where.path, one_line(report.environment)) if part)
    for file_format in FORMATS:
        if file_format.name in FILES:
            name, content_type = FILES[file_format.name]
            data = file_format.render(report)
            key = f"{folder}/{name}"
            written[file_format.name] = store(session, where.bucket, key, data, content_type, sleep)
    return written
