"""What the files of ``deploy/`` name exists in Hob, and each process gets what it needs and no more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from sqlalchemy import insert, text, update

from bot.cli.main import main
from bot.inbox.webhook import create_app as create_web_app
from bot.settings import Settings
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import pauses, tasks
from bot.tasks.store import Store
from tests.deploy.compose import list_containers, make_arguments
from tests.deploy.files import COMPOSE, DEPLOY, UNITS, list_started, read_resources, read_unit
from tests.support import ROOT
from tests.support.tasks import make_request

VARIABLES = {str(field.validation_alias) for field in Settings.model_fields.values()}
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
STARTED = list_started()
# What a process must never be told: it needs none of it, and what it does not have nobody takes from it.
FOREIGN = {
    "web": {"HOB_PRIVATE_KEY", "HOB_PRIVATE_KEY_FILE", "HOB_CLIENT_SECRET"},
    "worker": {"HOB_WEBHOOK_SECRET", "HOB_CLIENT_SECRET"},
    "dashboard": {"HOB_PRIVATE_KEY", "HOB_PRIVATE_KEY_FILE", "HOB_WEBHOOK_SECRET"},
}
NEEDED = {
    "web": {"HOB_WEBHOOK_SECRET"},
    "worker": {"HOB_APP_ID", "HOB_PRIVATE_KEY_FILE", "HOB_BASE_URL"},
    "dashboard": {"HOB_CLIENT_ID", "HOB_CLIENT_SECRET", "HOB_BASE_URL"},
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_every_variable_named_is_a_setting(path) -> None:
    assert set(re.findall(r"\bHOB_[A-Z_]+", path.read_text("utf-8"))) <= VARIABLES


def test_each_way_starts_the_three_processes() -> None:
    for way in ("compose", "systemd", "kubernetes"):
        commands = {command for where, (command, _) in STARTED.items() if where.startswith(way)}
        assert commands == {"web", "worker", "dashboard"}
    assert {command for command, _ in STARTED.values()} <= set(main.commands)


@pytest.mark.parametrize("where", STARTED)
def test_a_process_is_told_what_it_needs_and_no_secret_of_another(where: str) -> None:
    command, given = STARTED[where]
    assert not given & FOREIGN[command]
    assert given >= NEEDED[command]


def test_compose_has_two_workers_and_nothing_that_others_reach() -> None:
    services = COMPOSE["services"]
    assert services["worker"]["deploy"]["replicas"] == 2
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published and all(port.startswith("127.0.0.1:") for port in published)


def test_the_health_checks_ask_for_what_is_served(store: Store) -> None:
    app = create_web_app(store, secrets=["x" * 16], known=frozenset())
    served = {route.resource.canonical for route in app.router.routes()}
    asked = re.findall(r"127\.0\.0\.1:8000(/\w+)", str(COMPOSE["services"]["web"]["healthcheck"]))
    probes = [
        probe["httpGet"]["path"]
        for one in read_resources()
        if one["kind"] == "Deployment"
        for container in one["spec"]["template"]["spec"]["containers"]
        for name, probe in container.items()
        if name.endswith("Probe")
    ]
    assert asked == ["/readyz"] and {*asked, *probes} <= served


def test_the_units_of_workers_leave_the_sandbox_what_it_needs() -> None:
    (worker,) = (read_unit(path) for path in UNITS if "worker" in path.name)
    assert worker["Delegate"] == ["yes"]
    # Each of these makes the kernel refuse bubblewrap a user namespace, or a /proc of its own.
    for barred in (
        "RestrictNamespaces",
        "ProtectProc",
        "ProtectKernelTunables",
        "PrivateUsers",
        "ProcSubset",
    ):
        assert barred not in worker
    assert "SystemCallFilter" not in worker


def test_the_image_copies_what_the_context_lets_through() -> None:
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    names = {name for line in copied for name in line.split()}
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert names == {line[1:] for line in ignored if line.startswith("!")}
    links = [
        path
        for room in ("bot", "sandbox", "localhub")
        for path in (ROOT / room).rglob("*")
        if path.is_symlink()
    ]
    for link in links:  # what a package links to must be copied too
        assert link.resolve().relative_to(ROOT).parts[0] in names


def test_whoever_plays_the_compose_file_understands_all_of_it(tmp_path: Path) -> None:
    """Of a key that ``tests.deploy.compose`` does not know it says so, rather than leave it out."""
    names = []
    for name, service in list_containers({"POSTGRES_PASSWORD": "x" * 16}):
        assert make_arguments(service, tmp_path, {})
        names.append(name)
    assert names == ["database", "web", "worker-1", "worker-2", "dashboard"]
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD: put"):
        list_containers({})
    with pytest.raises(KeyError, match="privileged"):
        make_arguments({"privileged": True}, tmp_path, {})


async def test_workers_are_scaled_by_the_age_of_what_one_could_take(database: Database, store: Store) -> None:
    (scaled,) = (one for one in read_resources() if one["kind"] == "ScaledObject")
    query = text(scaled["spec"]["triggers"][0]["metadata"]["query"].replace(":", r"\:"))

    async def ask() -> int:
        async with database.engine.connect() as connection:
            age = await connection.scalar(query)
        assert isinstance(age, int)
        return age

    assert await ask() == 0
    for delivery, number in (("1" * 8, 3), ("2" * 8, 4)):
        await store.add_task(make_request(delivery=delivery, number=number))
    async with database.engine.begin() as connection:
        await connection.execute(update(tasks).values(updated_at=text("now() - interval '100 seconds'")))
        await connection.execute(
            update(tasks)
            .where(tasks.c.thread_number == 4)
            .values(updated_at=text("now() - interval '9 minutes'"))
        )
    assert 540 <= await ask() < 600
    async with database.engine.begin() as connection:
        later = update(tasks).where(tasks.c.thread_number == 4)
        await connection.execute(later.values(not_before=text("now() + interval '1 hour'")))
    assert 100 <= await ask() < 160
    async with database.engine.begin() as connection:
        await connection.execute(insert(pauses).values(scope="installation:5", login="root"))
    assert await ask() == 0


def test_no_file_holds_a_secret() -> None:
    for path in DEPLOY.glob("*.example"):
        values = dict(
            line.split("=", 1) for line in path.read_text("utf-8").splitlines() if line[:1].isalpha()
        )
        assert not any(value for name, value in values.items() if "SECRET" in name or "KEY" in name), path
    kinds = {one["kind"] for one in read_resources()}
    assert "Secret" not in kinds and yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())
