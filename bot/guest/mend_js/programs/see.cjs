// Records what calls from outside give of the functions of a file (choice/observe.py puts `see` into each), and what calls with
// made-up arguments near those give. One line of JSON each, in the file that HOB_MEND_SEEN names.
'use strict';

const fs = require('fs');

const guard = globalThis[Symbol.for('hob.mend.guard')]; // guard.cjs, where calls are to be made up
const LATE = process.env.HOB_MEND_MADE === 'late' && Boolean(guard && guard.whole); // at the end of the process, or not at all
const MOST = { calls: 600, same: 3, made: 240, perCall: 14, pool: 12, text: 1500, nodes: 400, copied: 4000, milliseconds: 2500 };
const { openSync, writeSync } = guard || fs;
const own = Object.prototype.hasOwnProperty;
const counts = new Map(); // how often a call was seen
const pools = new Map(); // arguments seen, by function and position
const waiting = []; // calls whose neighbours are made up at the end
let depth = 0;
let calls = 0;
let made = 0;

let log; // undefined where nothing is to be recorded
try {
  log = process.env.HOB_MEND_SEEN ? openSync(process.env.HOB_MEND_SEEN, 'a') : undefined;
} catch (error) {
  log = undefined;
}

function write(line) {
  writeSync(log, JSON.stringify(line) + '\n');
}

function isPlain(value) {
  const proto = Object.getPrototypeOf(value);
  return proto === null || proto.constructor === undefined || proto.constructor.name === 'Object';
}

function nameOf(value) {
  const proto = Object.getPrototypeOf(value);
  const made = proto && own.call(proto, 'constructor') ? proto.constructor : value.constructor;
  return typeof made === 'function' && made.name ? String(made.name) : 'Object';
}

/** A value as text: the same for values that a program could not tell apart without looking for identity. */
function show(value) {
  let left = MOST.nodes;
  const above = [];
  const walk = (one) => {
    if (--left < 0) return '…';
    if (typeof one === 'string') return JSON.stringify(one.length > 400 ? one.slice(0, 400) + '…' + one.length : one);
    if (typeof one === 'bigint') return `${one}n`;
    if (typeof one === 'function') return `[function ${one.name}]`;
    if (typeof one === 'number') return Object.is(one, -0) ? '-0' : String(one);
    if (one === null || typeof one !== 'object') return String(one);
    if (one === globalThis) return '[global]';
    if (above.includes(one)) return `[circle ${above.length - above.indexOf(one)}]`;
    if (above.length > 6) return '…';
    above.push(one);
    try {
      return walkObject(one, walk, () => left);
    } finally {
      above.pop();
    }
  };
  try {
    const text = walk(value);
    return text.length > MOST.text ? `${text.slice(0, MOST.text)}…` : text;
  } catch (error) {
    return '[not shown]';
  }
}

function walkObject(one, walk, readLeft) {
  const kind = Object.prototype.toString.call(one).slice(8, -1);
  if (kind === 'Date') return `Date(${Number(one)})`;
  if (kind === 'RegExp') return String(one);
  if (kind === 'Error' || one instanceof Error) return `${one.name}(${JSON.stringify(String(one.message))}${showKeys(one, walk, '; ')})`;
  if (kind === 'Map' || kind === 'Set') {
    const items = [];
    for (const each of one) {
      if (readLeft() <= 0) break;
      items.push(kind === 'Map' ? `${walk(each[0])} => ${walk(each[1])}` : walk(each));
    }
    return `${kind}{${items.join(', ')}${items.length < one.size ? `, … ${one.size}` : ''}}`;
  }
  if (kind === 'Promise') return '[promise]';
  if (ArrayBuffer.isView(one)) {
    const begin = typeof one.subarray === 'function' ? Array.from(one.subarray(0, 200)) : [];
    return `${nameOf(one)}[${begin.join(', ')}${begin.length === one.length ? '' : `, … ${one.byteLength}`}]`;
  }
  if (['Number', 'String', 'Boolean', 'Symbol', 'BigInt'].includes(kind)) return `${kind}(${walk(one.valueOf())})`;
  if (Array.isArray(one)) {
    const items = [];
    for (let at = 0; at < Math.min(one.length, 100); at++) items.push(own.call(one, at) ? walk(one[at]) : 'empty');
    return `[${items.join(', ')}${one.length > 100 ? `, … ${one.length}` : ''}]`;
  }
  const name = Object.getPrototypeOf(one) === null ? 'null ' : isPlain(one) ? '' : `${nameOf(one)} `;
  return `${name}{${showKeys(one, walk, '')}}`;
}

function showKeys(one, walk, before) {
  const parts = [];
  for (const key of Object.keys(one).slice(0, 60)) {
    const told = Object.getOwnPropertyDescriptor(one, key);
    const word = /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
    parts.push(`${word}: ${told && 'value' in told ? walk(told.value) : '[getter]'}`);
  }
  return parts.length ? before + parts.join(', ') : '';
}

/** A copy that shares nothing but functions with the value; throws where it is too large. */
function copy(value) {
  let left = MOST.copied;
  const take = (count) => {
    left -= count;
    if (left < 0) throw new Error('too large');
  };
  const known = new Map();
  const walk = (one) => {
    if (one === null || typeof one !== 'object' || one === globalThis) return one;
    if (known.has(one)) return known.get(one);
    take(1);
    const kind = Object.prototype.toString.call(one).slice(8, -1);
    if (kind === 'Date') return new Date(Number(one));
    if (kind === 'RegExp') return Object.assign(new RegExp(one.source, one.flags), { lastIndex: one.lastIndex });
    if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer') throw new Error('not to be copied');
    if (ArrayBuffer.isView(one)) take(one.byteLength);
    if (kind === 'Map' || kind === 'Set') take(one.size);
    if (Array.isArray(one)) take(one.length);
    if (ArrayBuffer.isView(one)) return typeof one.slice === 'function' ? Uint8Array.prototype.slice.call(one) : one;
    if (kind === 'Promise' || kind === 'WeakMap' || kind === 'WeakSet') return one;
    const into = kind === 'Map' ? new Map() : kind === 'Set' ? new Set() : Array.isArray(one) ? [] : Object.create(Object.getPrototypeOf(one));
    known.set(one, into);
    if (kind === 'Map') for (const [key, each] of one) into.set(walk(key), walk(each));
    if (kind === 'Set') for (const each of one) into.add(walk(each));
    const keys = Reflect.ownKeys(one);
    take(keys.length);
    for (const key of keys) {
      const told = Object.getOwnPropertyDescriptor(one, key);
      if ('value' in told) told.value = walk(told.value);
      if (!(Array.isArray(one) && key === 'length')) Object.defineProperty(into, key, told);
    }
    if (Array.isArray(one)) into.length = one.length;
    return into;
  };
  return walk(value);
}

/** Values near one, the most telling first. */
function alter(value, deep) {
  if (typeof value === 'number') return [value + 1, value - 1, -value, 0, value * 10, value / 2].filter((each) => each !== value);
  if (typeof value === 'bigint') return [value + BigInt(1), value - BigInt(1), -value, BigInt(0)]; // an old Node reads no 1n
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'string') return alterText(value);
  if (value === undefined || value === null) return deep ? [0] : [];
  if (typeof value !== 'object') return [];
  if (Array.isArray(value)) {
    const found = value.length ? [value.slice(0, -1), value.slice(1), [...value, value[0]], [...value].reverse(), []] : [[0], ['a']];
    for (let at = 0; !deep && at < Math.min(value.length, 3); at++) {
      for (const each of alter(value[at], true).slice(0, 3)) found.splice(1 + 2 * at, 0, Object.assign([...value], { [at]: each }));
    }
    return found;
  }
  if (!isPlain(value)) return [];
  const found = [];
  for (const key of Object.keys(value).slice(0, 6)) {
    for (const each of alter(value[key], true).slice(0, deep ? 1 : 3)) found.push({ ...value, [key]: each });
    const { [key]: _, ...rest } = value;
    found.push(rest);
  }
  if (!found.length) found.push({ a: 1 });
  return found;
}

function alterText(text) {
  if (!text) return ['a', ' ', '0'];
  if (text.length > MOST.copied) return [];
  const middle = text.length >> 1;
  const turned = text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase();
  return [text.slice(0, middle) + text.slice(middle + 1), text + text.slice(-1), text.slice(1), text.slice(0, -1), turned,
    text.slice(0, middle) + text[middle] + text.slice(middle), text.slice(middle) + text.slice(0, middle), `${text} `, ''];
}

/** Lists of arguments near a call's: one of them changed, or taken from another call. */
function* makeNear(call) {
  const { given } = call;
  const changes = given.map((value, at) => [...alter(value, false), ...(pools.get(`${call.name} ${at}`) || [])]);
  for (let number = 0; changes.some((each) => number < each.length); number++) {
    for (let at = 0; at < given.length; at++) {
      if (number < changes[at].length) yield given.map((value, other) => (other === at ? changes[at][number] : value));
    }
  }
}

function tell(self, args) {
  const known = self === null || self === undefined || self === globalThis || typeof self === 'function';
  return `(${args.map(show).join(', ')})${known || isModule(self) ? '' : ` of ${show(self)}`}`;
}

/** Whether an object is little but functions, as a module's exports are. */
function isModule(self) {
  if (typeof self !== 'object' || !isPlain(self)) return typeof self !== 'object';
  const keys = Object.keys(self);
  return keys.length > 0 && keys.every((key) => typeof (Object.getOwnPropertyDescriptor(self, key) || {}).value === 'function');
}

/** Call it and write what it gives, under `kind`: "call" for one of the tests, "made" for one that is made up. */
function run(inner, self, args, call, kind) {
  const exact = kind === 'call';
  const before = tell(self, args);
  let out;
  let thrown;
  depth += 1;
  try {
    out = inner.apply(self, args);
  } catch (error) {
    thrown = { error };
  } finally {
    depth -= 1;
  }
  depth += 1;
  try {
    let said = thrown ? `raises ${describe(thrown.error, exact)}` : show(out);
    const after = tell(self, args);
    if (after !== before) said += ` and leaves ${after}`;
    write({ [kind]: call, gives: said });
    if (!thrown && exact && out && typeof out.then === 'function' && out instanceof Promise) {
      out.then((value) => write({ call: `await ${call}`, gives: show(value) }), (error) => write({ call: `await ${call}`, gives: `raises ${describe(error, exact)}` }));
    }
  } catch (error) {
    // a value that cannot be shown
  } finally {
    depth -= 1;
  }
  if (thrown) throw thrown.error;
  return out;
}

function describe(error, exact) {
  if (!(error instanceof Error)) return show(error);
  return exact ? `${error.name}: ${JSON.stringify(String(error.message).slice(0, 300))}` : String(error.name);
}

/**
 * Call `inner`, which is the body of the function `name`, and record it where nothing of the file is running. With `once` it
 * is never called with other arguments: it has the object and `new.target` of this very call, or is asynchronous.
 */
function see(name, self, given, inner, once) {
  if (log === undefined || depth > 0 || calls >= MOST.calls) return inner.apply(self, given);
  const args = Array.from(given);
  let call = '';
  let kept = null;
  depth += 1;
  try {
    call = `${name}${tell(self, args)}`;
    const count = (counts.get(call) || 0) + 1;
    counts.set(call, count);
    if (count === 1 && !once && LATE) kept = keep(name, self, args, inner);
    if (count > 1) call += ` #${count}`;
    if (count > MOST.same) call = '';
  } catch (error) {
    call = '';
  } finally {
    depth -= 1;
  }
  if (!call) return inner.apply(self, given);
  calls += 1;
  try {
    return run(inner, self, args, call, 'call');
  } finally {
    if (kept) waiting.push(kept);
  }
}

/** What is needed to call it again with other arguments; null where they cannot be copied. */
function keep(name, self, args, inner) {
  try {
    const call = { name, self: copy(self), given: copy(args), inner };
    call.given.forEach((value, at) => {
      const key = `${name} ${at}`;
      const pool = pools.get(key) || [];
      if (pool.length < MOST.pool && !pool.some((each) => show(each) === show(value))) pool.push(value);
      pools.set(key, pool);
    });
    return call;
  } catch (error) {
    return null;
  }
}

/** Neighbours of the calls, of each in its turn, until there are enough. */
function makeUp() {
  if (!waiting.length) return;
  guard.begin();
  try {
    makeAll(waiting);
  } catch (error) {
    // there are no more
  } finally {
    guard.end();
  }
}

function makeAll(list) {
  const until = Date.now() + MOST.milliseconds;
  const lists = list.map((call) => ({ call, near: makeNear(call), left: MOST.perCall }));
  for (let more = true; more; ) {
    more = false;
    for (const each of lists) {
      if (each.left-- <= 0 || made >= MOST.made || Date.now() > until) continue;
      const next = each.near.next();
      if (next.done) continue;
      more = true;
      tryOut(each.call, next.value);
    }
  }
}

function tryOut({ name, self, inner }, near) {
  depth += 1;
  let call = '';
  let args;
  let me;
  try {
    args = copy(near);
    me = copy(self);
    call = `${name}${tell(me, args)}`;
  } catch (error) {
    return;
  } finally {
    depth -= 1;
  }
  if (counts.has(call)) return;
  counts.set(call, 1);
  made += 1;
  write({ begins: call });
  try {
    const out = run(inner, me, args, call, 'made');
    if (out && typeof out.then === 'function') made = MOST.made; // what it began goes on
  } catch (error) {
    // it is written down
  }
}

if (LATE) process.prependListener('exit', makeUp); // tape ends the process in its own listener

module.exports = { see };
