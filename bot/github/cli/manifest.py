"""Making the GitHub App: the manifest that asks for it, and the code that becomes its credentials.

GitHub's manifest flow: a form posts the manifest, a person confirms, GitHub sends the browser back with a
code, and within the hour the code is exchanged, once, for the app's key and secrets.
https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import hmac
import os
import re
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

import yaml
from github import Github, GithubException
from requests import RequestException

from bot.errors import UserError

SIGN_IN_PATH = "/sign-in/back"  # where GitHub sends people back to who sign in on the dashboard
KEY_FILE, ENV_FILE = "app.pem", "app.env"
LONGEST_NAME = 34  # characters, of an App


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What GitHub hands out once. The secrets stay out of every representation."""

    app_id: int
    slug: str
    html_url: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    env_file: Path

    @property
    def install_url(self) -> str:
        """Where a person installs the app on repositories."""
        return f"{self.html_url}/installations/new"


def read_manifest() -> dict[str, Any]:
    """``app.yml`` parsed: name, permissions, events."""
    read: dict[str, Any] = yaml.safe_load((files("bot.github.cli") / "app.yml").read_text("utf-8"))
    return read


def build_manifest(base_url: str, *, redirect_url: str = "", name: str = "") -> dict[str, Any]:
    """The manifest for an instance whose webhook is reachable at ``base_url``/webhook.

    ``name`` is the App's, '' for app.yml's; no two Apps of a GitHub have one name. Raises UserError when
    ``base_url`` is no absolute https URL (http is for loopback, which GitHub itself refuses), or the name is
    none.
    """
    parts = urlsplit(base_url)
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if (
        not parts.hostname
        or parts.username
        or (parts.scheme != "https" and not (loopback and parts.scheme == "http"))
    ):
        raise UserError(f"BASE_URL must be an absolute https URL without a user name, not {base_url!r}.")
    root = base_url.rstrip("/")
    manifest = read_manifest()
    if name:
        if len(name) > LONGEST_NAME or not re.search(r"[A-Za-z0-9]", name) or not name.isprintable():
            raise UserError(
                f"--name must have a letter or a digit and at most {LONGEST_NAME} characters, not {name!r}."
            )
        manifest["name"] = name
    manifest["url"] = root
    manifest["hook_attributes"] = {**manifest["hook_attributes"], "url": f"{root}/webhook"}
    manifest["callback_urls"] = [f"{root}{SIGN_IN_PATH}"]
    if redirect_url:
        manifest["redirect_url"] = redirect_url
    return manifest


def check_home(home: Path) -> None:
    """Raises UserError where credentials are already: nothing is overwritten."""
    for path in (home / KEY_FILE, home / ENV_FILE):
        if path.exists():
            raise UserError(f"{path} exists already. Move it away to register another app.")


def convert_code(
    code: str, *, state: str, expected: str, api_url: str, base_url: str, home: Path
) -> Credentials:
    """Exchange the code for the app's credentials and write them below ``home``, readable by its owner only.

    ``state`` is what came back, ``expected`` what the form carried: without their agreement the code may
    belong to somebody else's app. Raises UserError when they differ, when the code is used up or older than
    an hour, and when credentials are there already: nothing is overwritten.
    https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
    """
    if not expected or not hmac.compare_digest(state.encode(), expected.encode()):
        raise UserError("The answer does not belong to this registration (wrong state). Start again.")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", code):
        raise UserError("GitHub's answer carries no usable code. Start the registration again.")
    check_home(home)
    key_file, env_file = home / KEY_FILE, home / ENV_FILE
    made = _exchange(code, api_url)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(key_file, made["pem"])
    lines = {
        "HOB_APP_ID": made["id"],
        "HOB_PRIVATE_KEY_FILE": key_file,
        "HOB_WEBHOOK_SECRET": made["webhook_secret"],
        "HOB_CLIENT_ID": made["client_id"],
        "HOB_CLIENT_SECRET": made["client_secret"],
        "HOB_BASE_URL": base_url.rstrip("/"),
        "HOB_GITHUB_URL": api_url.rstrip("/"),
    }
    _write(env_file, "".join(f"{name}={quote(str(value))}\n" for name, value in lines.items()))
    return Credentials(
        app_id=made["id"],
        slug=made["slug"],
        html_url=made["html_url"],
        private_key=made["pem"],
        webhook_secret=made["webhook_secret"],
        env_file=env_file,
    )


def _exchange(code: str, api_url: str) -> dict[str, Any]:
    try:
        with Github(base_url=api_url.rstrip("/"), retry=None) as github:  # the code is the credential
            _, made = github.requester.requestJsonAndCheck("POST", f"/app-manifests/{code}/conversions")
    except (GithubException, RequestException) as error:
        status = getattr(error, "status", type(error).__name__)
        raise UserError(
            f"GitHub does not exchange the code ({status}). It works once and for an hour: start again."
        ) from None
    needed = ("id", "slug", "pem", "webhook_secret", "client_id", "client_secret")
    if not isinstance(made, dict) or not all(made.get(name) for name in needed):
        raise UserError("GitHub's answer lacks the app's credentials. Start the registration again.")
    return made


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
