// Runs the same few tests again and again in one process, each time with the repository's files read anew: a try
// costs milliseconds, where a process of its own costs a tenth of a second. For each line on stdin it runs them once
// and answers with one line of JSON. The search starts it anew from time to time, and confirms what passes
// here in processes of their own.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const asked = JSON.parse(fs.readFileSync(process.env.HOB_MEND_BENCH, 'utf8'));
const { kind, root, files, pattern, argv, modules } = asked;
const ENDED = { ended: true }; // thrown where the code under test ends its process
const answer = (said) => fs.writeSync(asked.answers, JSON.stringify(said) + '\n');
const events = (globalThis[Symbol.for('hob.events')] = []);
let number = 0;
let run = null;

/** Forget the repository's modules, and tape, which keeps what it ran. */
function forget() {
  for (const name of Object.keys(require.cache)) {
    const own = name.startsWith(root + path.sep) && !name.includes('node_modules');
    if (own || /[\\/]node_modules[\\/]tape[\\/]/.test(name)) delete require.cache[name];
  }
}

function load(file) {
  if (modules) return import(`${pathToFileURL(file)}?hob=${number}`);
  return require(file);
}

function makeMocha() {
  const home = path.join(path.dirname(fs.realpathSync(argv[1])), '..');
  const Mocha = require(path.join(home, 'index.js'));
  const options = require(path.join(home, 'lib/cli/options')).loadOptions(argv.slice(2));
  const resolve = (name) => require.resolve(fs.existsSync(name) ? path.resolve(name) : name, { paths: [process.cwd()] });
  for (const name of [].concat(options.require || [])) require(resolve(name));
  return () => {
    const mocha = new Mocha({ ...options, reporter: class Silent {}, parallel: false, color: false });
    for (const file of [...[].concat(options.file || []), ...files]) mocha.addFile(path.resolve(file));
    if (pattern) mocha.grep(new RegExp(pattern));
    const start = () => {
      const runner = mocha.run(() => {});
      const tell = (was) => (test) => note(test.titlePath(), was);
      runner.on('pass', tell('passed')).on('fail', tell('failed')).on('pending', tell('skipped'));
    };
    if (!modules) return mocha.loadFiles(), start();
    return mocha.loadFilesAsync({ esmDecorator: (name) => `${name}?hob=${number}` }).then(start);
  };
}

function note(titles, was) {
  const name = titles.join(' > ');
  run.tests[name] = run.tests[name] === 'failed' ? 'failed' : was;
}

/** What node:test reported, as in hob_test_report.mjs. */
function readEvents() {
  const above = [];
  for (const { type, data } of events.splice(0)) {
    if (type === 'test:start') above.splice(data.nesting, Infinity, data.name);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const error = data.details && data.details.error;
    const parent = error ? error.failureType === 'subtestsFailed' : data.details && data.details.type === 'suite';
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const was = skipped ? 'skipped' : type === 'test:fail' ? 'failed' : 'passed';
    if (!parent) note([...above.slice(0, data.nesting), data.name], was);
  }
}

const HEARD = ['exit', 'uncaughtException', 'unhandledRejection', 'warning', 'SIGINT', 'SIGTERM'];
const startMocha = kind === 'mocha' ? makeMocha() : null;

function fail(error) {
  if (!run || error === ENDED) return;
  run.code = run.code || 1;
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.exit = (code) => {
  if (run && run.exit === undefined) run.exit = code === undefined ? process.exitCode || 0 : Number(code);
  throw ENDED;
};
const listen = process.on;
process.on = process.addListener = function (event, listener) {
  if (kind === 'node:test' && (event === 'beforeExit' || event === 'exit')) return process; // it ends with neither
  return listen.call(process, event, listener);
};
const known = new Map(HEARD.map((event) => [event, process.listeners(event)]));

for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk, encoding, done) => {
    if (run && stream === process.stdout && run.output.length < 300000) run.output += String(chunk);
    const told = typeof encoding === 'function' ? encoding : done;
    if (told) process.nextTick(told);
    return true;
  };
}

function begin() {
  number += 1;
  forget();
  process.exitCode = undefined;
  run = { tests: {}, code: 0, output: '', exit: undefined };
  events.length = 0;
  try {
    const started = startMocha ? startMocha() : files.map(load);
    for (const each of [].concat(started)) if (each && each.then) each.then(undefined, fail);
  } catch (error) {
    fail(error);
  }
  setImmediate(() => {}); // so that the loop ends once more
}

/** What ends with the process, without its end. */
function finish() {
  for (const [event, before] of known) {
    for (const listener of process.listeners(event)) {
      if (before.includes(listener)) continue;
      process.removeListener(event, listener);
      if (event !== 'exit') continue;
      try {
        listener.call(process, run.exit || process.exitCode || run.code);
      } catch (error) {
        fail(error);
      }
    }
  }
  readEvents();
  const code = run.exit !== undefined ? run.exit || run.code : Number(process.exitCode) || run.code;
  answer({ code, tests: run.tests, output: run.output });
  run = null;
}

/** Wait for the next line; an empty read is the end. */
function wait() {
  const buffer = Buffer.alloc(1);
  for (;;) {
    const size = fs.readSync(0, buffer, 0, 1);
    if (!size) return false;
    if (buffer[0] === 10) return true;
  }
}

listen.call(process, 'beforeExit', () => {
  if (run) finish();
  if (wait()) begin();
});

if (modules) {
  require('module').register(pathToFileURL(path.join(__dirname, 'fresh.mjs')), { data: { root } });
}
setImmediate(() => {});
