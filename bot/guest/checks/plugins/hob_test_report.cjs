// Tells the process that watches a check how each test of mocha and jest ends. Required by every Node process
// that a check starts (NODE_OPTIONS), it does nothing but in one that runs such tests; hob_test_report.mjs beside
// it is the reporter of node:test, hob_vitest_report.mjs that of vitest. It runs in the repository's own Node, which may be old: Node 12 must read it.
'use strict';

const ADDRESS = 'HOB_TEST_REPORT';
const NAME_CHARS = 600; // of 4096 bytes that a pipe takes at once; a character takes four at most

// Taken before code of the repository runs, which may clear the environment or have other functions answer.
const { openSync, writeSync, closeSync } = require('fs');
let named = process.env[ADDRESS];
let opened = null;

/** Open the pipe that the environment named, once. A runner may be started from here as well. */
function findPipe() {
  if (opened !== null || !named) return;
  try {
    opened = openSync(named, 'w');
  } catch {}
}

/** What one session writes to; it never throws. */
class Channel {
  constructor(pipe, runner) {
    this.write = writeSync;
    this.close = closeSync;
    this.times = new Map(); // how often a name was told: a second test of one name gets a number
    this.key = require('crypto').randomBytes(16).toString('hex');
    this.pipe = pipe;
    this.tell({ begin: runner });
  }

  /** Write one line, short enough not to be mixed with another process's. */
  tell(said) {
    try {
      this.write(this.pipe, JSON.stringify({ ...said, key: this.key }) + '\n');
    } catch {}
  }

  /** Say how one test ended, or with `running` that it began. */
  tellTest(path, titles, was) {
    const name = nameTest(path, titles);
    if (was === 'running') return this.tell({ running: name });
    const times = (this.times.get(name) || 0) + 1;
    this.times.set(name, times);
    return this.tell({ test: times > 1 ? `${name} (${times})` : name, was });
  }

  /** Say that the runner came to its end, and hang up. */
  end(status) {
    this.tell({ end: status });
    try {
      this.close(this.pipe);
    } catch {}
  }
}

/** A session, once: a runner within a runner reports to nobody. */
function openChannel(runner) {
  findPipe();
  delete process.env[ADDRESS];
  const pipe = opened;
  named = '';
  opened = null;
  return pipe === null ? null : new Channel(pipe, runner);
}

/** A test's name: its file from the working directory on, the suites around it, its own. */
function nameTest(path, titles) {
  const file = path ? require('path').relative(process.cwd(), path) : '';
  const names = titles.length === 1 && titles[0] === path ? [] : titles; // a file that is a test itself
  return [file, ...names].filter(Boolean).join(' > ').slice(0, NAME_CHARS);
}

/** Reports of a mocha's Runner class, https://mochajs.org/api/runner */
function watchMocha(Runner) {
  findPipe(); // mocha loads it before the tests
  const run = Runner.prototype.run;
  Runner.prototype.run = function (...rest) {
    const channel = openChannel('mocha');
    if (channel) {
      const told = (was) => (test) => channel.tellTest(test.file, test.titlePath(), was);
      channel.tell({ found: this.total });
      this.on('test', told('running'));
      this.on('pass', told('passed'));
      this.on('pending', told('skipped'));
      this.on('fail', told('failed'));
      this.once('end', () => channel.end(this.failures ? 1 : 0));
    }
    return run.apply(this, rest);
  };
}

const JEST_WORDS = { passed: 'passed', failed: 'failed' };

/** Reports of jest: @jest/core's exports with another runCLI, whose results name every test. */
function watchJest(core) {
  const runCLI = async (...rest) => {
    const channel = openChannel('jest');
    const done = await core.runCLI(...rest);
    if (channel && !done.results.wasInterrupted) {
      for (const file of done.results.testResults) {
        if (file.testExecError) channel.tellTest(file.testFilePath, [], 'failed');
        for (const test of file.testResults) {
          const titles = [...test.ancestorTitles, test.title];
          channel.tellTest(file.testFilePath, titles, JEST_WORDS[test.status] || 'skipped');
        }
      }
      channel.end(done.results.success ? 0 : 1);
    }
    return done;
  };
  const all = Object.getOwnPropertyDescriptors(core); // which may not be changed in place
  return Object.defineProperties({}, { ...all, runCLI: { value: runCLI, enumerable: true } });
}

const WATCHED = [
  [/[\\/]mocha[\\/]lib[\\/](?:runner|nodejs[\\/]parallel-buffered-runner)\.c?js$/, watchMocha],
  [/[\\/]@jest[\\/]core[\\/]build[\\/]index\.js$/, watchJest],
];

const VITEST = /[\\/](?:\.bin[\\/]vitest|vitest[\\/](?:vitest|dist[\\/]cli)\.m?js)$/;
const VITEST_WORDS = ['list', 'bench', 'init', 'complete', '--mergeReports', '--merge-reports', '--version', '-v'];

/** Has vitest report, which takes reporters from its command line: https://vitest.dev/guide/reporters */
function watchVitest(argv) {
  if (!VITEST.test(argv[1] || '') || argv.some((word) => VITEST_WORDS.includes(word))) return;
  const known = argv.some((word) => /^--reporters?(?:=|$)/.test(word));
  argv.splice(2, 0, ...(known ? [] : ['--reporter=default']), `--reporter=${__dirname}/hob_vitest_report.mjs`);
}

/** Keep what tests compare with as it is; more may be added to it. */
function lock(owner, names) {
  for (const name of names) {
    const known = Object.getOwnPropertyDescriptor(owner, name);
    if (known && known.configurable && typeof known.value === 'function') {
      Object.defineProperty(owner, name, { ...known, writable: false, configurable: false });
    }
  }
}

const assert = require('assert');
lock(Object, ['is']);
for (const owner of [assert, assert.strict]) lock(owner, Object.keys(owner).filter((name) => name !== 'strict'));

if (process.env[ADDRESS]) {
  watchVitest(process.argv);
  const { Module } = require('module');
  const load = Module.prototype.load;
  Module.prototype.load = function (filename) {
    load.call(this, filename);
    for (const [path, watch] of WATCHED) {
      if (path.test(filename)) {
        try {
          this.exports = watch(this.exports) || this.exports;
        } catch {}
      }
    }
  };
}

module.exports = { openChannel };
