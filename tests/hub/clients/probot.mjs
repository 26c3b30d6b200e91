// An app made with Probot, as an installation of the App: it hears of an issue, answers, labels and checks.

import { Probot, Server } from "probot";

const facts = JSON.parse(process.env.HUB_FACTS);

const app = (probot) => {
  probot.on("issues.opened", async (context) => {
    await context.octokit.rest.issues.createComment(context.issue({ body: "Probot heard of it" }));
    await context.octokit.rest.issues.addLabels(context.issue({ labels: ["bug"] }));
    const config = await context.config("clients.yml");
    const branch = await context.octokit.rest.repos.getBranch(context.repo({ branch: "main" }));
    await context.octokit.rest.checks.create(
      context.repo({ name: config.check, head_sha: branch.data.commit.sha, conclusion: "success" }),
    );
  });
};

const server = new Server({
  port: Number(process.env.PORT),
  webhookPath: "/webhook",
  Probot: Probot.defaults({
    appId: facts.app_id,
    privateKey: facts.private_key,
    secret: facts.webhook_secret,
    baseUrl: facts.api_url,
    logLevel: "warn",
  }),
});
await server.load(app);
await server.start();
console.log("ready");
