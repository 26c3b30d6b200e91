"""The files of ``deploy/`` as what they say: which processes they start, with which variables."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import yaml

from tests.support import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def read_resources() -> list[dict[str, Any]]:
    """Every Kubernetes resource of the kustomization, as its file has it."""
    folder = DEPLOY / "kubernetes"
    names = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]
    return [one for name in names for one in yaml.safe_load_all((folder / name).read_text("utf-8"))]


def read_unit(path: Path) -> dict[str, list[str]]:
    """The ``[Service]`` section of a systemd unit; a key may stand there more than once."""
    section, found = "", dict[str, list[str]]()
    for line in path.read_text("utf-8").splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        elif section == "Service" and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def read_env_file(name: str) -> dict[str, str]:
    """The variables of an example of an environment file; one that is commented out is none."""
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string("[env]\n" + (DEPLOY / f"{name}.env.example").read_text("utf-8"))
    return dict(parser["env"])


def list_started() -> dict[str, tuple[str, set[str]]]:
    """Every process of Hob that a file starts, by where: the command, and the variables that it is given.

    The environment files' variables count with those of compose and systemd; a pod has them from its Secret.
    """
    found: dict[str, tuple[str, set[str]]] = {}
    for name, service in COMPOSE["services"].items():
        if "command" in service:
            (command,) = service["command"]
            files = {key for file in service["env_file"] for key in read_env_file(file.removesuffix(".env"))}
            found[f"compose {name}"] = (command, files | set(service["environment"]))
    for path in UNITS:
        unit = read_unit(path)
        command = unit["ExecStart"][0].removeprefix("/opt/hob/bin/hob ")
        (file,) = unit["EnvironmentFile"]
        given = {line.partition("=")[0] for line in unit["Environment"]}
        found[f"systemd {path.name}"] = (command, given | set(read_env_file(Path(file).stem)))
    for one in read_resources():
        if one["kind"] == "Deployment":
            (container,) = one["spec"]["template"]["spec"]["containers"]
            (source,) = container["envFrom"]
            secret = read_env_file(source["secretRef"]["name"].removeprefix("hob-"))
            given = {each["name"] for each in container["env"]} | set(secret)
            found[f"kubernetes {one['metadata']['name']}"] = (container["args"][0], given)
    return found
