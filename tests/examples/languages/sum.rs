// Kernels in Rust: the two dispatch functions of wjit/gpu.h, and a program that uses both. It prints
// the same on every engine.
use std::ffi::c_void;

type Kernel = extern "C" fn(u32, u32, u32, *const c_void);
type GroupKernel =
    extern "C" fn(u32, u32, u32, u32, u32, *mut c_void, *mut c_void, *const c_void);

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

#[export_name = "wjit.parallel_groups.v1"]
#[inline(never)]
pub extern "C" fn parallel_groups(
    gx: u32, gy: u32, gz: u32, items: u32, phases: u32, shared_bytes: u32, own_bytes: u32,
    kernel: GroupKernel, args: *const c_void,
) {
    if gx == 0 || gy == 0 || gz == 0 || items == 0 || phases == 0 {
        return;
    }
    let own_stride = (own_bytes.min(16385) + 15) & !15;
    if items > 128 || shared_bytes > 16384 || own_stride * items > 16384 {
        panic!("a group beyond the limits");
    }
    let mut scratch = [0u128; 2048];
    let base = scratch.as_mut_ptr() as *mut u8;
    let own = unsafe { base.add(((shared_bytes + 15) & !15) as usize) };
    for z in 0..gz {
        for y in 0..gy {
            for x in 0..gx {
                scratch.fill(0);
                for phase in 0..phases {
                    for item in 0..items {
                        let mine = unsafe { own.add((item * own_stride) as usize) };
                        kernel(x, y, z, item, phase, base as *mut c_void, mine as *mut c_void, args);
                    }
                }
            }
        }
    }
}

extern "C" fn squares(x: u32, y: u32, _z: u32, args: *const c_void) {
    let out = args as *mut u32;
    unsafe { *out.add((y * 64 + x) as usize) = x * x + y };
}

// Each group of eight words is reversed, by way of the group's own memory.
extern "C" fn reverses(
    gx: u32, _gy: u32, _gz: u32, item: u32, phase: u32, shared: *mut c_void, own: *mut c_void,
    args: *const c_void,
) {
    let (tile, mine) = (shared as *mut u32, own as *mut u32);
    unsafe {
        let at = (args as *mut u32).add((gx * 8 + item) as usize);
        if phase == 0 {
            *tile.add(item as usize) = *at;
        } else if phase == 1 {
            *mine = *tile.add(7 - item as usize);
        } else {
            *at = *mine;
        }
    }
}

fn main() {
    let mut words = vec![0u32; 4096];
    let args = words.as_mut_ptr() as *const c_void;
    parallel_for(64, 64, 1, squares, args);
    parallel_groups(512, 1, 1, 8, 3, 32, 4, reverses, args);
    let sum = words.iter().fold(0u32, |sum, word| sum.wrapping_mul(31).wrapping_add(*word));
    println!("rust: checksum {:08x}", sum);
}
