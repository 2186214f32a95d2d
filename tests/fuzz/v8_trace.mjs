// The other side of trace.c: runs every function that modules export in this engine and prints the
// same lines. usage: node [FLAGS] v8_trace.mjs [--text [--memory]] FILE.wasm...
import fs from 'node:fs';
import path from 'node:path';

const LINES_MAX = 20000, ARGUMENT_SETS = 5, CALL_BYTES = 65536, ROW_BYTES = 32;
const I32S = [0, 1, -1, -0x80000000, 31, 65535, 0x7fffffff, 32, 128, -32769, 65532];
const I64S = [0n, 1n, -1n, -0x8000000000000000n, 0x7fffffff80000000n, 63n, 0x7fffffffffffffffn,
  0x80000000n, 128n, -32769n, 0xffffffffn];
const FLOATS = [0, 1.5, -0, -1e9, 4294967296, NaN, -Infinity, 2147483648, 2 ** -1074, -0.5,
  9223372036854775808];
const I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c, V128 = 0x7b;

const TRAPS = [
  [/unreachable/, 'unreachable'], [/memory (access|index)|data segment|unaligned/, 'memory'],
  [/table (index|access)|table or |element segment/, 'table'],
  [/signature|null function/, 'signature'], [/unrepresentable/, 'unrepresentable'],
  [/by zero/, 'zero'], [/null (pointer|ref)/, 'null'],
];

// (module (import "" "log" (func (param i64 i64))) (func (export "log") (param v128) ...)): for
// JavaScript has no vectors, a function in between hands them on as halves.
const SPLITTER = new WebAssembly.Module(new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 10, 2, 0x60, 2, I64, I64, 0, 0x60, 1, V128, 0,
  2, 8, 1, 0, 3, 108, 111, 103, 0, 0, 3, 2, 1, 1, 7, 7, 1, 3, 108, 111, 103, 0, 1,
  10, 16, 1, 14, 0, 0x20, 0, 0xfd, 0x1d, 0, 0x20, 0, 0xfd, 0x1d, 1, 0x10, 0, 0x0b]));

// The types of imported and exported functions by name; the interface of this engine lacks them.
function signatures(bytes) {
  let at = 8;
  const u8 = () => bytes[at++];
  const leb = () => {
    let value = 0, shift = 1, byte;
    do { byte = u8(); value += (byte & 127) * shift; shift *= 128; } while (byte & 128);
    return value;
  };
  const text = () => { const n = leb(); at += n; return bytes.toString('utf8', at - n, at); };
  const valtypes = () => Array.from({length: leb()}, u8);
  const limits = () => { const flags = leb(); leb(); if (flags & 1) leb(); };
  const types = [], funcs = [], imports = {}, exports = {};
  while (at < bytes.length) {
    const id = u8(), end = leb() + at;
    if (id === 1) {
      for (let n = leb(); n > 0; n--) {
        u8();
        types.push({params: valtypes(), results: valtypes()});
      }
    } else if (id === 2) {
      for (let n = leb(); n > 0; n--) {
        text();
        const name = text(), kind = u8();
        if (kind === 0) { funcs.push(leb()); imports[name] = types[funcs.at(-1)]; }
        else if (kind === 1) { u8(); limits(); }
        else if (kind === 2) { limits(); }
        else { u8(); u8(); }
      }
    } else if (id === 3) {
      for (let n = leb(); n > 0; n--) funcs.push(leb());
    } else if (id === 7) {
      for (let n = leb(); n > 0; n--) {
        const name = text(), kind = u8(), index = leb();
        if (kind === 0) exports[name] = types[funcs[index]];
      }
    }
    at = end;
  }
  return {imports, exports};
}

const bits = new DataView(new ArrayBuffer(8));
function f64Text(value) {
  if (Number.isNaN(value)) return 'nan';
  bits.setFloat64(0, value);
  return bits.getBigUint64(0).toString(16).padStart(16, '0');
}
function valueText(value, type) {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return type === I32 ? String(value) : f64Text(value);
  return value === null ? 'null' : 'ref';
}
const valuesText = (values, types) => values.map((v, i) => valueText(v, types[i])).join(',');

function argument(type, i, set) {
  const which = set === 0 ? 0 : (i * 3 + set * 2) % 11;
  switch (type) {
  case I32: return I32S[which];
  case I64: return I64S[which];
  case F32: return Math.fround(FLOATS[which]);
  case F64: return FLOATS[which];
  default: return null;
  }
}

function printRows(memory, bytes) {
  for (let at = 0; at < bytes.length; at += ROW_BYTES) {
    const row = bytes.subarray(at, at + ROW_BYTES);
    if (at === 0 || row.some(byte => byte !== 0)) {
      console.log(`  M ${memory} ${at.toString(16)} ${row.toString('hex')}`);
    }
  }
}

class Trace {
  hash = 2166136261;
  lines = 0;
  calls = 0;
  traps = 0;
  status = 'ok';

  hashBytes(bytes) {
    let hash = this.hash;
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 16777619);
    this.hash = hash;
  }
  hashMemories(module, instance, bytesMax) {
    for (const [i, {name, kind}] of WebAssembly.Module.exports(module).entries()) {
      if (kind !== 'memory') continue;
      const buffer = instance.exports[name].buffer;
      const words = new Int32Array(buffer, 0, Math.min(buffer.byteLength, bytesMax) >> 2);
      let hash = this.hash;
      for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i], 16777619);
      this.hash = hash;
      if (isMemory) printRows(i, Buffer.from(buffer, 0, words.byteLength));
    }
  }
  out(line) {
    if (this.lines++ < LINES_MAX) {
      this.hashBytes(Buffer.from(line));
      if (isText) console.log('  ' + line);
    }
  }
  trapName(error) {
    if (error instanceof RangeError) return 'stack';
    if (!(error instanceof WebAssembly.RuntimeError)) return error.message;
    return TRAPS.find(([pattern]) => pattern.test(error.message))?.[1] ?? error.message;
  }
  makeImport({name, kind}, type) {
    if (kind === 'function') {
      if (type.params.length === 1 && type.params[0] === V128) {
        const log = (...halves) => this.out(name + ':' + halves.join(','));
        return new WebAssembly.Instance(SPLITTER, {'': {log}}).exports.log;
      }
      return (...args) => this.out(name + ':' + valuesText(args, type.params));
    }
    if (kind === 'global') return new WebAssembly.Global({value: 'i32'}, 0);
    if (kind === 'memory') return new WebAssembly.Memory({initial: 1, maximum: 100});
    return new WebAssembly.Table({initial: 10, element: 'anyfunc'});
  }
  callOnce(name, func, type, set) {
    this.calls++;
    try {
      const result = func(...type.params.map((each, i) => argument(each, i, set)));
      const results = type.results.length === 1 ? [result] : result ?? [];
      this.out(`R ${name} ${valuesText([...results], type.results)}`);
    } catch (error) {
      this.traps++;
      const trap = this.trapName(error);
      if (trap === 'stack') this.status = 'stack';
      this.out(`T ${name} ${trap}`);
    }
  }
  run(bytes) {
    const module = new WebAssembly.Module(bytes);
    const {imports, exports} = signatures(bytes);
    const given = {};
    for (const each of WebAssembly.Module.imports(module)) {
      given[each.module] ??= {};
      given[each.module][each.name] = this.makeImport(each, imports[each.name]);
    }
    let instance;
    try {
      instance = new WebAssembly.Instance(module, given);
    } catch (error) {
      this.status = error instanceof WebAssembly.LinkError ? 'link' : this.trapName(error);
      return;
    }
    const limit = instance.exports.hangLimitInitializer;
    for (const {name, kind} of WebAssembly.Module.exports(module)) {
      if (kind !== 'function') continue;
      const type = exports[name];
      if (type.params.includes(V128) || type.results.includes(V128)) continue;
      const sets = type.params.length === 0 ? 1 : ARGUMENT_SETS;
      for (let set = 0; set < sets; set++) {
        limit?.();
        this.callOnce(name, instance.exports[name], type, set);
        if (this.status === 'stack') return;
        this.hashMemories(module, instance, CALL_BYTES);
      }
    }
    this.hashMemories(module, instance, Infinity);
    for (const {name, kind} of WebAssembly.Module.exports(module)) {
      const each = instance.exports[name];
      if (kind === 'global') {
        let value;
        try { value = each.value; } catch { continue; } // a vector
        this.out(`G ${name} ${valueText(value, F64)}`);
      }
    }
  }
}

const args = process.argv.slice(2);
const isText = args.includes('--text'), isMemory = args.includes('--memory');
for (const file of args.filter(arg => !arg.startsWith('--'))) {
  const trace = new Trace();
  try {
    trace.run(fs.readFileSync(file));
  } catch (error) {
    trace.status = error instanceof WebAssembly.CompileError ? 'invalid' : 'error';
    console.error(error.message);
  }
  const hash = (trace.hash >>> 0).toString(16).padStart(8, '0');
  console.log(path.basename(file), trace.status, trace.calls, trace.traps, hash);
}
