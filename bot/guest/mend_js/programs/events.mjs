// A reporter of node:test that keeps its events for bench.cjs: https://nodejs.org/api/test.html#custom-reporters
const events = globalThis[Symbol.for('hob.events')];

export default async function* keep(source) {
  for await (const event of source) {
    if (events) events.push(event);
  }
}
