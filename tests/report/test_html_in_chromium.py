"""The HTML page in a real browser: what it shows, what it never does, and whether it can be used."""

from dataclasses import replace

import pytest
from in_chromium import CANARY, PAYLOADS, Opened, chromium

from validator.finding import Status
from validator.reasons import Reason
from validator.report import html
from validator.report.interface import Change, Look, Timeline

TRACE = (
    'Traceback (most recent call last):\n  File "etl/daily.py", line 12\nModuleNotFoundError: helpers\n' * 3
)
CONTRASTS = """() => {
  const numbers = (colour) => {
    const parts = colour.match(/[-0-9.e]+/g).map(Number);
    const [red, green, blue, alpha = 1] = parts;
    const scale = colour.startsWith("color(") ? 1 : 255;
    return { channels: [red / scale, green / scale, blue / scale], alpha };
  };
  const light = (channels) => {
    const [r, g, b] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = numbers(getComputedStyle(each).backgroundColor);
      if (found.alpha === 1) return found.channels;
    }
    return [1, 1, 1];
  };
  const poor = [];
  for (const element of document.body.querySelectorAll("*")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!says || ["SCRIPT", "title", "desc", "OPTION"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = numbers(element instanceof SVGElement ? style.fill : style.color).channels;
    const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(element.tagName + " " + element.textContent.slice(0, 40) + " " + ratio.toFixed(2));
  }
  return poor;
}"""
"""The texts whose contrast to what is behind them is below 4.5, the least that WCAG 2 AA allows."""


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a report's page."""
    contexts = []

    def open_(report, width=1280, **context):
        path = tmp_path / "report.html"
        path.write_bytes(html.render(report))
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **context))
        return Opened(contexts[-1].new_page(), path)

    yield open_
    for context in contexts:
        context.close()


def moves(*changes):
    return tuple(Change(at, status, reason, parsed=parsed) for at, status, reason, parsed in changes)


STALE, GONE = Reason.DAG_STALE, Reason.DAG_MISSING
PENDING, PASSED, FAILED = Status.PENDING, Status.PASSED, Status.FAILED


@pytest.fixture
def waited(check, report):
    """A report of `count` DAGs, the first `bad` of them red, with its timeline; 120 s long."""

    def build(count=12, bad=0):
        health = [check(name, area="health") for name in ("dag_processor", "metadatabase", "scheduler")]
        reds = [
            check(
                f"red_{number}",
                FAILED,
                reason=Reason.DAG_IMPORT_ERROR,
                message="etl/daily.py, line 12: ModuleNotFoundError: No module named 'helpers'",
                file="etl/daily.py",
                line=12,
                details={"stack_trace": f"{number}\n{TRACE}", "stamp": "2026-01-31T08:01:09Z"},
                first_seen_s=41.0,
            )
            for number in range(bad)
        ]
        greens = [check(f"dag_{number:04}", details={"file": "a.py"}) for number in range(bad, count)]
        every_status = [
            check("helpers.py", Status.WARNING, area="import errors", reason=Reason.IMPORT_ERROR),
            check("settings", Status.SKIPPED, area="environment", reason=Reason.ACCESS_DENIED),
        ]
        diff = ["--- airflow", "+++ local", "@@ -1 +1 @@", "-a = 1", "+a = 2"]
        if bad:
            every_status.append(check("b.py", FAILED, area="sources", details={"diff": diff}))
        changes = {each.id: moves((1.0, PASSED, None, False)) for each in health}
        for each in reds:
            changes[each.id] = moves(
                (1.0, PENDING, STALE, False), (41.0, FAILED, Reason.DAG_IMPORT_ERROR, False)
            )
        for number, each in enumerate(greens):
            at = 61.0 + number % 5 * 10
            changes[each.id] = moves(
                (1.0, PENDING, GONE if number % 3 else STALE, False),
                (31.0, PENDING, STALE, False),
                (at, PENDING, STALE, True),
                (at + 10, PASSED, None, True),
            )
        looks = tuple(Look(float(at), at * 2 // 5 + 4, at // 50) for at in range(1, 120, 10))
        return report(
            *reds,
            *health,
            *greens,
            *every_status,
            verdict=FAILED if bad else PASSED,
            summary="red_0 does not hold: dag-import-error." if bad else "Everything that is expected holds.",
            duration_s=120.0,
            timeline=Timeline(looks, changes),
            next_steps=("dag-import-error (red_0): Mend the line that the stack trace names.",)
            if bad
            else (),
            request_ids=("a1b2", "c3d4"),
        )

    return build


@pytest.fixture
def hostile_report(waited, check):
    """A payload in every place that can hold text."""
    checks = [
        check(
            text, FAILED, id=f"dags/{text}", area=text if number % 2 else "dags", message=text, advice=text,
            file=text, line=1, reason=Reason.DAG_STALE,
            details={"stack_trace": text, "diff": [text, "+" + text], text: text},
        )
        for number, text in enumerate(PAYLOADS)
    ]  # fmt: skip
    everything = "".join(PAYLOADS)
    plain = waited(6, 2)
    story = moves((1.0, PENDING, STALE, False), (60.0, FAILED, STALE, False))
    return replace(
        plain,
        checks=(*checks, *plain.checks),
        timeline=Timeline(
            plain.timeline.looks, {**plain.timeline.changes, **{each.id: story for each in checks}}
        ),
        summary=everything,
        environment=everything,
        airflow_version=everything,
        gate_version=everything,
        assumptions=tuple(PAYLOADS),
        next_steps=tuple(PAYLOADS),
        request_ids=tuple(PAYLOADS),
    )


def overflow_of(tab):
    return tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def focused(tab):
    return tab.evaluate("document.activeElement.id || document.activeElement.tagName")


def counted(tab, words):
    """Wait until the filter says so; Playwright's own waits need `eval`, which the page's policy forbids."""
    said = None
    for _ in range(80):
        said = tab.locator("#filter-count").text_content()
        if said == words:
            return
        tab.wait_for_timeout(50)
    pytest.fail(f"the filter says {said!r}, not {words!r}")


def shown(tab):
    return tab.evaluate(
        "[...document.querySelectorAll('tbody > tr')].filter((row) => row.checkVisibility({contentVisibilityAuto: true}))"
        ".map((row) => row.querySelector('.title').textContent)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("bad", [0, 2], ids=["green", "red"])
def test_it_shows_and_does_nothing_else(opened, waited, bad, width, scheme):
    page = opened(waited(bad=bad), width, color_scheme=scheme)

    assert page.tab.locator("h1").inner_text().startswith("Failed" if bad else "Passed")
    page.shot(f"{scheme}-{width}")
    assert overflow_of(page.tab) == 0
    page.did_nothing_but_show()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("verdict", [PASSED, FAILED, Status.ERROR])
def test_every_text_can_be_read(opened, waited, check, verdict, scheme):
    unseen = check("unseen", Status.ERROR, reason=Reason.UNREACHABLE)
    red = waited(bad=2)
    page = opened(replace(red, verdict=verdict, checks=(*red.checks, unseen)), color_scheme=scheme)
    page.tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")

    assert page.tab.evaluate(CONTRASTS) == []


def test_dark_and_light_differ(opened, waited):
    def background(scheme):
        return opened(waited(), color_scheme=scheme).tab.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )

    assert background("dark") != background("light")


@pytest.mark.parametrize("width", [400, 1280])
def test_hostile_text_is_shown_and_does_nothing(opened, hostile_report, width):
    page = opened(hostile_report, width)
    page.tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    for row in page.tab.locator("tbody th").all()[: len(PAYLOADS)]:
        row.hover()
    page.tab.locator("tbody th").first.click()
    for _ in range(30):
        page.tab.keyboard.press("Tab")

    page.shot(f"hostile-{width}")
    assert "{{7*7}}" in page.tab.locator("h1").inner_text()
    assert f"<script>{CANARY}</script>" in page.tab.locator("main").inner_text()
    assert overflow_of(page.tab) == 0
    page.did_nothing_but_show()


def test_the_canary_would_have_sung(opened, waited):
    """The payloads do run where nothing holds them: else the tests above would prove nothing."""
    page = opened(waited())
    bare = page.tab.context.new_page()
    bare.set_content(f"<html><body>{PAYLOADS[0]}{PAYLOADS[3]}{PAYLOADS[4]}</body></html>")

    bare.wait_for_function("window.canary >= 3")


def test_even_markup_that_got_in_would_do_nothing(opened, waited):
    page = opened(waited())

    page.tab.evaluate("html => { document.querySelector('main').innerHTML = html }", "".join(PAYLOADS))
    page.tab.evaluate(
        """code => {
        const script = document.createElement("script");
        script.textContent = code;
        document.body.append(script);
    }""",
        CANARY,
    )
    page.tab.wait_for_timeout(200)

    assert page.tab.evaluate("window.canary") is None
    assert [url for url in page.requests if url.startswith("http")] == []
    assert any("Content Security Policy" in said for said in page.said)


def test_the_filter_works_by_keyboard_alone(opened, waited):
    page = opened(waited(bad=2))
    tab, press = page.tab, page.tab.keyboard.press
    everything = ["red_0", "red_1", "b.py", "helpers.py"]
    assert shown(tab) == everything, "what passed or was skipped is folded"

    press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.locator("a.skip").bounding_box()["x"] >= 0, "it comes into view"
    press("Enter")
    press("Tab")
    assert focused(tab) == "filter-text"
    tab.keyboard.type("DAG_0007")
    counted(tab, "1 of 18 checks")
    assert shown(tab) == ["dag_0007"], "also where it was folded"

    press("Control+a")
    press("Delete")
    counted(tab, "")
    press("Tab")
    assert focused(tab) == "filter-area"
    tab.keyboard.type("sources")
    counted(tab, "1 of 18 checks")
    assert shown(tab) == ["b.py"]
    press("Home")
    counted(tab, "")
    assert shown(tab) == everything, "what was folded is folded again"

    press("Tab")
    press("Space")
    counted(tab, "15 of 18 checks")
    assert shown(tab) == ["helpers.py"], "no failed ones"
    for _ in range(4):
        press("Tab")
    assert focused(tab) == "BUTTON"
    press("Enter")
    counted(tab, "")
    assert shown(tab) == everything
    page.did_nothing_but_show()


PLACE = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  window.places = window.places || new Map();
  if (!window.places.has(here)) window.places.set(here, window.places.size);
  return [window.places.get(here), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0];
}"""
"""Which of the places it has been at has the focus, and whether that is seen."""


def test_the_keyboard_is_never_trapped_and_its_place_is_seen(opened, waited):
    tab = opened(waited(bad=2)).tab
    places = []
    for _ in range(120):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement === document.body"):
            break
        places.append(tab.evaluate(PLACE))
    else:
        pytest.fail("the end was never reached")

    assert [number for number, _ in places] == list(range(len(places)))
    assert all(outlined for _, outlined in places)


def test_a_link_to_a_folded_check_shows_it_also_where_a_filter_hides_it(opened, waited):
    tab = opened(waited()).tab
    lane = tab.locator(".lanes a", has_text="dag_0003")

    lane.click()
    assert "dag_0003" in shown(tab)
    tab.locator("#filter-text").fill("dag_0007")
    counted(tab, "1 of 17 checks")
    assert shown(tab) == ["dag_0007"]
    lane.click()
    counted(tab, "")
    assert "dag_0003" in shown(tab)


def test_without_scripts_the_page_is_whole(opened, waited):
    page = opened(waited(bad=2), java_script_enabled=False)
    tab = page.tab

    assert not tab.locator("form").is_visible()
    assert tab.locator(".lanes li").count() == 15
    tab.locator("details.passed > summary").click()
    assert tab.locator("tr", has_text="dag_0007").is_visible()
    assert (page.requests, page.said) == ([page.path.as_uri()], [])


def test_on_paper_what_explains_a_red_is_unfolded_and_there_is_no_filter(opened, waited):
    page = opened(waited(bad=2), 800, color_scheme="dark")
    tab = page.tab
    folded = tab.locator("pre").nth(1)
    seen = "each => each.checkVisibility({contentVisibilityAuto: true}) && each.getBoundingClientRect().height > 20"
    assert not folded.evaluate(seen)

    tab.emulate_media(media="print")

    assert all(each.evaluate(seen) for each in tab.locator("pre").all())
    assert not tab.locator("form").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert overflow_of(tab) == 0
    page.shot("paper")
    assert tab.pdf().startswith(b"%PDF")
    tab.emulate_media(media="screen")
    assert not folded.evaluate(seen), "folded again"
    page.did_nothing_but_show()


@pytest.mark.parametrize("width", [400, 1280])
def test_a_thousand_dags_can_be_used(opened, waited, width):
    page = opened(waited(1_000, bad=3), width)
    tab = page.tab
    timing = "performance.getEntriesByType('navigation')[0].domComplete"

    assert tab.evaluate(timing) < 5_000
    assert overflow_of(tab) == 0
    assert tab.evaluate("document.documentElement.scrollHeight") < 9_000
    names = tab.evaluate("[...document.querySelectorAll('.lanes .name')].map((name) => name.textContent)")
    assert names[:3] == ["red_0", "red_1", "red_2"]
    page.shot(f"thousand-{width}")
    took = tab.evaluate("""async () => {
        const began = performance.now();
        document.querySelectorAll("details").forEach((each) => { each.open = true });
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
        return performance.now() - began;
    }""")
    assert took < 4_000
    assert overflow_of(tab) == 0
    tab.locator("#filter-text").fill("dag_0777")
    counted(tab, "1 of 1,006 checks")
    assert shown(tab) == ["dag_0777"]
    page.did_nothing_but_show()
