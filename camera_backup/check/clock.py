"""How far our clock is off the bucket's: the Date header of any answer, signed or refused, tells."""

from __future__ import annotations

import http.client
import ssl
import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit


def skew(endpoint: str, ca_file: str | None, limit: float) -> float:
    """Given the endpoint's URL, return the seconds our clock is ahead of its; raise OSError or ValueError.

    The header counts whole seconds; half a second and half the round trip are taken off, so the error is about 1 s.
    limit: seconds for each step of the conversation
    """
    url = urlsplit(endpoint)
    connection = _connection(url.scheme, url.hostname or "", url.port, ca_file, limit)
    try:
        before = time.time()
        connection.request("HEAD", "/", headers={"User-Agent": "camera-backup"})
        date = connection.getresponse().getheader("Date")
        after = time.time()
    except http.client.HTTPException as error:
        raise ValueError("the endpoint does not speak HTTP (%s)" % type(error).__name__) from error
    finally:
        connection.close()
    if date is None:
        raise ValueError("the endpoint sends no Date")
    return (before + after) / 2 - (parsedate_to_datetime(date).timestamp() + 0.5)


def _connection(
    scheme: str, host: str, port: int | None, ca_file: str | None, limit: float
) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context(cafile=ca_file)
        return http.client.HTTPSConnection(host, port, timeout=limit, context=context)
    return http.client.HTTPConnection(host, port, timeout=limit)
