// Octokit, the client that GitHub itself publishes, as an installation of an App on the local GitHub.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createAppAuth } from "@octokit/auth-app";
import Bottleneck from "bottleneck/light.js";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit as Plain } from "@octokit/rest";

// As Probot and most bots have it: with pauses where a limit is met, and again where the server fails.
const Octokit = Plain.plugin(throttling, retry);
const facts = JSON.parse(process.env.HUB_FACTS);
const limits = [];
const octokit = new Octokit({
  throttle: {
    fallbackSecondaryRateRetryAfter: 1,
    onRateLimit: (after, options) => limits.push(["primary", after, options.url]) < 3,
    onSecondaryRateLimit: (after, options) => limits.push(["secondary", after, options.url]) < 3,
    // The pace of the plugin's own would make the story take minutes: a write a second, three with content.
    write: new Bottleneck.Group({ maxConcurrent: 1 }),
    notifications: new Bottleneck.Group({ maxConcurrent: 1 }),
  },
  baseUrl: facts.api_url,
  authStrategy: createAppAuth,
  auth: {
    appId: facts.app_id,
    privateKey: readFileSync(facts.private_key_file, "utf8"),
    installationId: facts.installation_id,
  },
});
const at = { owner: "maintainer", repo: "clients" };
const admin = async (action, body) => {
  const answer = await fetch(`${facts.web_url}/_admin/${action}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${facts.admin_token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200);
};

const issue = await octokit.rest.issues.create({ ...at, title: "Halve it", labels: ["bug"] });
assert.deepEqual(issue.data.labels.map((label) => label.name), ["bug"]);
for (let n = 0; n < 35; n += 1) {
  await octokit.rest.issues.createComment({ ...at, issue_number: issue.data.number, body: `Comment ${n}` });
}
const comments = await octokit.paginate(octokit.rest.issues.listComments, {
  ...at, issue_number: issue.data.number, per_page: 30,
});
assert.equal(comments.length, 35);

const base = await octokit.rest.git.getRef({ ...at, ref: "heads/main" });
const parent = await octokit.rest.git.getCommit({ ...at, commit_sha: base.data.object.sha });
const tree = await octokit.rest.git.createTree({
  ...at, base_tree: parent.data.tree.sha,
  tree: [{ path: "code.txt", mode: "100644", type: "blob", content: "half\n" }],
});
const commit = await octokit.rest.git.createCommit({
  ...at, message: "Halve it", tree: tree.data.sha, parents: [parent.data.sha],
});
assert.equal(commit.data.verification.verified, true);
await octokit.rest.git.createRef({ ...at, ref: "refs/heads/octokit", sha: commit.data.sha });

const pull = await octokit.rest.pulls.create({
  ...at, title: "Halve it", body: `Fixes #${issue.data.number}`, head: "octokit", base: "main", draft: true,
});
const review = await octokit.rest.pulls.createReview({
  ...at, pull_number: pull.data.number, event: "COMMENT", body: "See",
  comments: [{ path: "code.txt", line: 1, side: "RIGHT", body: "Half" }],
});
assert.equal(review.data.state, "COMMENTED");
const found = await octokit.graphql(
  `query($owner: String!, $repo: String!, $number: Int!) { repository(owner: $owner, name: $repo) {
     pullRequest(number: $number) { isDraft reviewThreads(first: 5) { nodes { id isResolved } } } } }`,
  { ...at, number: pull.data.number },
);
const [thread] = found.repository.pullRequest.reviewThreads.nodes;
const resolved = await octokit.graphql(
  "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }",
  { id: thread.id },
);
assert.equal(resolved.resolveReviewThread.thread.isResolved, true);

const check = await octokit.rest.checks.create({
  ...at, name: "octokit", head_sha: commit.data.sha, status: "completed", conclusion: "success",
  output: { title: "Fine", summary: "All of it" },
});
const suite = await octokit.rest.checks.getSuite({ ...at, check_suite_id: check.data.check_suite.id });
assert.equal(suite.data.conclusion, "success");

// What bots of the marketplace ask for beside that: stale, release-drafter, settings, welcome, lock-threads.
const q = `repo:${at.owner}/${at.repo} is:issue is:open -label:pinned updated:>2020-01-01`;
const stale = await octokit.paginate(octokit.rest.search.issuesAndPullRequests, { q, sort: "updated", per_page: 1 });
assert.ok(stale.some((one) => one.title === "Halve it"));
const iterated = [];
const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, {
  ...at, issue_number: issue.data.number, per_page: 10,
});
for await (const page of pages) iterated.push(page.data.length);
assert.deepEqual(iterated, [10, 10, 10, 5]);
await octokit.rest.issues.lock({ ...at, issue_number: issue.data.number, lock_reason: "off-topic" });
assert.equal((await octokit.rest.issues.get({ ...at, issue_number: issue.data.number })).data.active_lock_reason, "off-topic");
await octokit.rest.issues.unlock({ ...at, issue_number: issue.data.number });
await octokit.rest.issues.addAssignees({ ...at, issue_number: issue.data.number, assignees: [at.owner] });
await octokit.rest.issues.checkUserCanBeAssigned({ ...at, assignee: at.owner });
const milestone = await octokit.rest.issues.createMilestone({ ...at, title: "By octokit" });
await octokit.rest.issues.update({ ...at, issue_number: issue.data.number, milestone: milestone.data.number });
assert.equal((await octokit.rest.issues.listForRepo({ ...at, creator: "hob[bot]", state: "all" })).data.length, 2);
const release = await octokit.rest.repos.createRelease({ ...at, tag_name: "octokit-1", draft: true, body: "Notes" });
await octokit.rest.repos.updateRelease({ ...at, release_id: release.data.id, draft: false });
assert.equal((await octokit.rest.repos.getLatestRelease(at)).data.tag_name, "octokit-1");
assert.ok((await octokit.paginate(octokit.rest.repos.listTags, at)).some((tag) => tag.name === "octokit-1"));
await octokit.rest.repos.listContributors(at);
await octokit.rest.repos.compareCommitsWithBasehead({ ...at, basehead: "main...octokit" });

// A server that fails for a moment, and a limit that says when to come back: the plugins wait and ask again.
await admin("fault", { kind: "status", path: "/languages$", status: 502 });
await octokit.rest.repos.listLanguages(at);
await admin("fault", { kind: "secondary_limit", path: "/topics$", seconds: 1 });
await octokit.rest.repos.getAllTopics(at);
assert.equal(limits.length, 1);
assert.equal(limits[0][0], "secondary");
const known = (await octokit.request("GET /repos/{owner}/{repo}", at)).headers.etag;
await assert.rejects(
  octokit.request("GET /repos/{owner}/{repo}", { ...at, headers: { "if-none-match": known } }),
  (error) => error.status === 304,
);
await assert.rejects(
  octokit.rest.repos.delete(at),
  (error) => error.status === 403 && /not accessible by integration/.test(error.message),
);
console.log("octokit: a whole story, with the plugins for limits and failures");
