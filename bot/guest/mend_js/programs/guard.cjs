// Keeps made-up calls (see.cjs) from files, programs and the network. watch.cjs requires it before any module of the repository
// can take a reference, so that it does not matter how those get at a function. What refuses once calls are made up does so
// until the process is gone: what such a call leaves to a timer or a listener is refused as well.
'use strict';

const fs = require('fs');

const KEY = Symbol.for('hob.mend.guard');
const { openSync, writeSync } = fs;
const CHANGING = /^(?:_?write|append|rm|unlink|rename|copy|cp$|cpSync|mkdir|mkdtemp|truncate|ftruncate|l?chmod|l?chown|fchmod|fchown|link|symlink|l?utimes|futimes|open|createWriteStream)/;
const ALL = /^[a-z_]|^ChildProcess$/;
const HOSTS = [
  ['fs', CHANGING],
  ['fs/promises', CHANGING],
  ['child_process', ALL],
  ['cluster', /^fork$/],
  ['worker_threads', /^Worker$/],
  ['net', /^(?:connect|create|Socket$|Server$|Stream$)/],
  ['tls', /^(?:connect|createServer|TLSSocket$)/],
  ['dgram', /^(?:createSocket|Socket$)/],
  ['http', /^(?:request|get|createServer|ClientRequest|Server)$/],
  ['https', /^(?:request|get|createServer|Server)$/],
  ['http2', /^(?:connect|create)/],
  ['dns', /^(?:lookup|resolve|reverse)/],
  ['v8', /^(?:writeHeapSnapshot|setFlagsFromString|takeCoverage)$/],
  ['inspector', /^open$/],
  ['process', /^(?:kill|abort|chdir|binding|_linkedBinding|dlopen|setuid|setgid|umask)$/],
];
let begun = false; // calls are made up, or were
let making = false;

function refuse() {
  throw new Error('not in a made-up call');
}

function wrap(was, isOff, deep) {
  const guard = function (...given) {
    if (isOff()) refuse();
    if (!new.target) return was.apply(this, given);
    return Reflect.construct(was, given, new.target === guard ? was : new.target);
  };
  for (const key of Reflect.ownKeys(was)) {
    const told = Object.getOwnPropertyDescriptor(was, key);
    if (deep && typeof key === 'symbol' && typeof told.value === 'function') told.value = wrap(told.value, isOff, false); // promisify's
    try {
      Object.defineProperty(guard, key, told);
    } catch (error) {
      // a property that cannot be another's
    }
  }
  return guard;
}

function protect(host, pattern, isOff) {
  if (!host) return true;
  let whole = true;
  for (const key of Object.getOwnPropertyNames(host)) {
    if (!pattern.test(key) || typeof host[key] !== 'function') continue;
    const guard = wrap(host[key], isOff, true);
    try {
      host[key] = guard;
    } catch (error) {
      // seen below
    }
    if (host[key] !== guard) {
      try {
        Object.defineProperty(host, key, { value: guard, configurable: true, writable: true, enumerable: true });
      } catch (error) {
        whole = false;
      }
    }
  }
  return whole;
}

/** Put guards in place; false where one of them cannot be, so that no calls are to be made up. */
function install() {
  let whole = true;
  const isBegun = () => begun;
  for (const [name, pattern] of HOSTS) {
    let host;
    try {
      host = name === 'process' ? process : require(name);
    } catch (error) {
      continue; // not in this Node
    }
    whole = protect(host, pattern, isBegun) && whole;
    if (name === 'fs') whole = protect(fs.promises, pattern, isBegun) && whole;
  }
  const inner = [
    [require('child_process').ChildProcess, /^spawn$/],
    [require('net').Socket, /^(?:connect|_write|_writev|_writeGeneric)$/],
    [require('net').Server, /^listen$/],
    [require('dgram').Socket, /^(?:bind|send|connect)$/],
  ];
  for (const [made, pattern] of inner) if (made) whole = protect(made.prototype, pattern, isBegun) && whole;
  if (process.report) whole = protect(process.report, /^writeReport$/, isBegun) && whole;
  whole = protect(globalThis, /^(?:fetch|WebSocket|EventSource)$/, isBegun) && whole;
  whole = protect(process, /^(?:exit|reallyExit)$/, () => making) && whole; // the process has to end in the end
  const { syncBuiltinESMExports } = require('module');
  if (syncBuiltinESMExports) syncBuiltinESMExports();
  return whole;
}

function isMain() {
  try {
    return require('worker_threads').isMainThread;
  } catch (error) {
    return true;
  }
}

let whole = false;
try {
  whole = isMain() && install();
} catch (error) {
  // no calls are made up
}

Object.defineProperty(globalThis, KEY, {
  value: Object.freeze({
    openSync,
    writeSync,
    whole,
    begin() {
      begun = making = true;
    },
    end() {
      making = false;
    },
  }),
});
