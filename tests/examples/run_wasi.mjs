// Runs a WASI program under node's own WASI, to compare wjit with another engine:
// node run_wasi.mjs FILE.wasm [--dir HOST[::GUEST]]... ARG...
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [file, ...rest] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: node run_wasi.mjs FILE.wasm [--dir HOST[::GUEST]]... ARG...');
  process.exit(125);
}
const preopens = {};
while (rest[0] === '--dir' && rest.length > 1) {
  const [host, guest] = rest[1].split('::');
  preopens[guest ?? host] = host;
  rest.splice(0, 2);
}
const wasi = new WASI({ version: 'preview1', args: [file, ...rest], preopens, returnOnExit: true });
const module = new WebAssembly.Module(readFileSync(file));
// Debian 12's node 18 has no getImportObject.
const imports = wasi.getImportObject?.() ?? { wasi_snapshot_preview1: wasi.wasiImport };
const instance = new WebAssembly.Instance(module, imports);
try {
  process.exitCode = wasi.start(instance);
} catch (error) {
  console.error(`${file}: ${error.message}`);
  process.exitCode = 134;
}
