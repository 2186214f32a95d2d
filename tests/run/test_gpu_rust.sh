#!/bin/bash
# A kernel in Rust that calls through trait objects. The table is full of functions of the standard
# library with the same type, most of which print or allocate: they are told apart, and do not keep
# the kernel from a device.
. "$(dirname "$0")/lib.sh"
rustc=/usr/bin/rustc # rustup's may hide Debian's, which has the target
[ -x "$rustc" ] && [ -d "$("$rustc" --print sysroot)/lib/rustlib/wasm32-wasi" ] ||
    skip "no rustc for wasm32-wasi (Debian: rustc, libstd-rust-dev-wasm32)"
. "$WJIT_ROOT/tests/run/gpu.sh"
cat >dynamic.rs <<'RUST'
use std::ffi::c_void;

type Kernel = extern "C" fn(u32, u32, u32, *const c_void);

#[export_name = "wjit.parallel_for.v1"]
#[inline(never)]
pub extern "C" fn parallel_for(nx: u32, ny: u32, nz: u32, kernel: Kernel, args: *const c_void) {
    for z in 0..nz {
        for y in 0..ny {
            for x in 0..nx {
                kernel(x, y, z, args);
            }
        }
    }
}

trait Step {
    fn apply(&self, value: u32) -> u32;
}
struct Scale(u32);
struct Mix(u32, u32);
struct Quarter;
impl Step for Scale {
    fn apply(&self, value: u32) -> u32 { value.wrapping_mul(self.0) }
}
impl Step for Mix {
    fn apply(&self, value: u32) -> u32 { (value ^ self.0).rotate_left(self.1 & 31) }
}
impl Step for Quarter {
    fn apply(&self, value: u32) -> u32 { value / 4 }
}

struct Args<'a> {
    steps: &'a [Box<dyn Step>],
    out: *mut u32,
}

#[no_mangle]
extern "C" fn dynamic(x: u32, _y: u32, _z: u32, args: *const c_void) {
    let args = unsafe { &*(args as *const Args) };
    let mut value = x;
    for step in args.steps {
        value = step.apply(value);
    }
    unsafe { *args.out.add(x as usize) = value };
}

fn main() {
    let mut steps: Vec<Box<dyn Step>> = Vec::new();
    for i in 0..12 {
        match i % 3 {
            0 => steps.push(Box::new(Scale(2654435761 + i))),
            1 => steps.push(Box::new(Mix(i * 77, i))),
            _ => steps.push(Box::new(Quarter)),
        }
    }
    let mut words = vec![0u32; 3000];
    let args = Args { steps: &steps, out: words.as_mut_ptr() };
    parallel_for(3000, 1, 1, dynamic, &args as *const Args as *const c_void);
    let sum = words.iter().fold(0u32, |sum, word| sum.wrapping_mul(31).wrapping_add(*word));
    println!("{:08x}", sum);
}
RUST
"$rustc" --target wasm32-wasi -O dynamic.rs -o dynamic.wasm || fail "rustc dynamic"
expect 0 - "$WJIT" --threads 1 --lanes=off dynamic.wasm
[ "$(cat out)" = 809e0856 ] || fail "dynamic: $(cat out)"
both dynamic
expect 0 'kernel dynamic: (1 of 1 dispatches|not) checked' "$WJIT" \
    --gpu=any --check-kernels dynamic.wasm
[ "$(cat out)" = 809e0856 ] || fail "dynamic, checked: $(cat out)"
finish
