// Times `new WebAssembly.Module`: node FLAGS node_compile.mjs FILE REPEATS SECONDS_MAX.
// One JSON object: the first time (cold) and the least of all (warm), in milliseconds of the wall
// clock, and the least CPU time of the thread.
import { readFileSync } from 'node:fs';

const [file, repeats, secondsMax] = process.argv.slice(2);
const bytes = readFileSync(file);

// V8 shares the code of modules with the same bytes: a custom section makes each one new.
function variant(n) {
  const name = 'bench';
  const section = Buffer.from([0, name.length + 5, name.length, ...Buffer.from(name), 0, 0, 0, 0]);
  section.writeUInt32LE(n, section.length - 4);
  return Buffer.concat([bytes, section]);
}

const times = [];
const cpuTimes = [];
const end = performance.now() + Number(secondsMax) * 1000;
for (let i = 0; i < Number(repeats) && (i === 0 || performance.now() < end); i++) {
  const next = variant(i);
  const cpuStart = process.cpuUsage();
  const start = performance.now();
  new WebAssembly.Module(next);
  times.push(performance.now() - start);
  const cpu = process.cpuUsage(cpuStart);
  cpuTimes.push((cpu.user + cpu.system) / 1000);
}
console.log(JSON.stringify({
  first_ms: times[0],
  min_ms: Math.min(...times),
  min_cpu_ms: Math.min(...cpuTimes),
  n: times.length,
}));
