// Required by every Node process that the search starts (NODE_OPTIONS): tells which programs a test command runs,
// and has mocha, jest and tape run no more than the tests that the search asks for. It runs in the repository's own Node,
// which may be old.
'use strict';

const LOG = process.env.HOB_MEND_PROGRAMS;
const ASKED = process.env.HOB_MEND_ASKED; // a file with {files, pattern, coverage} as JSON

function isMain() {
  try {
    return require('worker_threads').isMainThread;
  } catch (error) {
    return true;
  }
}

/** One line for the beginning of this process, one for its end. */
function log(said) {
  try {
    require('fs').appendFileSync(LOG, JSON.stringify({ pid: process.pid, ...said }) + '\n');
  } catch (error) {}
}

if (process.env.HOB_MEND_MADE) require('./guard.cjs');

if (LOG && isMain()) {
  const { argv, execArgv, ppid } = process;
  log({ ppid, argv, execArgv, cwd: process.cwd() });
  process.on('exit', (code) => log({ code }));
  const leave = process.reallyExit; // a listener that comes later may choose another code
  process.reallyExit = (code) => {
    log({ code });
    return leave.call(process, code);
  };
}

if (process.env.NODE_V8_COVERAGE && isMain()) {
  globalThis.hobTakesCoverage = () => require('v8').takeCoverage(); // see focus.py
}

/** mocha's own class, with files and tests left out: https://mochajs.org/api/mocha */
function narrowMocha(Mocha, { files, pattern }) {
  for (const name of ['loadFiles', 'loadFilesAsync']) {
    const load = Mocha.prototype[name];
    if (!load) continue;
    Mocha.prototype[name] = function (...rest) {
      if (files.length) this.files = this.files.filter((file) => files.includes(require('path').resolve(file)));
      if (pattern) this.grep(new RegExp(pattern));
      return load.apply(this, rest);
    };
  }
}

/** @jest/core's exports with a runCLI that runs some files only, in this process: https://jestjs.io/docs/cli */
function narrowJest(core, { files, pattern, coverage }) {
  const runCLI = (argv, ...rest) => {
    const told = { ...argv, coverage: Boolean(coverage), watch: false, watchAll: false, watchman: false };
    if (files.length) Object.assign(told, { _: files, runTestsByPath: true, testPathPattern: [] });
    if (pattern) told.testNamePattern = pattern;
    if (coverage) Object.assign(told, { coverageReporters: ['json'], coverageDirectory: coverage });
    delete told.coverageThreshold;
    delete told.onlyChanged;
    return core.runCLI({ ...told, runInBand: true, i: true, passWithNoTests: true }, ...rest);
  };
  const all = Object.getOwnPropertyDescriptors(core);
  return Object.defineProperties({}, { ...all, runCLI: { value: runCLI, enumerable: true } });
}

/**
 * tape's class of tests, of which those with other names are left out, unless the text of what they run has one of the
 * names in it, as where they have it as a part: https://github.com/tape-testing/tape
 */
function narrowTape(Test, { titles }) {
  const run = Test.prototype.run;
  if (!run || !titles.length) return undefined;
  const texts = new WeakMap(); // tape binds the functions, which hides their text
  Test.prototype.run = function (...rest) {
    const text = texts.get(this) || '';
    if (this.name && !titles.includes(this.name) && !titles.some((title) => text.includes(title))) this._skip = true;
    return run.apply(this, rest);
  };
  const note = (made, given) => texts.set(made, String(given.find((each) => typeof each === 'function') || ''));
  const within = Test.prototype.test;
  Test.prototype.test = function (...given) {
    const last = (made) => note(made, given);
    this.once('test', last);
    const result = within.apply(this, given);
    this.removeListener('test', last);
    return result;
  };
  return new Proxy(Test, {
    construct(target, given) {
      const made = new target(...given);
      note(made, given);
      return made;
    },
  });
}

const NARROWED = [
  [/[\\/]tape[\\/]lib[\\/]test\.js$/, narrowTape],
  [/[\\/]mocha[\\/]lib[\\/]mocha\.c?js$/, narrowMocha],
  [/[\\/]@jest[\\/]core[\\/]build[\\/]index\.js$/, narrowJest],
];

if (ASKED) {
  const asked = JSON.parse(require('fs').readFileSync(ASKED, 'utf8'));
  const { Module } = require('module');
  const load = Module.prototype.load;
  Module.prototype.load = function (filename) {
    load.call(this, filename);
    for (const [path, narrow] of NARROWED) {
      if (path.test(filename)) this.exports = narrow(this.exports, asked) || this.exports;
    }
  };
}
