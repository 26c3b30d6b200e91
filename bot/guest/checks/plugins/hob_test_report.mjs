// Tells the process that watches a check how each test of node:test ends: a reporter, which runs in the process
// that started the test files. https://nodejs.org/api/test.html#custom-reporters
import { createRequire } from 'node:module';

const { openChannel } = createRequire(import.meta.url)('./hob_test_report.cjs');

/** Take the events of one run; a test that has tests of its own is told by them. */
export default async function* report(source) {
  const channel = openChannel('node:test');
  if (!channel) return;
  const above = [];
  let failed = false;
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      above.splice(data.nesting, Infinity, data.name); // told with the results, so it says nothing of what runs
    } else if (type === 'test:pass' || type === 'test:fail') {
      const titles = [...above.slice(0, data.nesting), data.name];
      const error = data.details && data.details.error;
      const bad = type === 'test:fail' && data.todo === undefined;
      failed = failed || bad;
      const parent = error ? error.failureType === 'subtestsFailed' : data.details && data.details.type === 'suite';
      const was = data.skip !== undefined || data.todo !== undefined ? 'skipped' : bad ? 'failed' : 'passed';
      if (!parent) channel.tellTest(data.file, titles, was);
    }
  }
  channel.end(failed ? 1 : 0);
}
