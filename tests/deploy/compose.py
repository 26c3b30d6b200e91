"""compose.yaml as arguments of ``docker run``, for machines whose Docker has no Compose of version 2.

Every key that a service has is taken over or named here as left out; any other is an error, so that what is
played is what the file says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.deploy.files import COMPOSE

# What changes nothing about the process, or is settled by who plays: see ``play``.
LEFT_OUT = {"build", "restart", "logging", "depends_on", "networks", "ports", "image", "command", "deploy"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def fill_in(value: Any, variables: Mapping[str, str]) -> Any:
    """The value with ``${NAME:-default}`` and ``${NAME:?message}`` replaced, as Compose does."""
    if isinstance(value, dict):
        return {key: fill_in(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_in(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        if variables.get(name):
            return variables[name]
        if operator == "-":
            return str(rest)
        raise KeyError(f"{name}: {rest or 'is not set'}")

    return _VARIABLE.sub(replace, value)


def list_containers(variables: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Each container that Compose would start, by name; what others depend on comes first."""
    services = fill_in(COMPOSE["services"], variables)
    ordered = sorted(services, key=lambda name: bool(services[name].get("depends_on")))
    found = []
    for name in ordered:
        count = services[name].get("deploy", {}).get("replicas", 1)
        names = [name] if count == 1 else [f"{name}-{number + 1}" for number in range(count)]
        found += [(each, services[name]) for each in names]
    return found


def make_arguments(service: Mapping[str, Any], folder: Path, more: Mapping[str, str]) -> list[str]:
    """What ``docker run`` is told of a service; ``folder`` has its env files and secrets.

    ``more`` are variables that whoever plays sets over the file's own.
    """
    arguments: list[str] = []
    for key, value in service.items():
        if key in LEFT_OUT:
            continue
        arguments += _TRANSLATE[key](value, folder)
    environment = {**service.get("environment", {}), **more}
    return arguments + [f"--env={name}={value}" for name, value in environment.items()]


def _each(option: str) -> Any:
    return lambda values, _: [f"{option}={value}" for value in values]


def _healthcheck(check: Mapping[str, Any], _: Path) -> list[str]:
    words = check["test"][1:]
    assert check["test"][0] == "CMD"
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    times = {
        "interval": "interval",
        "timeout": "timeout",
        "retries": "retries",
        "start_period": "start-period",
    }
    found = [f"--health-cmd={quoted}"]
    return found + [f"--health-{option}={check[key]}" for key, option in times.items() if key in check]


def _secrets(names: list[str], folder: Path) -> list[str]:
    return [f"--volume={folder / COMPOSE['secrets'][name]['file']}:/run/secrets/{name}:ro" for name in names]


_TRANSLATE: dict[str, Any] = {
    "user": lambda value, _: [f"--user={value}"],
    "read_only": lambda value, _: ["--read-only"] if value else [],
    "cap_drop": _each("--cap-drop"),
    "security_opt": _each("--security-opt"),
    "tmpfs": _each("--tmpfs"),
    # Without their names, so that they go with their containers.
    "volumes": lambda values, _: [f"--volume={value.rpartition(':')[2]}" for value in values],
    "env_file": lambda names, folder: [f"--env-file={folder / name}" for name in names],
    "environment": lambda _, __: [],  # together with what the player sets
    "healthcheck": _healthcheck,
    "secrets": _secrets,
    "stop_grace_period": lambda value, _: [f"--stop-timeout={value.removesuffix('s')}"],
}
