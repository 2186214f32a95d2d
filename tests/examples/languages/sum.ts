// Kernels in AssemblyScript, whose exports have no dots: `wjit --invoke sum` prints a number that is
// the same on every engine.
export function wjit_parallel_for_v1(nx: u32, ny: u32, nz: u32, kernel: u32, args: usize): void {
  for (let z: u32 = 0; z < nz; z++) {
    for (let y: u32 = 0; y < ny; y++) {
      for (let x: u32 = 0; x < nx; x++) {
        call_indirect<void>(kernel, x, y, z, args);
      }
    }
  }
}

function squares(x: u32, y: u32, z: u32, args: usize): void {
  store<u32>(args + (((y << 6) + x) << 2), x * x + y + z);
}

function halves(x: u32, y: u32, z: u32, args: usize): void {
  const at = args + (((y << 6) + x) << 2);
  store<u32>(at, (load<u32>(at) >> 1) + z);
}

export function sum(): u32 {
  const words = heap.alloc(4096 * 4);
  wjit_parallel_for_v1(64, 64, 1, squares.index, words);
  wjit_parallel_for_v1(64, 64, 1, halves.index, words);
  let total: u32 = 0;
  for (let i: u32 = 0; i < 4096; i++) {
    total = total * 31 + load<u32>(words + (i << 2));
  }
  return total;
}
