"""gh, GitHub's own command line, against a hub that looks like an Enterprise Server with HTTPS."""

from __future__ import annotations

import os
from base64 import b64encode
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
    (("issue", "lock", "1", "--reason", "resolved"), ""),
    (("issue", "view", "1", "--json", "id", "--jq", ".id"), "I_"),
    (("issue", "unlock", "1"), ""),
    (("issue", "pin", "1"), "Pinned"),
    (("issue", "unpin", "1"), "Unpinned"),
    (("issue", "edit", "1", "--add-assignee", "maintainer", "--milestone", "First"), "/1"),
    (("issue", "list", "--assignee", "maintainer", "--milestone", "First"), "By gh"),
    (("issue", "list", "--assignee", "stranger"), ""),
    (("issue", "status"), "Issues assigned to you\n  1\tOPEN"),
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
    (("pr", "status"), "Current branch\n  #2  A pull"),
    (("pr", "edit", "2", "--add-reviewer", "helper", "--add-label", "bug", "--title", "Edited"), "/pull/2"),
    (("search", "prs", "--review-requested", "helper", "--json", "number", "--jq", ".[].number"), "2"),
    (("pr", "ready", "2", "--undo"), "draft"),
    (("pr", "ready", "2"), "ready for review"),
    (("pr", "lock", "2"), ""),
    (("pr", "unlock", "2"), ""),
    (("pr", "close", "2"), "Closed"),
    (("pr", "reopen", "2"), "Reopened"),
    (("pr", "edit", "2", "--title", "A pull", "--remove-label", "bug"), "/pull/2"),
    (("run", "list"), "CI of gh"),
    (("workflow", "list"), "CI of gh"),
    (("workflow", "view", "ci.yml"), "Total runs 1"),
    (("pr", "merge", "2", "--squash"), ""),
    (("pr", "list", "--state", "merged"), "A pull"),
    (("issue", "edit", "1", "--title", "Renamed", "--remove-label", "bug", "--add-label", "question"), "/1"),
    (("issue", "view", "1", "--json", "title,labels", "--jq", ".title + .labels[0].name"), "Renamedquestion"),
    (("pr", "list", "--search", "is:merged author:maintainer"), "A pull"),
    (("api", "--paginate", "repos/{owner}/{repo}/issues?per_page=1&state=all", "--jq", ".[].number"), "2\n1"),
    (("issue", "close", "1"), ""),
    (  # sorted: of what happened in one second GitHub's times do not tell the order
        ("api", "repos/{owner}/{repo}/issues/1/timeline", "--jq", '[.[].event] | sort | join(" ")'),
        "assigned closed commented labeled labeled locked milestoned pinned unlabeled unlocked unpinned",
    ),
    (("api", "repos/{owner}/{repo}/commits/by-gh/check-suites", "--jq", ".total_count"), "2"),
    (("label", "list"), "bug"),
    (("label", "create", "later", "--color", "aabbcc", "--description", "Not now"), ""),
    (("label", "edit", "later", "--name", "sometime"), ""),
    (("label", "list", "--search", "some"), "sometime"),
    (("label", "delete", "sometime", "--yes"), ""),
    (("auth", "status"), "Token scopes: admin:org"),
    (("repo", "list"), "maintainer/clients"),
    (("repo", "list", "workshop"), ""),
    (("repo", "edit", "--description", "For gh", "--add-topic", "clients"), ""),
    (("repo", "view", "--json", "repositoryTopics,isPrivate", "--jq", ".isPrivate"), "false"),
    (("search", "repos", "clients"), "For gh"),
    (("release", "create", "v1", "--title", "One", "--notes", "The first"), "/releases/tag/v1"),
    (("release", "list"), "Latest"),
    (("release", "view", "v1"), "The first"),
    (("release", "edit", "v1", "--prerelease"), "/releases/tag/v1"),
    (("release", "delete", "v1", "--yes"), ""),
    (("search", "issues", "Renamed", "--state", "closed", "--label", "question"), "Renamed"),
    (("issue", "create", "--title", "Elsewhere", "--body", ""), "/issues/3"),
    (("issue", "transfer", "3", "maintainer/other"), "/maintainer/other/issues/1"),
    (("issue", "create", "--title", "Nothing", "--body", ""), "/issues/4"),
    (("issue", "delete", "4", "--yes"), ""),
    (("issue", "list", "--state", "all", "--json", "number", "--jq", "length"), "1"),
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
    """A repository with a branch to merge, on whose commit checks have passed, and people to ask."""
    person, bot = hub.as_maintainer, await hub.as_bot()
    for name in ("clients", "other"):
        await person.post("/user/repos", {"name": name, "auto_init": True})
    await person.post(f"{REPO}/milestones", {"title": "First"})
    await hub.admin("user", login="helper")
    await person.put(f"{REPO}/collaborators/helper", {"permission": "push"})
    await _write(hub, ".github/workflows/ci.yml", "name: CI of gh\n", "main")
    head = (await person.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"]
    await person.post(f"{REPO}/git/refs", {"ref": "refs/heads/by-gh", "sha": head})
    commit = await _write(hub, "by-gh.txt", "x\n", "by-gh")
    check = {"name": "tests", "head_sha": commit, "conclusion": "success"}
    await bot.post(f"{REPO}/check-runs", check)
    permissions = {"checks": "write", "contents": "read"}
    actions = await hub.admin("app", slug="github-actions", permissions=permissions)
    await hub.client(actions["token"]).post(f"{REPO}/check-runs", {**check, "name": "job"})


async def _write(hub: Hub, path: str, text: str, branch: str) -> str:
    """Commit a file; the commit's sha."""
    change = {"message": "By hand", "content": b64encode(text.encode()).decode(), "branch": branch}
    made = await hub.as_maintainer.put(f"{REPO}/contents/{path}", change)
    return str(made["commit"]["sha"])
