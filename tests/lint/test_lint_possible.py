"""Working folders in which a DAG comes from another module: none of them is in error."""

import pytest

ONE = "version: 1\nmwaa: {airflow_version: '3.0.6'}\ndags:\n  - made\n"
NAMED = "version: 1\nmwaa: {airflow_version: '3.0.6'}\ndags:\n  - {dag_id: made, file: main.py}\n"
FACTORY = "from airflow import DAG\ndef build(name):\n    return DAG(name)\nclass Flow(DAG):\n    pass\n"
FLOWS = "from airflow import DAG\nflow = DAG('made')\n"
SEEN = "# airflow dag\n"

CALLS = {
    "a function": "from lib.factory import build\nflow = build('made')\n",
    "a module's function": "import lib.factory\nflow = lib.factory.build('made')\n",
    "a class": "from lib.factory import Flow\nflow = Flow('made')\n",
    "a class of its own": "from lib.factory import Flow\nclass Mine(Flow):\n    pass\nflow = Mine('made')\n",
    "a method": "import lib\nclass Mine:\n    def go(self):\n        return lib.build('made')\nflow = Mine().go()\n",
    "a with": "from lib.factory import Flow\nwith Flow('made'):\n    pass\n",
    "a decorator": "from lib.factory import flow\n@flow\ndef made():\n    pass\n",
    "a decorator with arguments": "from lib.factory import flow\n@flow(1)\ndef made():\n    pass\n",
    "a function of its own": "from lib.factory import build\ndef main():\n    return build('made')\nflow = main()\n",
    "a condition": "from lib.factory import build\nif build:\n    flow = build('made')\n",
    "a chain": "from lib.factory import Factory\nflow = Factory().build('made')\n",
    "what it does not name": "import importlib\nflow = importlib.import_module('lib.factory').build('made')\n",
}


@pytest.mark.parametrize("source", CALLS.values(), ids=CALLS)
def test_a_factory_need_not_be_called_like_one(linted, told, source):
    files = {"main.py": SEEN + source, "other.py": ["etl"], "lib/factory.py": FACTORY}
    result = linted(ONE, files)
    assert told(result) == [("dag-undefined", "warning", "gate.yaml:4")]
    assert "dags/main.py may do so" in result.problems[0].message
    assert result.exit_code == 0
    assert told(linted(NAMED, files)) == [("dag-undefined", "note", "gate.yaml:4")]


SILENT = {
    "nothing": "",
    "an import": "from lib.factory import build\n",
    "a function that nobody calls": "from lib.factory import build\ndef main():\n    return build('made')\n",
    "what Python and Airflow have": "import os\nfrom airflow.models import Variable\nx = os.getenv(Variable.get('a'))\n",
    "what does not run": "from lib.factory import build\nif __name__ == '__main__':\n    build('made')\n",
    "a mark at its beginning": "\ufeff",
    "a function that calls itself": "def main():\n    main()\nmain()\n",
}


@pytest.mark.parametrize("source", SILENT.values(), ids=SILENT)
def test_a_file_that_calls_no_other_module_makes_nothing(linted, told, source):
    files = {
        "main.py": source + SEEN if source == "\ufeff" else SEEN + source,
        "other.py": ["etl"],
        "lib/factory.py": FACTORY,
    }
    assert told(linted(ONE, files)) == [("dag-undefined", "error", "gate.yaml:4")]
    assert told(linted(NAMED, files)) == [("file-wrong", "error", "gate.yaml:4")]


def test_a_file_that_others_import_is_a_helper(linted, told):
    helper = SEEN + "from structured import logger\nLOG = logger()\n"
    files = {
        "a.py": "from helper import LOG\nfrom airflow import DAG\nflow = DAG('etl')\n",
        "helper.py": helper,
    }
    assert told(linted(ONE, files)) == [("dag-undefined", "error", "gate.yaml:4")]


IMPORTS = {
    "a name": {"main.py": SEEN + "from lib.flows import flow\n"},
    "a star": {"main.py": SEEN + "from lib.flows import *\n"},
    "a module": {"main.py": SEEN + "import lib.flows\n"},
    "a package": {
        "main.py": SEEN + "import lib\nx = lib.flow\n",
        "lib/__init__.py": "from .flows import flow\n",
    },
    "a name at run time": {"main.py": SEEN + "__import__('lib.flows')\n"},
}


@pytest.mark.parametrize("files", IMPORTS.values(), ids=IMPORTS)
def test_a_hidden_file_that_another_imports_is_there(linted, told, files):
    files = {**files, "lib/flows.py": FLOWS, ".airflowignore": "lib/\n"}
    result = linted(ONE, files)
    assert ("dag-hidden", "warning", "gate.yaml:4") in told(result)
    assert "dags/main.py may import it" in result.problems[-1].message
    assert result.exit_code == 0
    assert ("dag-undefined", "note", "gate.yaml:4") in told(linted(NAMED, files))
    alone = linted(None, files)
    assert ("no-dags", "warning", "dags") in told(alone)
    assert "unless dags/main.py" in next(
        one.message for one in alone.problems if one.code == "dag-file-hidden"
    )
    assert alone.exit_code == 0


def test_a_hidden_file_that_only_hidden_ones_import_stays_hidden(linted, told):
    files = {
        "main.py": ["etl"],
        "lib/flows.py": FLOWS,
        "lib/more.py": "from lib.flows import flow\n",
        ".airflowignore": "lib/\n",
    }
    assert ("dag-hidden", "error", "gate.yaml:4") in told(linted(ONE, files))


def test_a_hidden_helper_makes_nothing_of_a_file_that_imports_it(linted, told):
    files = {
        "a.py": ["etl"],
        "main.py": SEEN + "from lib.factory import build\n",
        "lib/factory.py": FACTORY,
        ".airflowignore": "lib/\n",
    }
    assert told(linted(ONE, files)) == [("dag-undefined", "error", "gate.yaml:4")]


def test_an_import_from_airflow_or_python_is_not_one_of_a_hidden_file_of_that_name(linted, told):
    files = {
        "main.py": "from airflow.decorators import dag\nimport os.path\n@dag()\ndef etl():\n    pass\netl()\n",
        "old/dag.py": FLOWS,
        "old/path.py": FLOWS,
        ".airflowignore": "old/\n",
    }
    assert ("dag-hidden", "error", "gate.yaml:4") in told(linted(ONE, files))
    files["main.py"] += "from . import dag\n"
    assert ("dag-hidden", "warning", "gate.yaml:4") in told(linted(ONE, files))


def test_files_that_import_each_other_come_to_an_end(linted, told):
    files = {
        "lib/flows.py": FLOWS + "import more\n",
        "lib/more.py": "import flows\n",
        "main.py": ["etl"],
        ".airflowignore": "lib/\n",
    }
    assert ("dag-hidden", "error", "gate.yaml:4") in told(linted(ONE, files))
