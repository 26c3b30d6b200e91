"""gh, GitHub's own command line, against a hub that looks like an Enterprise Server with HTTPS."""

from __future__ import annotations

import os
from pathlib import Path

from localhub.tls import NAME as HOST
from tests.hub.clients.programs import require, run
from tests.hub.clients.tunnel import open_tunnel
from tests.support.hub import Hub, running_hub

REPO = "/repos/maintainer/clients"

# What is typed, and what must be among the words that come of it.
STORY = (
    (
        ("issue", "create", "--title", "By gh", "--body", "Its text", "--label", "bug"),
        "/maintainer/clients/issues/1",
    ),
    (("issue", "list"), "By gh"),
    (("issue", "list", "--search", "is:open text"), "By gh"),
    (("issue", "comment", "1", "--body", "A comment"), "#issuecomment-"),
    (("issue", "view", "1"), "Its text"),
    (("issue", "view", "1", "--comments"), "A comment"),
    (("pr", "create", "--title", "A pull", "--body", "Text", "--head", "by-gh", "--base", "main"), "/pull/2"),
    (("pr", "list"), "A pull"),
    (("pr", "checks", "2"), "tests\tpass"),
    (("pr", "diff", "2"), "by-gh.txt"),
    (("pr", "comment", "2", "--body", "On it"), "#issuecomment-"),
    (("pr", "review", "2", "--comment", "--body", "Looks fine"), ""),
    (("pr", "view", "2"), "A pull"),
    (("pr", "view", "2", "--comments"), "Looks fine"),
    (
        ("pr", "view", "2", "--json", "statusCheckRollup,reviews", "--jq", ".reviews[0].body"),
        "Looks fine",
    ),
    (("pr", "merge", "2", "--squash"), ""),
    (("pr", "list", "--state", "merged"), "A pull"),
    (("issue", "edit", "1", "--title", "Renamed", "--remove-label", "bug", "--add-label", "question"), "/1"),
    (("issue", "view", "1", "--json", "title,labels", "--jq", ".title + .labels[0].name"), "Renamedquestion"),
    (("pr", "list", "--search", "is:merged author:maintainer"), "A pull"),
    (("api", "--paginate", "repos/{owner}/{repo}/issues?per_page=1&state=all", "--jq", ".[].number"), "2\n1"),
    (("issue", "close", "1"), ""),
    (  # sorted: of what happened in one second GitHub's times do not tell the order
        ("api", "repos/{owner}/{repo}/issues/1/timeline", "--jq", '[.[].event] | sort | join(" ")'),
        "closed commented labeled labeled unlabeled",
    ),
    (("api", "repos/{owner}/{repo}/commits/by-gh/check-suites", "--jq", ".total_count"), "1"),
    (("label", "list"), "bug"),
    (("api", "repos/{owner}/{repo}/issues/1", "--jq", ".state"), "closed"),
)


async def play_gh(_: Hub, folder: Path) -> str:
    """Issues and pull requests: made, listed, shown, commented, checked, reviewed, merged, closed."""
    require("gh", "Debian has it: apt-get install gh")
    async with running_hub(folder, enterprise=True, tls=True) as hub:
        await _seed(hub)
        token, certificate = hub.as_maintainer.token, hub.facts["certificate_file"]
        async with open_tunnel(int(hub.web_url.rpartition(":")[2])) as proxy:
            env = {
                "PATH": os.environ["PATH"], "HOME": str(folder), "GH_HOST": HOST, "HTTPS_PROXY": proxy,
                "GH_ENTERPRISE_TOKEN": str(token), "SSL_CERT_FILE": certificate,
                "GIT_SSL_CAINFO": certificate, "GH_NO_UPDATE_NOTIFIER": "1", "GH_PROMPT_DISABLED": "1",
                "NO_COLOR": "1",
            }  # fmt: skip
            url = f"https://x-access-token:{token}@{HOST}/maintainer/clients.git"
            await run("git", "clone", "-q", "-b", "by-gh", url, "work", cwd=folder, env=env)
            for words, expected in STORY:
                said = await run("gh", *words, cwd=folder / "work", env=env)
                assert expected in said, f"gh {' '.join(words)} said:\n{said}"
    return f"gh: {len(STORY)} commands, over HTTPS at an Enterprise Server's addresses\n"


async def _seed(hub: Hub) -> None:
    """A repository with a branch to merge, on whose commit a check has passed."""
    person, bot = hub.as_maintainer, await hub.as_bot()
    await person.post("/user/repos", {"name": "clients", "auto_init": True})
    head = (await person.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"]
    await person.post(f"{REPO}/git/refs", {"ref": "refs/heads/by-gh", "sha": head})
    change = {"message": "By hand", "content": "eAo=", "branch": "by-gh"}
    made = await person.put(f"{REPO}/contents/by-gh.txt", change)
    check = {"name": "tests", "head_sha": made["commit"]["sha"], "conclusion": "success"}
    await bot.post(f"{REPO}/check-runs", check)
