"""`mwaa-gate check`: options → settings → the gate → reports → exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from validator.cli.expected import expected, refuse_nothing_of_plain
from validator.cli.github import ToldCommand, tell_interrupted, tell_report
from validator.cli.options import PREFIX, dags_prefix_option, named_target, option, target_options
from validator.cli.parameters import DeployTime, Duration, Rate, Timeout
from validator.report.registry import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from validator.report.interface import Report


def _file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """One option for every file format of the registry."""
    for file_format in reversed(FORMATS):
        name = f"--{file_format.name}"
        one = option(name, names=(name, f"file_{file_format.name}"), metavar="FILE", help=file_format.help)
        command = one(command)
    return command


@click.command(cls=ToldCommand)
@click.argument("manifest", envvar=f"{PREFIX}_MANIFEST", required=False)
@target_options
@option("--timeout", type=Timeout(), help="How long to wait for everything to hold; auto is the default.")
@option("--interval", type=Duration(least=0.1), help="How long between two looks (10s).")
@option(
    "--sync",
    type=Duration(),
    help="How long files take from S3 to every DAG processor (60s; 5s with --airflow-url).",
)
@option("--settle", type=Duration(), help="How long a parsed DAG may keep its old serialized form (30s).")
@option("--grace", type=Duration(), help="How long a red that heals by itself may stand (60s).")
@option("--stable-for", type=Duration(), help="How long all must hold before it is green (0s).")
@option(
    "--deployed-at",
    type=DeployTime(),
    default="now",
    help="When the deploy ended, on the server's clock: now (the default), an ISO time with a zone, seconds since "
    "1970, or none for a check without a deploy.",
)
@option(
    "--fail-fast",
    names=("--fail-fast/--no-fail-fast",),
    default=None,
    help="Stop at the first final red, once the others had their turn (the default); or go on to the timeout.",
)
@option(
    "--max-tps",
    type=Rate(min=0.1, max=1000),
    help="Calls a second, at most (5; 25 with --airflow-url).",
)
@option(
    "--dags-folder",
    metavar="DIR",
    help="The local DAG files that were deployed: each must be parsed, and be what Airflow shows.",
)
@dags_prefix_option
@option(
    "--verify-s3",
    is_flag=True,
    help="Compare every file of --dags-folder with its object in S3, and take from there when it was deployed.",
)
@option("--dags-s3", metavar="URI", help="The DAGs folder in S3, instead of what GetEnvironment tells.")
@option(
    "--s3-exclude",
    metavar="GLOB",
    multiple=True,
    help="Files of --dags-folder that are not deployed; can be given several times.",
)
@option(
    "--run-key",
    metavar="TEXT",
    help="What names this run of the gate, so that another try finds its smoke runs; in a known pipeline its own id.",
)
@_file_options
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    envvar=f"{PREFIX}_QUIET",
    help="No progress, and only the headline and the reds.",
)
@click.option(
    "-v", "--verbose", is_flag=True, envvar=f"{PREFIX}_VERBOSE", help="List what passed and was skipped, too."
)
@click.option(
    "--no-color", is_flag=True, envvar=f"{PREFIX}_NO_COLOR", help="No colours and no live progress."
)
def check(manifest: str | None, **options: Any) -> int:  # noqa: ANN401 - click's values
    """Check an environment after a deploy.

    MANIFEST is a YAML file that says what is expected; with --dags-folder it can be left out. Exit code: 0 passed,
    1 failed, 2 wrong command line or manifest, 3 cannot tell, 130 and 143 interrupted. Every option has an
    environment variable, such as MWAA_GATE_TIMEOUT.
    """
    import os  # noqa: PLC0415 - with the rest of what only a real run needs

    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.manifest import GateOptions  # noqa: PLC0415 - the same
    from validator.report.files import check_writable  # noqa: PLC0415 - the same
    from validator.settings import Settings, rules_from, usual_max_tps, usual_rules  # noqa: PLC0415 - the same
    from validator.smoke.key import key_of_ci  # noqa: PLC0415 - the same

    wanted, folder = expected(manifest, options, os.environ)
    asks_s3 = folder is not None and bool(folder.digests)
    target = named_target(options, wanted, asks_s3=asks_s3)
    if target.http is not None:
        refuse_nothing_of_plain(wanted, folder)
    if target.http is not None and asks_s3 and options["dags_s3"] is None:
        raise UsageError(
            "--verify-s3 needs the DAGs folder in S3, and only MWAA tells it",
            advice="With --airflow-url give --dags-s3 s3://BUCKET/PATH, too, or leave --verify-s3 out.",
        )
    files = {file_format.name: options[f"file_{file_format.name}"] for file_format in FORMATS}
    files = {name: path for name, path in files.items() if path is not None}
    for path in files.values():
        check_writable(path)
    inputs = {"the manifest": manifest} if manifest is not None else {}
    _refuse_one_file_for_two({**inputs, **{f"--{name}": path for name, path in files.items()}})
    timeout = options["timeout"]
    given = GateOptions(
        timeout=timeout,
        interval=options["interval"],
        sync=options["sync"],
        settle=options["settle"],
        grace=options["grace"],
        stable_for=options["stable_for"],
        fail_fast=options["fail_fast"],
    )
    settings = Settings(
        manifest=wanted,
        target=target,
        max_tps=options["max_tps"] or usual_max_tps(target),
        rules=rules_from(given, wanted.gate, options["deployed_at"], usual_rules(target)),
        folder=folder,
        dags_s3=options["dags_s3"],
        run_key=options["run_key"] or key_of_ci(os.environ),
    )
    return run(settings, files, options)


def _refuse_one_file_for_two(files: Mapping[str, str]) -> None:
    import os  # noqa: PLC0415 - with the rest of what only a real run needs

    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick

    seen: dict[str, str] = {}
    for name, path in files.items():
        if path.startswith("/dev/"):
            continue
        target = os.path.realpath(path)
        if target in seen:
            raise UsageError(
                f"{seen[target]} and {name} name the same file, {path}",
                advice="Give each report its own file.",
            )
        seen[target] = name


def run(settings: Any, files: Mapping[str, str], options: Mapping[str, Any]) -> int:  # noqa: ANN401 - Settings is not imported here
    """Run the gate, write the reports, and give the exit code."""
    from validator.cli.signals import interruptible  # noqa: PLC0415 - --help must stay quick
    from validator.conclude import cut_short  # noqa: PLC0415 - the same
    from validator.errors import EXIT_PASSED, EXIT_SIGNAL  # noqa: PLC0415 - the same
    from validator.gate import Interrupted  # noqa: PLC0415 - the same
    from validator.report.progress import progress_for  # noqa: PLC0415 - the same
    from validator.service import check_environment  # noqa: PLC0415 - the same

    progress = progress_for(sys.stderr, quiet=options["quiet"], no_color=options["no_color"])
    try:
        with interruptible() as signals:
            report = check_environment(settings, progress, signals.hold)
    except Interrupted as interrupted:  # before anything was called
        tell_interrupted()
        return EXIT_SIGNAL + interrupted.signal
    code = _tell(report, files, options)
    if code == EXIT_PASSED and signals.came is not None:
        # It came before all was told, and only the last word of each report is read.
        code = _tell(cut_short(report, signals.came), files, options, again=True)
    return code


def _tell(
    report: Report, files: Mapping[str, str], options: Mapping[str, Any], *, again: bool = False
) -> int:
    """Write, print and tell the report, and give the exit code; `again`: the files may hold what was told before."""
    from validator.conclude import not_written  # noqa: PLC0415 - --help must stay quick
    from validator.errors import EXIT_PASSED  # noqa: PLC0415 - the same
    from validator.report.console import Files, show  # noqa: PLC0415 - the same

    verbose, quiet, no_color = options["verbose"], options["quiet"], options["no_color"]
    written, troubles = _write_files(report, files, again=again)
    if troubles and report.exit_code == EXIT_PASSED:  # then the others must not call it green
        report = not_written(report, troubles)
        written, more = _write_files(report, written, again=True)
        troubles += more
    ended = Files(written, troubles)
    show(report, sys.stdout, verbose=verbose, quiet=quiet, no_color=no_color, files=ended)
    tell_report(report, report.exit_code, written, troubles, options["dags_folder"])
    return report.exit_code


def _write_files(
    report: Report, files: Mapping[str, str], *, again: bool
) -> tuple[dict[str, str], list[str]]:
    """Write every report; those that were written, and why others were not. `again`: an older one must not stay."""
    from validator.__main__ import tell  # noqa: PLC0415 - only here
    from validator.errors import GateError  # noqa: PLC0415 - --help must stay quick
    from validator.report.files import correct, write_atomically  # noqa: PLC0415 - the same

    written, troubles = {}, []
    for file_format in FORMATS:
        if file_format.name not in files:
            continue
        path, data = files[file_format.name], file_format.render(report)
        try:
            write_atomically(path, data)
        except GateError as error:
            if not (again and correct(path, data)):
                tell(error)
                troubles.append(error.message)
                continue
        written[file_format.name] = path
    return written, troubles
