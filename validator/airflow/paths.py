"""How a name becomes a step of a path."""

from __future__ import annotations

from urllib.parse import quote


def escaped(step: str, safe: str = "") -> str:
    """One step of a path, percent-escaped; `safe` are the characters that stay as they are.

    Names come from answers, too, and JSON can hold halves of characters (lone surrogates), which are no UTF-8: they
    are escaped as if they were, and the server says what it makes of them.
    """
    return quote(step, safe=safe, errors="surrogatepass")
