"""The HTML report of a real check: the whole command against a simulated Airflow."""

from __future__ import annotations

from pathlib import Path

import lxml.html
import pytest

from validator.sandbox.files import one_dag

FAST = ("--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--sync", "0s", "--settle", "0s")


@pytest.mark.parametrize("is_broken", [False, True], ids=["green", "red"])
def test_the_page_tells_the_wait_of_a_deploy(gate, manifest, sandbox, world, is_broken):
    world.put("etl.py", one_dag("etl", version="2"))
    if is_broken:
        world.damage("etl.py")
    world.push_on(600)  # all is in place

    ended = gate("check", manifest(), *FAST, "--timeout", "10s", "--html", "gate.html")

    assert ended.code == int(is_broken), ended.out
    tree = lxml.html.document_fromstring(Path("gate.html").read_bytes())
    assert tree.find(".//h1").text_content() == f"{'Failed' if is_broken else 'Passed'}: sandbox"
    lane = next(
        li for li in tree.iterfind(".//ol[@class='lanes']/li") if "etl" in li.find("span").text_content()
    )
    last = lane.findall("svg//rect")[-1].get("class")
    assert last == ("failed" if is_broken else "held")
    assert "  - html: gate.html\n" in ended.out
    assert "What to do now:\n" in ended.out
