"""`mwaa-gate init`: what is there → a manifest, or an older one brought up to date."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from validator.cli.options import dags_prefix_option, option, target_from, target_options
from validator.cli.parameters import Rate, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from validator.airflow.models import Dag
    from validator.draft.found import Found, Note
    from validator.draft.update import Current, Updated
    from validator.target import Target

PATIENCE = 60.0
"""Seconds that are waited for a complete round, where nobody says otherwise."""
_MOST_SHOWN = 10
_DIFF_LIMIT = 200_000
"""Characters of a diff."""
_TARGETS = ("environment", "airflow_url")


class Attributes(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """Attributes of DAGs, with commas between them; `all` stands for every one."""

    name = "attributes"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002 - click's own signature
        """How the help shows it."""
        return "LIST"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The attributes as they were given."""
        from validator.draft.found import ATTRIBUTES  # noqa: PLC0415 - --help must stay quick

        if isinstance(value, tuple):
            return value
        words = tuple(word.strip() for word in str(value).split(",") if word.strip())
        unknown = [word for word in words if word not in (*ATTRIBUTES, "all")]
        if unknown or not words:
            self.fail(
                f"{unknown[0] if unknown else value!r} is none of: {', '.join(ATTRIBUTES)}, all.", param, ctx
            )
        return words


@click.command()
@target_options
@option("--dags-folder", metavar="DIR", help="Local DAG files instead of an Airflow; nothing in them is run.")
@dags_prefix_option
@option(
    "--airflow",
    type=click.Choice(["2", "3"]),
    help="The version that reads --dags-folder; otherwise a file counts that both read.",
)
@option(
    "--with",
    names=("--with", "with_"),
    type=Attributes(),
    multiple=True,
    help="What to expect beyond the DAGs themselves: file, paused, schedule, tags, owners, tasks (a call a DAG), "
    "max_active_runs, description, or all.",
)
@option(
    "--only", metavar="GLOB", multiple=True, help="Only DAGs whose ids match; can be given several times."
)
@option("--output", names=("-o", "--output"), metavar="FILE", help="A new file, instead of stdout.")
@option(
    "--update",
    metavar="FILE",
    help="A manifest to bring up to date. Comments, and what is written by hand and holds, stay.",
)
@option("--prune", is_flag=True, help="With --update, take out entries whose DAGs are surely gone.")
@option(
    "--dry-run",
    is_flag=True,
    help="With --update, only show what would change, and exit with 1 if something would.",
)
@option("--timeout", type=Timeout(), help="How long to wait for complete answers (60s).")
@option("--max-tps", type=Rate(min=0.1, max=1000), help="Calls a second, at most (5; 25 with --airflow-url).")
def init(**options: Any) -> int:  # noqa: ANN401 - click's values
    """Write a manifest from what an Airflow runs, or from a folder of DAG files.

    With --update the environment that the manifest names need not be named again. Exit code: 0 written, or up to date;
    1 nothing could be expected, or --dry-run found changes; 2 wrong command line or manifest; 3 cannot tell, and
    nothing was written.
    """
    import os  # noqa: PLC0415 - with the rest of what only a real run needs

    from validator.draft.update import read_current  # noqa: PLC0415 - --help must stay quick
    from validator.manifest.loader import read_bytes  # noqa: PLC0415 - the same

    _refuse_odd(options)
    path = options["update"]
    current = read_current(read_bytes(path), path, os.environ) if path is not None else None
    uses_folder = _uses_folder()
    target = None if uses_folder else _target(options, current)
    asked = _asked(options["with_"], from_files=uses_folder)
    found = _in_files(options) if target is None else _in_airflow(target, options, asked, current)
    found = found.only(options["only"])
    if current is None:
        return _write(found.cut(), asked, target, options)
    return _update(current, found, asked, options, os.environ)


def _refuse_odd(options: Mapping[str, Any]) -> None:
    """Refuse options that do not go together, and files that must not be written to."""
    from pathlib import Path  # noqa: PLC0415 - with the rest of what only a real run needs

    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.report.files import check_writable  # noqa: PLC0415 - the same

    output, path = options["output"], options["update"]
    if output is not None and path is not None:
        raise UsageError(
            "--output begins a new file and --update changes one that is there", advice="Give one of them."
        )
    for key, name in (("prune", "--prune"), ("dry_run", "--dry-run")):
        if options[key] and path is None:
            raise UsageError(f"{name} says something of --update, and no file was given to update",
                             advice="Give --update FILE, or leave it out.")  # fmt: skip
    if output is not None:
        if Path(output).is_file() and not Path(output).is_relative_to("/dev"):  # stdout may be sent to a file
            raise UsageError(f"{output} is there already",
                             advice=f"Bring it up to date: --update {output}. Or give another name.")  # fmt: skip
        check_writable(output)
    if path is not None and Path(path).exists() and not Path(path).is_file():
        raise UsageError(f"{path} is no file that could be changed", advice="Give the manifest's path.")
    if path is not None and not options["dry_run"] and Path(path).exists():
        check_writable(path)


def _on_the_line(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _uses_folder() -> bool:
    """Whether the DAGs are those of a folder. The command line goes before variables.

    Raises:
        UsageError: the folder's name is empty, or an Airflow is named too, and neither goes before the other.
    """
    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick

    options = click.get_current_context().params
    if options["dags_folder"] == "":  # --dags-folder "$UNSET" would look at whatever folder this is
        raise UsageError("--dags-folder is empty", advice="Give the folder that holds the DAG files.")
    named = [key for key in _TARGETS if options[key]]
    if options["dags_folder"] is None:
        alone = [key for key in ("dags_prefix", "airflow") if options[key] and _on_the_line(key)]
        if alone:
            raise UsageError(
                f"--{alone[0].replace('_', '-')} says something of a folder of DAG files, and none was given",
                advice="Give --dags-folder DIR, or leave it out.",
            )
        return False
    folder_first = _on_the_line("dags_folder")
    if named and any(map(_on_the_line, named)) == folder_first:
        raise UsageError(
            "both a folder of DAG files and an Airflow are named",
            advice="Give --dags-folder, or --env or --airflow-url, not both: a manifest is made from one of them.",
        )
    return folder_first or not named


def _target(options: Mapping[str, Any], current: Current | None) -> Target:
    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.manifest import Manifest  # noqa: PLC0415 - the same

    manifest = current.manifest if current is not None else Manifest()
    target = target_from(options, manifest.environment, manifest.region)
    if target is None:
        raise UsageError(
            "nothing was named to make a manifest from",
            advice="Give --env NAME, --airflow-url URL, or --dags-folder DIR for DAG files of this machine.",
        )
    return target


def _asked(given: Iterable[Sequence[str]], *, from_files: bool) -> tuple[str, ...]:
    """The attributes that are asked for, in their order. `all` of files is all that files can tell."""
    from validator.draft.found import ATTRIBUTES  # noqa: PLC0415 - --help must stay quick

    words = {word for words in given for word in words}
    if "all" in words:
        words.update(ATTRIBUTES if not from_files else [name for name in ATTRIBUTES if name != "paused"])
    return tuple(name for name in ATTRIBUTES if name in words)


def _in_airflow(
    target: Target, options: Mapping[str, Any], asked: Sequence[str], current: Current | None
) -> Found:
    from validator.asking import ask_through  # noqa: PLC0415 - --help must stay quick
    from validator.draft.found import matches  # noqa: PLC0415 - the same
    from validator.draft.from_airflow import found_in_airflow  # noqa: PLC0415 - the same
    from validator.draft.look import look  # noqa: PLC0415 - the same
    from validator.settings import AUTO, usual_max_tps  # noqa: PLC0415 - the same
    from validator.target import reach  # noqa: PLC0415 - the same

    entries = {dag.dag_id for dag in current.manifest.dags} if current is not None else set()

    def wants_tasks(row: Dag) -> bool:
        if "tasks" not in asked or (options["only"] and not matches(row.dag_id, options["only"])):
            return False
        return current is None or row.dag_id in entries or not current.leaves_out(row.dag_id)

    timeout = options["timeout"]
    timeout = PATIENCE if timeout is None or timeout == AUTO else timeout
    max_tps = options["max_tps"] or usual_max_tps(target)
    asking = ask_through(reach(target), max_tps)
    return found_in_airflow(*look(asking, timeout, max_tps, wants_tasks, _say))


def _in_files(options: Mapping[str, Any]) -> Found:
    from validator.draft.from_files import found_in_files  # noqa: PLC0415 - --help must stay quick
    from validator.local.scan import read_folder  # noqa: PLC0415 - the same

    folder = read_folder(options["dags_folder"], options["dags_prefix"] or "")
    return found_in_files(folder, int(options["airflow"]) if options["airflow"] else None)


def _write(found: Found, asked: Sequence[str], target: Target | None, options: Mapping[str, Any]) -> int:
    from validator.draft.write import NothingToWrite, write  # noqa: PLC0415 - --help must stay quick
    from validator.report.files import write_atomically  # noqa: PLC0415 - the same

    _tell(found.told(asked))
    if not found.dags:
        raise NothingToWrite(
            "no DAG was found that could be expected, and a manifest that expects nothing must not pass; "
            "nothing was written",
            advice="See what was left out, above. --only may match nothing; a folder must be the DAGs folder or its part.",
        )
    environment = target.name if target is not None and target.http is None else None
    region = target.region if environment is not None and target is not None else None
    made_by = _made_by(asked, target, options)
    data = write(found, asked, made_by=made_by, environment=environment, region=region)
    output = options["output"]
    write_atomically(output if output is not None else "/dev/stdout", data, only_new=True)
    if output is not None:
        _say(f"Wrote {output}: {len(found.dags):,} DAG{'s' if len(found.dags) != 1 else ''}.")
        _say(f"Look it over, then try it: {_try(output, target, options)}")
    return 0


def _try(output: str, target: Target | None, options: Mapping[str, Any]) -> str:
    """The command that shows what a new manifest is worth."""
    import shlex  # noqa: PLC0415 - with the rest of what only a real run needs

    if target is None:
        prefix = ["--dags-prefix", options["dags_prefix"]] if options["dags_prefix"] else []
        return shlex.join(["mwaa-gate", "lint", output, "--dags-folder", options["dags_folder"], *prefix])
    there = ["--airflow-url", target.name] if target.http is not None else []
    return shlex.join(["mwaa-gate", "check", output, *there])


def _update(
    current: Current,
    found: Found,
    asked: Sequence[str],
    options: Mapping[str, Any],
    environ: Mapping[str, str],
) -> int:
    from validator.draft.update import update  # noqa: PLC0415 - --help must stay quick
    from validator.errors import EXIT_FAILED, UsageError  # noqa: PLC0415 - the same
    from validator.manifest.loader import read_bytes  # noqa: PLC0415 - the same
    from validator.report.files import write_atomically  # noqa: PLC0415 - the same

    path = options["update"]
    new = update(current, found, asked, only=options["only"], prune=options["prune"], environ=environ)
    _tell([*found.told(asked), *new.notes])
    _show(current, new, path)
    if new.data == current.data:
        return 0
    if options["dry_run"]:
        return EXIT_FAILED
    if read_bytes(path) != current.data:
        raise UsageError(
            f"{path} was changed by somebody else meanwhile, and is left as it is",
            advice="Run the same command again.",
        )
    write_atomically(path, new.data)
    return 0


def _made_by(asked: Sequence[str], target: Target | None, options: Mapping[str, Any]) -> list[str]:
    """How to make the same manifest again, without anything of this machine, of now or of who asked."""
    import shlex  # noqa: PLC0415 - with the rest of what only a real run needs

    words = ["mwaa-gate", "init"]
    if target is None:
        words += ["--dags-folder", "DIR"]
        words += [word for name in ("dags_prefix", "airflow") if options[name]
                  for word in (f"--{name.replace('_', '-')}", options[name])]  # fmt: skip
        what = "the DAGs that a folder of DAG files surely defines"
    else:
        words += ["--env" if target.http is None else "--airflow-url", target.name]
        words += ["--region", target.region] if target.http is None and target.region else []
        what = f"the DAGs that were there and well on {target.name}"
    words += ["--with", ",".join(asked)] if asked else []
    words += [word for glob in options["only"] for word in ("--only", glob)]
    return [
        f"What is expected: {what}.",
        f"Made by: {shlex.join(words)}",
        "The same with --update FILE brings it up to date, and keeps comments and what is written by hand.",
    ]


def _show(current: Current, new: Updated, path: str) -> None:
    """What changes, on stdout."""
    import difflib  # noqa: PLC0415 - only --update needs it

    from validator.report.sanitize import marked_each  # noqa: PLC0415 - --help must stay quick
    from validator.report.streams import SafeStream  # noqa: PLC0415 - the same

    before, after = (data.decode("utf-8-sig", "replace").splitlines() for data in (current.data, new.data))
    diff = [line.rstrip("\n") for line in difflib.unified_diff(before, after, path, f"{path} (new)", n=2)]
    stream = SafeStream(sys.stdout)
    stream.write("".join(f"{line}\n" for line in marked_each(diff, _DIFF_LIMIT)))
    stream.write(
        f"{new.added} added, {new.changed} changed, {new.removed} removed, {new.missing} not found and kept.\n"
    )
    stream.flush()


def _tell(notes: Iterable[Note]) -> None:
    for note in notes:
        shown = ", ".join(note.subjects[:_MOST_SHOWN])
        more = f" and {len(note.subjects) - _MOST_SHOWN:,} more" if len(note.subjects) > _MOST_SHOWN else ""
        _say(f"{note.text} {shown}{more}".rstrip())


def _say(text: str) -> None:
    from validator.report.sanitize import one_line  # noqa: PLC0415 - --help must stay quick

    click.echo(f"mwaa-gate: {one_line(text)}", err=True)
