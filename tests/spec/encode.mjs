// Encodes module text with the wasm-tools inside @bytecodealliance/jco-transpile, in one process.
// Arguments: the package's folder, then a file of lines "ID BASE64(text)". Prints lines
// "ID ok BASE64(wasm)" or "ID error BASE64(message)".
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, input] = process.argv.slice(2);
const { $init, tools } = await import(pathToFileURL(path.join(folder, 'vendor/wasm-tools.js')));
await $init;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lines = [];
for (const line of fs.readFileSync(input, 'latin1').split('\n').filter(Boolean)) {
  const [id, text] = line.split(' ');
  try {
    const wasm = tools.parse(utf8.decode(Buffer.from(text, 'base64')));
    lines.push(`${id} ok ${Buffer.from(wasm).toString('base64')}\n`);
  } catch (error) {
    const message = String(error?.payload ?? error).slice(0, 600);
    lines.push(`${id} error ${Buffer.from(message).toString('base64')}\n`);
  }
}
process.stdout.write(lines.join(''));
