"""Texts that want more than to be read, and a report that has one in every place where foreign text goes."""

from __future__ import annotations

import re
from dataclasses import replace

from in_chromium import CANARY, PAYLOADS
from replayed_airflow import Replayed
from smoked import Airflow as Runs
from smoked import Life, played, wants
from worlds import START, Silent, Turned

from validator.manifest.model import ExpectedDag, ExpectedPattern, ExpectedPool, HealthRule, Manifest
from validator.report import Check
from validator.rules import Rules
from validator.service import check
from validator.settings import Settings
from validator.target import Target

SEPARATORS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
TEXTS = {
    "terminal escapes": "\x1b[2J\x1b[1;1H\x1b[31mred\x1b[5A\x1bc\x1b]0;title\x07\x1b[?1049h\x1b7\x1bM\x08\x08\x7f\x0e",
    "C1 controls": "\x9b2J\x9b31m\x9d0;title\x9c\x90q\x9c\x84\x8d\x98x\x9c",
    "a terminal's link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\ \x1b]8;;file:///etc\x07x\x1b]8;;\x07",
    "bidi": "\u202egnp.exe\u202c \u2066a\u2067b\u2069 \u061c\u200e\u200f abc\u202dd",
    "invisible": "a\u200bb\u2060c\ufeffd\xade\u180ef\U000e0041g\ufff9h",
    "workflow commands": "::error::boo\n  ::add-mask::a\n::set-output name=x::y\n##[group]x\n a ##[error]b\n::debug::",
    "other runners": "##vso[task.complete result=Succeeded]\n##teamcity[buildStop]\n###[group]\n#\x00#[x]\n%0A::error::x",
    "commands at every separator": "".join(f"{end}::error::x{end}##[command]y" for end in SEPARATORS),
    "out of a script": "</script><script>alert(1)</script></style></title></textarea><!--<script>",
    "out of CDATA": "]]>]]&gt;<![CDATA[<failure/>]]><?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]>&a;&#0;&#x1b;",
    "out of a table": "a | b || c \\| d\n|---|---|\n| x | y |\n\n# heading\n\n- item\n1. item\n> quote\n    code\n~~~\n```",
    "links": "[x](http://evil.example) ![x](http://evil.example/i.png) <http://evil.example> www.evil.example me@evil.com",
    "references": "@octocat #1 owner/repo#1 GH-1 :smile: [^1] [x]: http://evil.example $x^2$ &commat;user",
    "markup": "<img src=x onerror=alert(1)> <b>b</b> <details open> </summary></details></td></table> &lt;b&gt; &#60;i&#62;",
    "console markup": "[bold red]x[/] [link=http://evil.example]x[/link] :smile: \\[x] [[x]] {0} {x!r} %s %(x)s",
    "templates": "{{ 7 * 7 }}{% raw %}{# x #}${A} $(id) `id` ${{ github.token }}",
    "heredoc": "x\nEOF\nmwaa_gate_\nverdict=passed\nverdict<<EOF\npassed\nEOF\nend",
    "NUL": "a\x00b\x00\x00c",
    "halves of characters": "\ud800 \udfff \udc80\ud83d a\ud800b",
    "no characters": "\ufffe \uffff \ufdd0 \U0001fffe \U0010ffff",
    "wide": "\U0001f468\u200d\U0001f469 \u4f60\u597d e\u0301\u0301\u0301 \ufdfa" + "Z\u0351\u036b" * 30,
    "blank": " \t\n\u2028 ",
    "quotes": "'\"\\\\'\"''\"\"\\",
    "lone CR": "all is well\rFAILED",
    **{f"browser {number}": text for number, text in enumerate(PAYLOADS)},
}
LONG = "Traceback\n" + "::error::x ##[group] <script>\x1b[2J" * 100_000
"""Three million characters."""
_WORDS = re.compile(r"[A-Za-z0-9]{4,}")
_LONGEST_ID = 200
_SHORT = 400
"""A text of so many characters is cut by no format."""
assert len(LONG) > 3_000_000
assert CANARY in TEXTS["browser 0"]


def words(text):
    """What must still be there to read, in this order; nothing of a text that may have been cut."""
    return _WORDS.findall(text) if len(text) <= _SHORT else []


def spelled(text):
    """How a strict reader of JSON gets it: halves of characters are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def of_smoke(text):
    """The check of a DAG run that failed: the text is its task's name and state, and the end of its log."""
    dag_id = text[:_LONGEST_ID]
    runs = Runs(lives={dag_id: Life(state="failed", tasks=((text, "failed", 2), (f"{text}2", text, 1)))})
    runs.log = text
    (found,) = played(runs, wants(dag_id, tasks={text: "success"})).values()
    return Check(
        found.id,
        found.area,
        found.subject,
        found.status,
        found.message,
        found.reason,
        found.details,
        advice=found.advice,
    )


def report_of(text, version="3.0.6", *, summary=None):
    """What the gate says of an Airflow that has the text wherever it may have any, and of a run that failed there."""
    clock = Turned()

    def change(request, status, body):
        if request.path == "/version":
            body = {**body, "version": f"{version}{text}"}
        elif request.path.endswith("/health"):
            body[text] = {"status": f"not {text}"}
        elif request.path == "/dags":
            rows = body["dags"]
            if rows and rows[0]["dag_id"] == "smoke_conf":
                rows[0] |= {"dag_id": text or "empty", "fileloc": f"/usr/local/airflow/dags/{text}.py"}
                rows[0] |= {"relative_fileloc": f"{text}.py", "tags": [{"name": text}], "description": text}
        elif request.path == "/importErrors":
            files = (
                f"/usr/local/airflow/dags/{text}.py",
                f"/usr/local/airflow/dags/b{text}.py",
                f"{text}/c.py",
            )
            for row, file in zip(body["import_errors"], files, strict=False):
                row |= {"filename": file, "stack_trace": text}
        elif request.path == "/pools":
            body["pools"][0]["name"] = text or "empty"
        elif request.path.endswith("/tasks"):
            body["tasks"][0] |= {"task_id": text or "empty", "pool": text}
        return status, body

    manifest = Manifest(
        dags=(
            ExpectedDag(text),
            ExpectedDag("smoke_ok", tasks=(f"{text}1",)),
            ExpectedDag(f"{text}3", file=f"{text}/x.py"),
        ),
        patterns=(ExpectedPattern("*"),),
        pools=(ExpectedPool(f"{text}4", 3),),
        variables=(text,),
        health=HealthRule(require=(f"{text}5",)),
    )
    rules = Rules(timeout=25.0, interval=10.0, sync=5.0, settle=5.0, grace=5.0, deployed_at=START)
    airflow = Replayed(version, clock, change, where=text)
    report = check(Settings(manifest, Target("x"), max_tps=1e9, rules=rules), airflow, Silent(), clock)
    return replace(
        report,
        checks=(*report.checks, of_smoke(text)),
        assumptions=(*report.assumptions, text),
        next_steps=(*report.next_steps, text),
        request_ids=(text,),
        summary=summary if summary is not None else report.summary,
    )
