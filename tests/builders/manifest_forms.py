"""What holds for any bytes that are given as a manifest, and its other form: the same one as JSON."""

from __future__ import annotations

import json
import re
import time

from validator.errors import ManifestError
from validator.manifest import parse_manifest
from validator.manifest.loader import MAX_SHOWN, examine
from validator.manifest.nodes import MAX_BYTES

ENVIRON = {"A": "etl", "B": "${A}", "C": "\udc80", "LONG": "x" * 5_000}
SOON = 4.0
"""Seconds of CPU for the worst, on Python 3.10; without bounds a few lines would take minutes."""
_LINE = re.compile(r"line ([1-9][0-9]*): ")
_BREAKS = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_LONGEST_KEY = 1_000
"""A key without `? ` may have so many characters to YAML."""
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


def literal(value):
    """The same, with every text's `${` written so that it stands for itself."""
    if isinstance(value, dict):
        return {key: literal(one) for key, one in value.items()}
    if isinstance(value, list):
        return [literal(one) for one in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def as_json(value):
    """JSON that YAML 1.1 reads as the same: its numbers have a point where they have an exponent."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_json(str(key))}: {as_json(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_json, value)) + "]"
    if isinstance(value, float):
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
    text = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def keys_in(value):
    if isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from keys_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from keys_in(one)


def is_told(error, data):
    """Every problem is one printable line, and names a line that the file has."""
    lines = len(_BREAKS.split(data.decode("utf-8", "replace")))
    assert 0 < len(error.problems) <= MAX_SHOWN + 1
    for problem in error.problems:
        assert problem.isprintable(), problem
        assert len(problem) < 2_000, problem
        found = _LINE.match(problem)
        if found is None:
            assert problem.startswith(("… and ", "the file is larger than")), problem
        else:
            assert int(found[1]) <= lines, f"{problem}: there are {lines} lines"


def read(data):
    """The manifest, or None where it is none: then that is told as it should be. Either way it is soon."""
    began = time.thread_time()
    try:
        manifest = parse_manifest(data, "manifest.yaml", ENVIRON)
    except ManifestError as error:
        is_told(error, data)
        manifest = None
    assert time.thread_time() - began < SOON
    return manifest


def holds(data):
    """All that holds for any bytes; whether they are a manifest."""
    manifest = read(data)
    if manifest is None:
        return False
    root, _ = examine(data, "manifest.yaml", ENVIRON)
    plain = root.plain(pointed=True)
    form = as_json(literal(plain)).encode()
    if len(form) < MAX_BYTES and all(len(key) < _LONGEST_KEY for key in keys_in(plain)):
        assert json.loads(form) == literal(plain), "the form is JSON"
        assert parse_manifest(form, "manifest.json", {}) == manifest, form
    return True
