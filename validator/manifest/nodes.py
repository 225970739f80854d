"""From bytes to a tree of nodes: YAML read event by event, each node with its line, each trap named.

PyYAML's own composer recurses with the text's nesting, takes duplicate keys and expands aliases without
a bound; its events, with a stack here, allow none of that. Nothing is constructed: a value is text, a number,
a boolean, nothing, a list or a mapping.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from validator.manifest.problems import Problem, Unreadable, join_path, show
from validator.manifest.scalars import TAG, kind_of, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 1 << 20
"""A manifest's size; 10,000 DAG ids fit twice."""
MAX_DEPTH = 32
MAX_ALIASES = 1_000
MAX_NODES = 200_000
"""After expanding aliases."""
MAX_SUBSTITUTED = 1 << 20
"""Characters that all environment variables may bring together."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser is ten times faster; PyYAML's wheels have it."""
_PLAIN_TAGS = {None, "!", f"{TAG}str", f"{TAG}seq", f"{TAG}map"}
_NO_VALUE = 0.5
"""Of no type that a manifest takes but where it takes any JSON, unlike null, which means something in places."""
_VARIABLE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\})?")
_UNPRINTABLE: re.Pattern[str] = yaml.reader.Reader.NON_PRINTABLE
"""YAML's own rule. So large a set takes 4 ms to compile, and PyYAML has done it."""
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line to YAML 1.1."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(eq=False)
class Node:
    """A value of the manifest and where it stands."""

    kind: str
    """`mapping`, `list`, `text`, `boolean`, `number`, `null`, `date` or `special`."""
    line: int
    """1-based."""
    raw: str = ""
    """A scalar as written, before variables went in."""
    value: str | int | float | bool | None = None
    """None for nothing, and for what no manifest can mean, such as a date."""
    quoted: bool = False
    names: tuple[str, ...] = ()
    """The environment variables in the value. With any, the value is never shown."""
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)
    size: int = 1
    """Nodes in it, aliases expanded."""
    height: int = 0
    """How deep it nests; -1 while it is being read."""

    def plain(self, *, pointed: bool = False) -> Any:  # noqa: ANN401 - any JSON value
        """The value as JSON would have it; what no manifest can mean is a number with a point.

        So is any such number unless `pointed`: a schema would take 1.0 for the whole number 1.
        """
        if self.kind == "mapping":
            return {key: node.plain(pointed=pointed) for key, node in self.entries.items()}
        if self.kind == "list":
            return [node.plain(pointed=pointed) for node in self.items]
        if self.value is None:
            return None if self.kind == "null" else _NO_VALUE
        return _NO_VALUE if isinstance(self.value, float) and not pointed else self.value


@dataclass(eq=False)
class _Frame:
    """A list or mapping that is being read."""

    node: Node
    awaits_key: bool
    key: str | None = None
    """None in a mapping: the value belongs to no usable key and is dropped."""
    height: int = 0


def read_tree(data: bytes, environ: Mapping[str, str]) -> tuple[Node | None, list[Problem]]:
    """The manifest's top node and what is wrong so far; None where it could not be read to its end."""
    reader = _Reader(environ)
    try:
        reader.read(_decode(data))
    except Unreadable as stop:
        return None, [*reader.problems, stop.problem]
    return reader.root, reader.problems


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise Unreadable(
            Problem(0, "", f"the file is larger than {MAX_BYTES >> 20} MiB, so it is no manifest")
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(Problem(line, "", "not UTF-8 text; save the file as UTF-8")) from None
    bad = _UNPRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        seen = f"the character U+{ord(bad.group()):04X}"
        raise Unreadable(Problem(line, "", f"{seen} may not stand in a YAML file; is this a binary file?"))
    return text


class _Reader:
    """Builds the tree. A problem that does not stop the reading is kept, so that all are told at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._environ = environ
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._aliases = 0
        self._nodes = 0
        self._documents = 0
        self._substituted = 0

    def read(self, text: str) -> None:
        """Read all of `text`.

        Raises:
            Unreadable: it is no YAML, or more of it than a manifest may be.
        """
        line = 1
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                line = event.start_mark.line + 1 if event.start_mark else line
                self._take(event, line)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            # The end of a file is a line of its own to the parser, which nobody finds in an editor.
            last = len(_BREAK.findall(text.rstrip())) + 1
            problem = _syntax_problem(error, min(mark.line + 1 if mark else line, last))
            raise Unreadable(problem) from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The parser written in Python lets a few bad escapes through as plain errors.
            raise Unreadable(Problem(line, "", f"not YAML: {show(str(error))}")) from None

    def _take(self, event: Any, line: int) -> None:  # noqa: ANN401 - PyYAML's C events have no common type
        if isinstance(event, yaml.ScalarEvent):
            self._count(1, line)
            self._add(self._anchor(event, self._scalar(event, line)), line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self._stack.pop()
            frame.node.height = frame.height + 1
            self._add(frame.node, frame.node.line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), line)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Unreadable(
                    Problem(line, "", "a second document begins here; a manifest is one, so take the --- out")
                )

    def _open(self, event: Any, line: int) -> None:  # noqa: ANN401 - see _take
        self._count(1, line)
        if len(self._stack) >= MAX_DEPTH:
            raise Unreadable(
                Problem(line, "", f"nested deeper than {MAX_DEPTH} levels, which no manifest is")
            )
        mapping = isinstance(event, yaml.MappingStartEvent)
        node = Node("mapping" if mapping else "list", line, height=-1)
        self._check_tag(event.tag, line)
        self._anchor(event, node)
        self._stack.append(_Frame(node, awaits_key=mapping))

    def _anchor(self, event: Any, node: Node) -> Node:  # noqa: ANN401 - see _take
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, name: str, line: int) -> None:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise Unreadable(Problem(line, "", f"more than {MAX_ALIASES:,} aliases; write the values out"))
        target = self._anchors.get(name)
        shown = show(f"*{name}")
        if target is None:
            hint = "a value that begins with * goes in quotes"
            raise Unreadable(
                Problem(line, self._path(), f"the alias {shown} has no anchor before it; {hint}")
            )
        if target.height < 0:
            raise Unreadable(
                Problem(line, self._path(), f"the alias {shown} stands inside of what it refers to")
            )
        if len(self._stack) + target.height > MAX_DEPTH:
            raise Unreadable(
                Problem(line, "", f"nested deeper than {MAX_DEPTH} levels, which no manifest is")
            )
        self._count(target.size, line)
        if self._stack and self._stack[-1].awaits_key:
            # As a key it could bring a variable's value into a message.
            target = Node("special", line, raw=f"*{name}")
        self._add(_standing_at(target, line), line)

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unreadable(Problem(line, "", f"more than {MAX_NODES:,} values with all aliases expanded"))

    def _add(self, node: Node, line: int) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        frame.node.size += node.size
        frame.height = max(frame.height, node.height)
        if frame.node.kind == "list":
            frame.node.items.append(node)
        elif frame.awaits_key:
            frame.awaits_key = False
            frame.key = self._key(frame.node, node, line)
        else:
            frame.awaits_key = True
            if frame.key is not None:
                frame.node.entries[frame.key] = node
            frame.key = None

    def _key(self, mapping: Node, node: Node, line: int) -> str | None:
        """The key that `node` stands for, or None, and then the problem is kept."""
        if node.kind != "text":
            if node.raw == "<<":
                text = "merge keys (<<) are not supported; write the keys out"
            elif node.kind in {"mapping", "list"} or node.raw.startswith("*"):
                text = f"a key must be plain text, not {'an alias' if node.raw else 'a ' + node.kind}"
            else:
                text = f"the key {show(node.raw)} is {meaning(node)} to YAML; a key must be text"
            self._problem(line, text, at=self._path(within=True))
            return None
        key = str(node.value)
        first = mapping.key_lines.get(key)
        if first is not None:
            text = f"the key {show(key)} stands twice, here and on line {first}; keep one of them"
            self._problem(line, text, at=self._path(within=True))
            return None
        mapping.key_lines[key] = line
        return key

    def _scalar(self, event: Any, line: int) -> Node:  # noqa: ANN401 - see _take
        raw: str = event.value
        self._check_tag(event.tag, line)
        quoted = not event.implicit[0] or event.tag is not None
        kind = "text" if quoted else kind_of(raw)
        if kind != "text":
            return Node(kind, line, raw, value_of(kind, raw))
        if _SURROGATE.search(raw):
            self._problem(
                line, f"{show(raw)} holds half of a character (a surrogate); write the character itself"
            )
            raw = _SURROGATE.sub("?", raw)
        node = Node("text", line, raw, raw, quoted=quoted)
        if "${" in raw and not (self._stack and self._stack[-1].awaits_key):
            self._substitute(node)
        return node

    def _substitute(self, node: Node) -> None:
        """Put environment variables into the value. What they bring is never read again."""
        names: list[str] = []

        def variable(match: re.Match[str]) -> str:
            name: str | None = match.group(1)
            if match.group() == "$${":
                return "${"
            if name is None:
                self._problem(
                    node.line,
                    "${ begins an environment variable: write ${NAME}, or $${ where ${ itself is meant",
                )
                return ""
            names.append(name)
            value = self._environ.get(name)
            if value is None:
                self._problem(
                    node.line,
                    f"the environment variable {show(name)} is not set; set it, "
                    f"or write $${{ where ${{ itself is meant",
                    variable=name,
                )
                return ""
            if _SURROGATE.search(value):
                self._problem(node.line, f"the environment variable {show(name)} is not UTF-8 text")
                return ""
            self._substituted += len(value)
            if self._substituted > MAX_SUBSTITUTED:
                raise Unreadable(
                    Problem(
                        node.line, self._path(), "the environment variables bring more than 1 MiB of text"
                    )
                )
            return value

        before = len(self.problems)
        node.value = _VARIABLE.sub(variable, node.raw)
        node.names = tuple(dict.fromkeys(names))
        if len(self.problems) > before:
            node.kind = "broken"  # told already: nothing else is said of it

    def _check_tag(self, tag: str | None, line: int) -> None:
        if tag not in _PLAIN_TAGS and tag is not None:
            shown = show("!!" + tag[len(TAG) :] if tag.startswith(TAG) else tag)
            self._problem(line, f"the tag {shown} is refused: a manifest is plain data; take the tag out")

    def _problem(self, line: int, text: str, *, at: str | None = None, variable: str = "") -> None:
        self.problems.append(Problem(line, self._path() if at is None else at, text, variable))

    def _path(self, *, within: bool = False) -> str:
        """Where the reader is; with `within` the mapping that it is in, without the key."""
        path = ""
        for position, frame in enumerate(self._stack):
            if within and position == len(self._stack) - 1:
                break
            if frame.node.kind == "list":
                path = join_path(path, len(frame.node.items))
            elif frame.key is not None:
                path = join_path(path, frame.key)
        return path


def meaning(node: Node) -> str:
    """What YAML makes of a value that is not text: such as `the boolean false` or `a date`."""
    if node.kind == "boolean":
        return f"the boolean {str(node.value).lower()}"
    return {
        "null": "nothing (null)",
        "number": "a number",
        "date": "a date",
        "mapping": "a mapping",
        "list": "a list",
    }.get(node.kind, "a special value")


def _standing_at(node: Node, line: int) -> Node:
    """The same node, as it stands where an alias repeats it."""
    return Node(**{**vars(node), "line": line})


def _syntax_problem(error: yaml.MarkedYAMLError, line: int) -> Problem:
    """The parser's complaint, with what most often mends it."""
    problem, context = str(error.problem or "it cannot be read"), str(error.context or "")
    hint = ""
    if "cannot start any token" in problem:
        hint = "; indent with spaces, and put a value that begins with a tab, @, ` or % in quotes"
    elif "alias" in context:
        hint = "; put a value that begins with * in quotes"
    elif "flow" in context:
        hint = "; in [ ] and { } put text that holds any of [ ] { } , : in quotes, such as '${NAME}'"
    elif "mapping values" in problem:
        hint = "; put text that holds a colon and a space in quotes, and check the indentation"
    elif "block" in context:
        hint = "; check the indentation of this line and of those before it"
    told = f"{problem} {context}".strip()
    return Problem(line, "", f"not YAML: {show(told)[1:-1]}{hint}")
