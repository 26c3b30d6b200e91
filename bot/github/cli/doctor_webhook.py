"""What ``hob doctor`` finds of the App's webhook: its settings, a ping redelivered, the last deliveries.

Synchronous: never in the event loop.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from github import GithubIntegration

from bot.github.cli.app_access import AppAccess
from bot.github.cli.findings import DoctorFinding

DELIVERIES = "/app/hook/deliveries"
BAD_SIGNATURE = 401  # what `hob web` answers to a delivery that is not signed with its secret
PING_SECONDS = 15.0  # GitHub waits for 10 for an answer
NOT_SIGNED = "`hob web` does not know its signature: HOB_WEBHOOK_SECRET is not the App's webhook secret."


def read(github: GithubIntegration, path: str, **parameters: Any) -> Any:
    """GitHub's answer to a GET as the App."""
    return github.requester.requestJsonAndCheck("GET", path, parameters=parameters)[1]


def check_webhook(github: GithubIntegration, _: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
    """The webhook's settings. Its host is not compared: no setting has the public address of ``hob web``.

    https://docs.github.com/en/rest/apps/webhooks#get-a-webhook-configuration-for-an-app
    """
    config = read(github, "/app/hook/config")
    url, problems = config.get("url") or "", []
    if not url:
        problems.append("no URL is set")
    elif not urlsplit(url).path.endswith("/webhook"):
        problems.append(f"it goes to {url}, but `hob web` takes webhooks at /webhook")
    if not config.get("secret"):
        problems.append("no secret is set, so nobody can tell a forged webhook")
    if config.get("content_type") != "json":
        problems.append("its content type is not application/json")
    if str(config.get("insecure_ssl", "0")) != "0":
        problems.append("certificates are not verified")
    mend = "Mend it in the app's settings, under Webhook."
    return [
        DoctorFinding(
            name="webhook", ok=not problems, detail=f"{'; '.join(problems)}. {mend}" if problems else url
        )
    ]


def check_deliveries(github: GithubIntegration, _: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
    """https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook"""
    last = read(github, DELIVERIES, per_page=30)
    failed = [one for one in last if one["status"] != "OK"]
    if not last:
        return [DoctorFinding(name="deliveries", ok=True, detail="none yet")]
    if not failed:
        return [DoctorFinding(name="deliveries", ok=True, detail=f"the last {len(last)} arrived")]
    newest = failed[0]
    detail = (
        f"{len(failed)} of the last {len(last)} did not arrive, the newest at {newest['delivered_at']} "
        f"({newest['status_code']} {newest['status']}). `hob redeliver` asks for them again."
    )
    if newest["status_code"] == BAD_SIGNATURE:
        detail += f" {NOT_SIGNED}"
    return [DoctorFinding(name="deliveries", ok=False, detail=detail)]


def check_ping(github: GithubIntegration, _: AppAccess, __: dict[str, Any]) -> list[DoctorFinding]:
    """Redeliver the ping that GitHub sent when the webhook was made, and report how it ends.

    There is no other way to have an App pinged. GitHub keeps it for three days, and then the
    deliveries alone tell.
    https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
    """
    before = read(github, DELIVERIES, per_page=100)
    pings = [one for one in before if one["event"] == "ping"]
    if not pings:
        return []
    known = {one["id"] for one in before}
    github.requester.requestJsonAndCheck("POST", f"{DELIVERIES}/{pings[0]['id']}/attempts")
    until = time.monotonic() + PING_SECONDS
    while time.monotonic() < until:
        listed = read(github, DELIVERIES, per_page=30)
        made = [one for one in listed if one["guid"] == pings[0]["guid"] and one["id"] not in known]
        if made and made[0]["status"]:
            return [_judge_ping(made[0])]
        time.sleep(0.5)
    detail = f"GitHub was asked for one, and did not say within {PING_SECONDS:.0f} s what came of it"
    return [DoctorFinding(name="ping", ok=False, detail=detail)]


def _judge_ping(made: dict[str, Any]) -> DoctorFinding:
    if made["status"] == "OK":
        return DoctorFinding(name="ping", ok=True, detail="one was sent just now, and its signature is right")
    why = NOT_SIGNED if made["status_code"] == BAD_SIGNATURE else "`hob web` cannot be reached there."
    detail = f"one was sent just now and did not arrive ({made['status_code']} {made['status']}): {why}"
    return DoctorFinding(name="ping", ok=False, detail=detail)
