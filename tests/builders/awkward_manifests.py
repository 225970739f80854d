"""Manifests in every style that people write, drawn at random: comments, quotes, indents, line ends, lists of all kinds."""

from __future__ import annotations

import re

IDS = tuple("abcdefgh")


class _Lines:
    """Lines, each comment of which is numbered."""

    def __init__(self, random):
        self.random = random
        self.lines = []
        self._comments = 0

    def add(self, text, often=0.4):
        self.lines.append(text + (self.comment() if self.random.random() < often else ""))

    def comment(self):
        self._comments += 1
        return f"  #c{self._comments}"

    def apart(self, indent=""):
        """Something between two entries, or nothing."""
        if self.random.random() < 0.3:
            self.lines.append(indent + self.comment().strip())
        if self.random.random() < 0.2:
            self.lines.append("")


def comments_of(text):
    """The comments of such a manifest, in any order."""
    return sorted(re.findall(r"#c\d+", text))


def awkward_manifest(random):
    """The text of one, which expects something."""
    out = _Lines(random)
    if random.random() < 0.2:
        out.add("---")
    out.add("version: 1")
    names = random.sample(IDS, random.randint(1, 5))
    if random.random() < 0.6:
        names.sort()
    style = random.choice(("block", "block", "indentless", "flow", "lines", "none", "null", "empty"))
    {"flow": _in_flow, "lines": _in_lines, "none": _none, "null": _none, "empty": _none}.get(
        style, _in_block
    )(out, names, style)
    if style in ("none", "null", "empty") or random.random() < 0.5:
        out.lines.append("")
        out.apart()
        out.add("absent: [zz]")
    if random.random() < 0.2:
        out.add("...")
    out.apart()
    newline = random.choice(("\n", "\r\n"))
    text = newline.join(out.lines)
    if random.random() < 0.7 or "|" in out.lines[-3:]:
        text += newline
    return ("\ufeff" if random.random() < 0.1 else "") + text


def _none(out, names, style):
    if style != "none":
        out.add("dags:" if style == "null" else "dags: []")


def _in_flow(out, names, style):
    ways = ("{}", '"{}"', "{{dag_id: {}, tags: [x]}}", "{{dag_id: {}, description: hi}}")
    items = ", ".join(out.random.choice(ways).format(name) for name in names)
    out.add(f"dags: [{items}{out.random.choice(('', ','))}]")


def _in_lines(out, names, style):
    out.lines.append("dags: [")
    for name in names:
        out.apart()
        item = out.random.choice(("{}", "{{dag_id: {}, owners: [o, p]}}")).format(name)
        out.add(f"  {item}{',' if name != names[-1] or out.random.random() < 0.5 else ''}")
    out.add("]")


def _in_block(out, names, style):
    random = out.random
    indent = "" if style == "indentless" else " " * random.choice((1, 2, 4))
    out.add("dags:")
    for name in names:
        out.apart(indent)
        space = " " * random.choice((1, 1, 3))
        kind = random.random()
        if kind < 0.4:
            out.add(f"{indent}-{space}{name}")
        elif kind < 0.5:
            out.add(f"{indent}-{space}{{dag_id: {name}, tags: [x, y]}}")
        elif kind < 0.6:
            out.add(f"{indent}-")
            out.add(f"{indent}  dag_id:   {name}")
        else:
            out.add(f"{indent}-{space}dag_id: {name}")
            _attributes(out, f"{indent} {space}")
    if random.random() < 0.2:
        out.add(f"{indent}- pattern: h*")


def _attributes(out, indent):
    random = out.random
    if random.random() < 0.5:
        out.add(f"{indent}paused:  {random.choice(('true', 'false'))}")
    if random.random() < 0.4:
        out.add(f"{indent}tags:")
        inner = indent + random.choice(("", "  "))
        for tag in random.sample(("x", "y", "z"), random.randint(1, 3)):
            out.add(f"{inner}- {tag}")
    if random.random() < 0.2:
        out.lines += [f"{indent}description: |", f"{indent}  one", f"{indent}  two"]
    if random.random() < 0.2:
        out.lines += [f"{indent}tasks: [t1, {out.comment()}", f"{indent}   t2]"]
    out.add(f"{indent}owners: [o,  p]")
