"""What GitHub's runner reads: files, and log lines as its own parser does, at every separator that some reader knows."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

_SEPARATORS = re.compile("\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_COMMAND = re.compile(r"::(?P<name>[A-Za-z-]+)(?: (?P<properties>.*?))?::(?P<data>.*)", re.DOTALL)


@dataclass
class Command:
    """What the runner obeys in a log."""

    name: str
    properties: dict
    message: str


def commands_of(log):
    """`::command::` after trimming, `##[command]` anywhere."""
    found = []
    for line in _SEPARATORS.split(log):
        text = line.strip()
        if text.startswith("::"):
            match = _COMMAND.fullmatch(text)
            if match is not None:
                given = [pair.split("=", 1) for pair in (match["properties"] or "").split(",") if "=" in pair]
                properties = {name: _unescaped(value, {":": "%3A", ",": "%2C"}) for name, value in given}
                found.append(Command(match["name"].lower(), properties, _unescaped(match["data"], {})))
                continue
        if "##[" in line:
            found.append(Command("##[", {}, line))
    return found


def _unescaped(text, more):
    for character, escaped in {"\r": "%0D", "\n": "%0A", **more, "%": "%25"}.items():
        text = text.replace(escaped, character)
    return text


def values_of(text):
    """What a file such as GITHUB_OUTPUT says, read as strictly as the runner does."""
    values, lines = {}, iter(re.split(r"\r\n|\n|\r", text))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, end = line.split("<<", 1)
            assert name
            assert end
            kept = []
            for inner in lines:
                if inner == end:
                    break
                kept.append(inner)
            else:
                pytest.fail(f"the value of {name} has no end")
            values[name] = "\n".join(kept)
        else:
            name, value = line.split("=", 1)
            values[name] = value
    return values
