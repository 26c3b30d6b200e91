"""Alerts and board name only metrics and labels that the code has, and each alert is played both ways."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.deploy.files import DEPLOY
from tests.deploy.test_tools import need_program, run
from tests.support import ROOT
from tests.support.metric_families import list_families

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
PLAYED = DEPLOY / "prometheus" / "alerts_test.yml"
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "hob.json").read_text("utf-8"))
SERIES = {series: family for family in list_families() for series in family.series}
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]
]
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
OF_PROMETHEUS = {"instance", "job", "le"}


def check_expression(expression: str) -> set[str]:
    """Every series and every label that it names is the code's; returns the series."""
    named = set(re.findall(r"\bhob_\w+", expression))
    assert named and named <= set(SERIES), named - set(SERIES)
    labels = {label for series in named for label in SERIES[series].labels} | OF_PROMETHEUS
    matched = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expression)
    grouped = [
        each.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for each in group.split(",")
    ]
    assert {*matched, *grouped} <= labels, {*matched, *grouped} - labels
    return named


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_of_what_there_is_and_says_what_to_do(rule: dict[str, Any]) -> None:
    check_expression(rule["expr"])
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"summary", "mend"}
    for page in re.findall(r"docs/[\w-]+\.md", rule["annotations"]["mend"]):
        assert (ROOT / page).exists()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_is_of_what_there_is(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        check_expression(target["expr"])
        shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        grouped = {
            each.strip()
            for group in re.findall(r"\bby \(([^)]*)\)", target["expr"])
            for each in group.split(",")
        }
        assert shown <= grouped
    assert panel["description"]


def test_the_board_shows_every_metric() -> None:
    shown = {
        series
        for panel in PANELS
        for target in panel["targets"]
        for series in check_expression(target["expr"])
    }
    assert {SERIES[series].name for series in shown} == {family.name for family in list_families()}
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_each_alert_is_played_both_ways() -> None:
    names = [played["name"] for played in yaml.safe_load(PLAYED.read_text("utf-8"))["tests"]]
    assert sorted(names) == sorted(
        f"{rule['alert']} {how}" for rule in RULES for how in ("fires", "is quiet")
    )


def test_s85_the_alerts_fire_when_they_must_and_only_then() -> None:
    promtool = need_program("promtool", "`make promtool` takes it out of Debian's package prometheus")
    run(promtool, "check", "rules", str(ALERTS))
    run(promtool, "test", "rules", str(PLAYED))
