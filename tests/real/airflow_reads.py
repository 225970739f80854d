"""What Airflow itself makes of folders: run by an Airflow's own Python, as a command, with no server.

Reads one JSON document from its standard input: `walks`, each a folder with `syntax` and `safe_mode`, and
`dags`, a folder. Writes one to the file that its argument names: for each walk the files that Airflow lists,
relative to the folder, or its error; and of `dags` each file's DAG ids and import errors.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def listed(folder: str, syntax: str, *, safe_mode: bool) -> dict[str, object]:
    """The files that Airflow lists for parsing."""
    from airflow.utils import file  # noqa: PLC0415 - Airflow's own Python has it

    file.find_path_from_directory.__defaults__ = (syntax,)  # what core.dag_ignore_file_syntax would be
    options = (
        {}
        if "include_examples" not in file.list_py_file_paths.__code__.co_varnames
        else {"include_examples": False}
    )
    try:
        paths = file.list_py_file_paths(folder, safe_mode=safe_mode, **options)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return {"error": f"{type(error).__name__}: {error}"}
    return {"files": sorted(os.path.relpath(path, folder) for path in paths)}


def bagged(folder: str) -> dict[str, object]:
    """What Airflow collects from each file."""
    from airflow.models.dagbag import DagBag  # noqa: PLC0415 - the same

    sys.path.insert(0, folder)
    ids: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for path in sorted(Path(folder).glob("*")):
        bag = DagBag(os.devnull, include_examples=False)
        bag.process_file(str(path), only_if_updated=False, safe_mode=False)
        ids[path.name] = sorted(bag.dags)
        errors |= {Path(name).name: text for name, text in bag.import_errors.items()}
    return {"ids": ids, "errors": errors}


def main() -> None:
    asked = json.load(sys.stdin)
    answer: dict[str, object] = {
        "walks": [
            listed(walk["folder"], walk["syntax"], safe_mode=walk["safe_mode"]) for walk in asked["walks"]
        ]
    }
    if asked.get("dags"):
        answer |= bagged(asked["dags"])
    Path(sys.argv[1]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
