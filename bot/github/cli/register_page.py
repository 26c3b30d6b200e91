"""The pages of ``hob register``: choose name and owner, then send the manifest to GitHub. Without scripts."""

from __future__ import annotations

import html
import json
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import requests

from bot.errors import UserError
from bot.github.cli.manifest import LONGEST_NAME

_SECONDS = 5.0
_HEAD = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>{title}</title><style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;"
    "max-width:34rem;margin:3rem auto;padding:0 1rem}}label,input,button{{display:block;font:inherit}}"
    "input{{width:100%;box-sizing:border-box;margin:0 0 1rem}}[role=alert]{{border-left:4px solid;"
    "padding-left:1rem}}</style><h1>{title}</h1>"
)


def render_choice(*, name: str, organization: str, problem: str = "") -> str:
    """The first page: what the App is called and whose it is; ``problem`` says why it is shown again."""
    alert = f"<p role=alert>{html.escape(problem)}</p>" if problem else ""
    return (
        _HEAD.format(title="Register Hob")
        + alert
        + '<form action="/ask">'
        + "<label for=name>Name of the App: people mention it by that</label>"
        + f'<input id=name name=name required maxlength={LONGEST_NAME} value="{html.escape(name)}">'
        + "<label for=organization>Organization that it belongs to; empty: your own account</label>"
        + f'<input id=organization name=organization maxlength=39 value="{html.escape(organization)}">'
        + "<button>Continue</button></form>"
    )


def render_form(manifest: dict[str, Any], *, state: str, web_url: str, organization: str = "") -> str:
    """The page whose button posts the manifest to GitHub, for a person's account or an organization.

    Raises UserError when ``organization`` is not a valid name.
    """
    owner = f"organizations/{organization}/settings" if organization else "settings"
    if organization and not re.fullmatch(r"[A-Za-z0-9-]{1,39}", organization):
        raise UserError(f"{organization!r} is not the name of a GitHub organization.")
    action = f"{web_url.rstrip('/')}/{owner}/apps/new?{urlencode({'state': state})}"
    name = html.escape(str(manifest.get("name", "")))
    return (
        _HEAD.format(title="Register Hob")
        + f"<p>GitHub registers the App <b>{name}</b> and sends you back here. If it says that the name is "
        + 'taken, or shows an error, <a href="/">choose another name</a>: this page stays.</p>'
        + f'<form action="{html.escape(action)}" method="post">'
        + f'<input type="hidden" name="manifest" value="{html.escape(json.dumps(manifest))}">'
        + "<button>Register this GitHub App</button></form>"
    )


def render_end(title: str, text: str, link: str = "") -> str:
    """The last page, or one that says what went wrong; ``link`` is where the App is installed."""
    to = f'<p><a href="{html.escape(link)}">Install it on repositories</a></p>' if link else ""
    return _HEAD.format(title=html.escape(title)) + f"<p>{html.escape(text)}</p>" + to


def find_name_trouble(api_url: str, name: str) -> str:
    """Why an App cannot be called ``name``, as far as GitHub tells to anybody; '' for nothing known.

    Another account's private App is not visible here: then GitHub itself says that the name is taken. The
    slug of a name:
    https://docs.github.com/en/apps/creating-github-apps/registering-a-github-app/registering-a-github-app
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if _exists(f"{api_url.rstrip('/')}/apps/{slug}"):
        return f"{name} is taken: this GitHub has an App whose address is {slug}. Choose another name."
    if _exists(f"{api_url.rstrip('/')}/users/{slug}"):
        return (
            f"{slug} is somebody's account at this GitHub: who mentions the App would call them too, and "
            "GitHub lets nobody but its owner take that name. Choose another name."
        )
    return ""


def _exists(url: str) -> bool:
    try:
        answer = requests.get(url, timeout=_SECONDS, headers={"accept": "application/vnd.github+json"})
    except requests.RequestException:
        return False
    return answer.status_code == HTTPStatus.OK
