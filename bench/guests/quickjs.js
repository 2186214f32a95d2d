// Objects, closures, strings, arrays, regular expressions, JSON, typed arrays, big integers.
(() => {
  let sum = 0;
  const mix = (v) => { sum = (sum * 31 + v) % 4294967291; };

  const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
  mix(fib(22));

  class Vector {
    constructor(x, y) { this.x = x; this.y = y; }
    plus(other) { return new Vector(this.x + other.x, this.y + other.y); }
    get size() { return Math.sqrt(this.x * this.x + this.y * this.y); }
  }
  let v = new Vector(0, 0);
  for (let i = 0; i < 40000; i++) v = v.plus(new Vector(i & 7, 0.5));
  mix(Math.floor(v.size));

  const counts = new Map();
  const words = [];
  for (let i = 0; i < 12000; i++) words.push('w' + ((i * 7919) % 1009));
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  for (const [word, n] of [...counts].sort((a, b) => (a[0] < b[0] ? -1 : 1))) mix(word.length * n);
  mix(words.join(' ').replace(/w1(\d+)/g, (_, d) => d + '!').length);

  const tree = JSON.parse(JSON.stringify(
    Array.from({ length: 1500 }, (_, i) => ({ id: i, tags: ['a' + i, 'b'], deep: { v: i / 3 } }))));
  mix(tree.filter((t) => t.id % 3 === 0).map((t) => t.tags[0].length + t.deep.v).reduce((a, b) => a + b));

  const field = new Float64Array(20000);
  for (let pass = 0; pass < 6; pass++) {
    for (let i = 1; i < field.length - 1; i++) field[i] = (field[i - 1] + field[i + 1] + i % 5) / 3;
  }
  mix(Math.floor(field[9999] * 1000));

  const sieve = new Uint8Array(100000);
  let primes = 0;
  for (let i = 2; i < sieve.length; i++) {
    if (sieve[i]) continue;
    primes++;
    for (let j = i * 2; j < sieve.length; j += i) sieve[j] = 1;
  }
  mix(primes);

  let big = 1n;
  for (let i = 1n; i < 220n; i++) big *= i;
  mix(Number(big % 1000003n));

  function* pairs(n) { for (let i = 0; i < n; i++) yield [i, i * i]; }
  for (const [a, b] of pairs(8000)) mix(a ^ b);
  for (let i = 0; i < 1500; i++) {
    try { if (i % 3 === 0) throw new RangeError('x' + i); mix(i); } catch (e) { mix(e.message.length); }
  }
  return sum;
})();
