// Octokit, the client that GitHub itself publishes, as an installation of an App on the local GitHub.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";

const facts = JSON.parse(process.env.HUB_FACTS);
const octokit = new Octokit({
  baseUrl: facts.api_url,
  authStrategy: createAppAuth,
  auth: {
    appId: facts.app_id,
    privateKey: readFileSync(facts.private_key_file, "utf8"),
    installationId: facts.installation_id,
  },
});
const at = { owner: "maintainer", repo: "clients" };

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
await assert.rejects(
  octokit.rest.repos.delete(at),
  (error) => error.status === 403 && /not accessible by integration/.test(error.message),
);
console.log("octokit: a whole story");
