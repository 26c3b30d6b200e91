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

if (LOG && isMain()) {
  const { argv, execArgv, ppid } = process;
  log({ ppid, argv, execArgv, cwd: process.cwd() });
  process.on('exit', (code) => log({ code }));
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

/** tape's class of tests, of which those with other names are left out: https://github.com/tape-testing/tape */
function narrowTape(Test, { titles }) {
  const run = Test.prototype.run;
  if (!run || !titles.length) return;
  Test.prototype.run = function (...rest) {
    if (this.name && !titles.includes(this.name)) this._skip = true;
    return run.apply(this, rest);
  };
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
