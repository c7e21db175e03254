"""Pages are one file, escaped, in which no script runs but their own."""

import re
from html.parser import HTMLParser

from runner.reports.html import as_image, hash_of
from runner.reports.page import Picture, duration, moment
from runner.sweep.report.page import About, page_of
from runner.sweep.report.report import Report
from tests.sweep.report.test_pictures import report_of
from tests.sweep.results import failed, finished

HOSTILE = "<script>alert('x')</script>\"'&"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (1200).to_bytes(4) + bytes(8)


class Tags(HTMLParser):
    """All tags of a page with their attributes, and what stands in its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip().startswith('"use strict"'):
            self.scripts.append(data)

    def of(self, wanted: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == wanted]


def hostile_sweep() -> tuple[Report, About]:
    jobs = [
        finished(0, "a=1", 1.0),
        failed(1, "a=2", HOSTILE),
    ]
    report = report_of(
        [type(job)(**{**vars(job), "overrides": [f"a={HOSTILE}{job.job}"]}) for job in jobs], "a"
    )
    report.left_out[HOSTILE] = HOSTILE
    return report, About(HOSTILE, HOSTILE, "RUNNING", {HOSTILE: HOSTILE})


def test_what_a_page_tells_is_text_whatever_it_holds() -> None:
    page = page_of(*hostile_sweep(), {"seeds.png": PNG})
    assert "<script>alert" not in page
    found = Tags(page)
    assert len(found.of("script")) == len(found.scripts) == 1
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") > 5


def test_a_page_loads_nothing_and_runs_its_own_script_alone() -> None:
    found = Tags(page_of(*hostile_sweep(), {"seeds.png": PNG}))
    assert found.of("link") + found.of("iframe") == []
    assert all(str(image["src"]).startswith("data:image/png;base64,") for image in found.of("img"))
    (policy,) = (str(meta["content"]) for meta in found.of("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in policy
    assert f"script-src '{hash_of(found.scripts[0])}'" in policy


def test_secrets_in_values_are_masked() -> None:
    jobs = [finished(job, f"data.root=https://me:secret@host/{job}", 1.0) for job in range(2)]
    page = page_of(report_of(jobs, "data.root"), About("sweep", "1", "FINISHED"), {})
    assert "secret" not in page
    assert "https://***@host/1" in page


def test_a_wide_picture_has_the_whole_width() -> None:
    assert Picture("", "", PNG).is_wide
    assert as_image(b"abc") == "data:image/png;base64,YWJj"


def test_times_are_told_as_people_tell_them() -> None:
    assert duration(0, 1500) == "1.5 s"
    assert duration(0, 61_000) == "1 min 01 s"
    assert duration(0, 3_660_000) == "1 h 01 min"
    assert duration(5, None) == moment(None) == ""
    assert re.fullmatch(r"1970-01-0[12] \d\d:00:00 .+|19\d\d-.+", moment(0))
