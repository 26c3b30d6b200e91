"""The files of ``deploy/`` as the tools that read them judge them, without network.

``make deploy-check`` has what is missing (the extra ``deploy``); systemd and kubectl come with machines.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.files import COMPOSE, DEPLOY, UNITS, read_resources

OLDEST_KUBERNETES = "1.33"  # the first with user namespaces and unmasked /proc for pods by default
# What KEDA's documents say of the one kind of resource that Kubernetes itself does not know.
# https://keda.sh/docs/2.18/reference/scaledobject-spec/ and https://keda.sh/docs/2.18/scalers/postgresql/
SCALED_OBJECT: dict[str, Any] = {
    "type": "object",
    "required": ["scaleTargetRef", "triggers"],
    "additionalProperties": False,
    "properties": {
        "scaleTargetRef": {"type": "object", "required": ["name"]},
        "advanced": {"type": "object"},
        "triggers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "metadata"],
                "additionalProperties": False,
                "properties": {
                    "type": {"const": "postgresql"},
                    "metadata": {
                        "type": "object",
                        "required": ["connectionFromEnv", "query", "targetQueryValue"],
                        "additionalProperties": {"type": "string"},
                    },
                },
            },
        },
        **{
            name: {"type": "integer", "minimum": 0}
            for name in ("minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod")
        },
    },
}


def need_module(name: str) -> Any:
    """A package of the extra ``deploy``, or the test is skipped and says how to have it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{name} is not installed: `make deploy-check` installs it")


def need_program(name: str, package: str) -> str:
    """A program beside this Python or of the machine, or the test is skipped and says how to have it."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here: {package}")
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_dockerfile_as_hadolint_reads_it() -> None:
    hadolint = need_program("hadolint", "`make deploy-check` installs it")
    assert run(hadolint, str(DEPLOY / "Dockerfile")) == ""


def test_the_compose_file_by_the_compose_specification() -> None:
    need_module("check_jsonschema")
    schema = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text("utf-8")))


@pytest.mark.parametrize(
    "resource", read_resources(), ids=lambda each: f"{each['kind']}-{each['metadata']['name']}"
)
def test_a_resource_by_kubernetes_own_schema(resource: dict[str, Any]) -> None:
    if resource["apiVersion"].startswith("keda.sh/"):
        jsonschema.validate(resource["spec"], SCALED_OBJECT)
        return
    validator = need_module("kubernetes_validate")
    for version in (OLDEST_KUBERNETES, validator.latest_version()):
        validator.validate(resource, version, strict=True)


def test_the_kustomization_builds_what_its_files_have() -> None:
    kubectl = need_program("kubectl", "on Debian: apt install kubernetes-client")
    built = list(yaml.safe_load_all(run(kubectl, "kustomize", str(DEPLOY / "kubernetes"))))
    assert {(one["kind"], one["metadata"]["name"]) for one in built} == {
        (one["kind"], one["metadata"]["name"]) for one in read_resources()
    }
    images = [
        one["spec"]["template"]["spec"]["containers"][0]["image"]
        for one in built
        if one["kind"] == "Deployment"
    ]
    assert set(images) == {"registry.example.com/hob:0.1.0"}
    assert {one["metadata"].get("namespace", "hob") for one in built} == {"hob"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_as_systemd_reads_it(unit: Path, tmp_path: Path) -> None:
    """With a program that is there in the place of Hob's; whatever systemd has to say is a failure."""
    systemd = need_program("systemd-analyze", "on Debian: apt install systemd")
    here = tmp_path / unit.name
    here.write_text(unit.read_text("utf-8").replace("/opt/hob/bin/hob", shutil.which("true") or "/bin/true"))
    done = subprocess.run([systemd, "verify", "--man=no", here], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if unit.name.split(".")[0].rstrip("@") in line]
    assert done.returncode == 0 and not told, done.stderr
