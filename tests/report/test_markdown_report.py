"""The Markdown report as GitHub would show it, and that foreign text does nothing in it."""

import re
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_page import is_inert, rendered, table_rows

from validator.finding import Status
from validator.reasons import Reason
from validator.report import markdown

HOSTILE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INJECTIONS = [
    "[x](http://evil.example)", "![x](http://evil.example/i.png)", "<img src=x onerror=alert(1)>", "<b>bold</b>",
    "</details><script>x</script>", "@octocat", "a @octocat/team", "#1", "owner/repo#1", "GH-1", "gh-12",
    "http://evil.example", "https://evil.example/a", "www.evil.example", "evil.com", "me@evil.com", "ftp://evil.example",
    "mailto:me@evil.com", ":smile:", "a | b || c", r"a \| b \\| c", "`code`", "``` fence", "```\n\n# heading\n", "# head",
    "===", "---", "- item", "* item", "+ item", "1. item", "1) item", "> quote", "    indented", "*em* **strong** __s__",
    "~~gone~~", "$x^2$", "[^1]", "[^1]: note", "[x]: http://evil.example", "&lt;b&gt;", "&#60;b&#62;", "<!-- x -->",
    "<details>", "<http://evil.example>", "\\", "a\\", "|", "`|`", "|---|", "\u2028# head", "\n\n# head", "//evil.com",
    "{x}", "==x==", "<a@b.c>", "\t# head", "::error::x", "##[error]x", "~~~", "<?php ?>", "<![CDATA[", "&commat;user",
]  # fmt: skip
_INJECTED = st.lists(
    st.sampled_from(INJECTIONS) | st.text(string.punctuation + " ab1\n", max_size=6), max_size=5
)


@HOSTILE
@given(st.data())
def test_hostile_reports_make_nothing_but_text(hostile, data):
    report = data.draw(hostile)
    text = markdown.render(report).decode()
    page = rendered(text)

    is_inert(page)
    assert len(table_rows(page)) == len(report.checks), "a row each, and four cells a row"


@HOSTILE
@given(data=st.data())
def test_whatever_markdown_a_text_holds_stays_text(check, report, data):
    def text():
        return " ".join(data.draw(_INJECTED))

    one = check(
        text(), Status.FAILED, message=text(), file=text(), line=3, advice=text(), area=text(),
        details={"stack_trace": text(), text(): text(), "diff": [text()]},
    )  # fmt: skip
    two = check(text(), message=text())
    told = report(
        one, two, verdict=Status.FAILED, summary=text(), environment=text(), next_steps=(text(),),
        assumptions=(text(),), gate_version=text(), airflow_version=text(),
    )  # fmt: skip
    page = rendered(markdown.render(told).decode())
    is_inert(page)
    assert len(table_rows(page)) == 2


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("make", [markdown.prose, markdown.code])
@pytest.mark.parametrize("frame", ["- {}\n", "| a | b |\n|---|---|\n| {} | x |\n", "{}\n", "word {}\n"])
def test_each_way_to_say_it_makes_one_text_that_reads_the_same(text, make, frame):
    page = rendered(frame.format(make(text)))
    is_inert(page, titles=0)
    assert set(page.tags) <= {"p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code"}
    assert page.tags.count("td") in (0, 2)
    seen = page.all.replace("\u200b", "")
    words = [word for word in text.split() if "::" not in word and "##" not in word and "\u2028" not in word]
    assert all(word in seen for word in words), "nothing of it is lost"


def test_it_says_the_verdict_the_reds_first_and_what_to_do(check, report):
    trace = "Traceback (most recent call last):\n  File 'x.py', line 3\nSyntaxError: no"
    told = report(
        check("fine"),
        check("pool", Status.WARNING, reason=Reason.POOL_MISSING),
        check("etl", Status.FAILED, reason=Reason.DAG_IMPORT_ERROR, file="dags/etl.py", line=3,
              details={"stack_trace": trace}),
        check("etl_2", Status.FAILED, reason=Reason.DAG_IMPORT_ERROR, details={"stack_trace": trace}),
        verdict=Status.FAILED, summary="etl does not hold.", next_steps=("Mend the line.",),
    )  # fmt: skip
    text = markdown.render(told).decode()
    page = rendered(text)

    assert text.startswith("## ❌ FAILED: `analytics-prod`\n")
    assert "**2 failed, 1 warning, 1 passed.** etl does not hold." in text
    assert [row[1] for row in table_rows(page)] == ["etl", "etl_2", "pool", "fine"]
    assert table_rows(page)[0][2] == "dag-import-error"
    assert "dags/etl.py:3" in table_rows(page)[0][3]
    assert text.count("SyntaxError: no") == 1, "one trace for both"
    assert "the same stack trace as `etl` above" in text
    assert "Mend the line." in page.plain
    assert "Every file reached every DAG processor" in page.plain
    assert text.index("<details>") > text.index("| `etl` |")


@pytest.mark.parametrize("verdict", [Status.ERROR, Status.FAILED, Status.PASSED])
def test_only_green_says_so(report, verdict):
    text = markdown.render(report(verdict=verdict)).decode()
    assert (text.startswith("## ✅ PASSED")) is (verdict is Status.PASSED)


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        (20_000, 1),
        (20_000, 2_000),
        (markdown.COMMENT_LIMIT, 1),
        (markdown.COMMENT_LIMIT, 2_000),
        (markdown.SUMMARY_LIMIT, 2_000),
    ],
)
def test_a_page_stays_within_its_bytes_with_whole_rows_and_counts_the_rest(check, report, many, limit, size):
    wide = "@" * size
    checks = [
        *many,
        *(
            check(wide, Status.FAILED, message=wide, details={"stack_trace": "\U0001f600" * 30_000})
            for _ in range(50)
        ),
    ]
    told = report(
        *checks, verdict=Status.FAILED, assumptions=(wide,) * 50, next_steps=(wide,) * 50, summary=wide,
        environment=wide,
    )  # fmt: skip
    data = markdown.page(told, limit)
    page = rendered(data.decode())

    assert len(data) <= limit
    assert len(data) > limit // 3, "the room is used"
    is_inert(page)
    rows = table_rows(page)
    assert rows[0][0] == "❌ failed"
    # What was left out of the tables and what is in them is everything.
    left = [
        int(number.replace(",", ""))
        for number in re.findall(r"^([\d,]+) more did not fit", data.decode(), re.MULTILINE)
    ]
    assert len(rows) + sum(left) == len(checks)


def test_a_refusal_is_a_page_of_its_own():
    page = markdown.refusal("wrong input", INJECTIONS * 3).decode()
    is_inert(rendered(page))
    assert page.startswith("## ❔ Nothing was checked: wrong input\n")
    assert "more did not fit" in page
