"""docs/metrics.md lists what the code serves, line by line."""

from __future__ import annotations

from tests.support import ROOT
from tests.support.metric_families import list_families


def test_the_page_has_every_metric_as_the_code_has_it() -> None:
    expected = [
        f"| `{each.name}` | {each.process} | {each.kind} | "
        f"{', '.join(each.labels) or 'none'} | {each.meaning} |"
        for each in list_families()
    ]
    page = (ROOT / "docs/metrics.md").read_text("utf-8")
    listed = [line for line in page.splitlines() if line.startswith("| `hob_")]
    assert listed == expected, "\n".join(expected)


def test_names_are_prometheus_own_way() -> None:
    for each in list_families():
        assert each.name.startswith("hob_") and each.meaning[0].isupper() and not each.meaning.endswith(".")
        assert each.kind == "counter" or not each.name.endswith("_total")
