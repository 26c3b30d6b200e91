// What bench.cjs does, for vitest: one process with vite's server, and in it a new worker or context for each run. For each
// line on stdin it runs the tests once and answers with one line of JSON. https://vitest.dev/advanced/api/
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { readFileSync, realpathSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const asked = JSON.parse(readFileSync(process.env.HOB_MEND_BENCH, 'utf8'));
const { files, pattern, argv, root } = asked;
const answer = (said) => writeSync(asked.answers, JSON.stringify(said) + '\n');
const home = createRequire(realpathSync(argv[1]));
const { startVitest, parseCLI } = await import(pathToFileURL(home.resolve('vitest/node')));
const { options } = parseCLI(['vitest', ...argv.slice(2).filter((word) => !word.includes('hob_vitest_report'))]);
const settings = { ...options, run: false, watch: true, reporters: [{}], coverage: { enabled: false }, bail: 0 };
if (pattern) settings.testNamePattern = pattern;
const start = (pool) => startVitest('test', files, { ...settings, ...(pool && { pool }) }, { server: { watch: null } });
let vitest = await start('vmThreads'); // a context in a living thread: a third of the time of a process
let first = true;

/** The repository's own modules that vite serves, each with its graph. */
function* listOwn() {
  for (const project of vitest.projects) {
    const server = project.vite || project.server;
    const graphs = [server.moduleGraph, ...Object.values(server.environments || {}).map((each) => each.moduleGraph)];
    for (const graph of graphs.filter((each) => each && each.idToModuleMap)) {
      for (const module of graph.idToModuleMap.values()) {
        if (module.file && module.file.startsWith(root) && !module.file.includes('/node_modules/')) yield [graph, module];
      }
    }
  }
}

/** Which pool runs the tests as the files are now: what is not served by vite, a context keeps as it was. */
function choosePool() {
  const own = new Map();
  for (const [, { file }] of listOwn()) if (!own.has(file)) own.set(file, readFileSync(file, 'utf8'));
  const texts = [...own.values()].join('\n');
  if (/\bprocess\s*\.\s*chdir\b/.test(texts)) return ''; // threads have none
  const served = own.size > files.length && ![...own.keys()].some((file) => /\.[cm]js$/.test(file));
  return served && !/\brequire\s*\(/.test(texts) ? 'vmThreads' : 'threads';
}

/** Forget the repository's modules, so that they are read anew. */
function forget() {
  for (const [graph, module] of listOwn()) {
    graph.invalidateModule(module);
    module.lastHMRTimestamp = Date.now();
  }
}

const pool = choosePool();
if (pool !== 'vmThreads') {
  if (vitest.close) await vitest.close();
  vitest = await start(pool);
}

function read(tasks, above, run) {
  for (const task of tasks) {
    const titles = [...above, task.name];
    if (task.type === 'suite') {
      read(task.tasks, titles, run);
      if (task.result && task.result.errors && task.result.errors.length) run.code = 1;
      continue;
    }
    const name = titles.join(' > ');
    const was = { pass: 'passed', fail: 'failed' }[task.result && task.result.state] || 'skipped';
    run.tests[name] = run.tests[name] === 'failed' ? 'failed' : was;
  }
}

for await (const _ of createInterface({ input: process.stdin })) {
  if (!first) {
    forget();
    vitest.state.clearErrors && vitest.state.clearErrors();
    await vitest.rerunFiles(files);
  }
  first = false;
  const run = { tests: {}, code: 0, output: '' };
  for (const file of vitest.state.getFiles()) {
    if (file.result && file.result.state === 'fail') run.code = 1;
    read(file.tasks, [], run);
  }
  if (vitest.state.getUnhandledErrors && vitest.state.getUnhandledErrors().length) run.code = 1;
  answer(run);
}
process.exit(0);
