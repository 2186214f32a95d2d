// Runs a WASI program under V8: node [FLAGS] node_wasi.mjs FILE.wasm [--dir HOST::GUEST]... ARG...
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [file, ...args] = process.argv.slice(2);
const preopens = {};
while (args[0] === '--dir') {
  const [host, guest] = args[1].split('::');
  preopens[guest ?? host] = host;
  args.splice(0, 2);
}
const wasi = new WASI({ version: 'preview1', args: [file, ...args], preopens, returnOnExit: true });
const module = new WebAssembly.Module(readFileSync(file));
process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
