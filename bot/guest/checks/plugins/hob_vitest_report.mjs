// Tells the process that watches a check how each test of vitest ends: a reporter, which runs in vitest's main
// process. https://vitest.dev/advanced/reporters
import { createRequire } from 'node:module';

const { openChannel } = createRequire(import.meta.url)('./hob_test_report.cjs');
const STATES = { pass: 'passed', passed: 'passed', fail: 'failed', failed: 'failed' };

export default class HobReporter {
  onInit() {
    this.channel = openChannel('vitest'); // before a worker is started, so that none knows of it
  }

  /** vitest 3 and newer: modules with tests and suites as they are shown to reporters. */
  onTestRunEnd(modules, errors, reason) {
    this.tellAll(modules.map((module) => module.task || module), errors, reason);
  }

  /** Before: the files as the runner has them. */
  onFinished(files, errors) {
    this.tellAll(files || [], errors, '');
  }

  tellAll(files, errors, reason) {
    if (!this.channel) return;
    let failed = Boolean(errors && errors.length) || reason === 'failed' || reason === 'interrupted';
    for (const file of files) failed = this.tellFile(file) || failed;
    if (reason !== 'interrupted') this.channel.end(failed ? 1 : 0);
    this.channel = null;
  }

  /** Whether something in the file failed. */
  tellFile(file) {
    const path = file.filepath || file.moduleId || '';
    let told = 0;
    let bad = 0;
    const tell = (task, titles) => {
      if (task.tasks) {
        const suite = task === file ? titles : [...titles, task.name];
        for (const child of task.tasks) tell(child, suite);
        const broken = task.result && task.result.errors && task.result.errors.length;
        if (broken) this.channel.tellTest(path, suite, 'failed'); // its hook, or the file itself
        bad += broken ? 1 : 0;
        return;
      }
      const was = (task.result && STATES[task.result.state]) || 'skipped';
      told += 1;
      bad += was === 'failed' ? 1 : 0;
      this.channel.tellTest(path, [...titles, task.name], was);
    };
    tell(file, []);
    if (!told && !bad && file.result && file.result.state === 'fail') {
      this.channel.tellTest(path, [], 'failed');
      bad += 1;
    }
    return bad > 0;
  }
}
