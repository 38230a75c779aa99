//! What it costs to allocate and to free a frame, with memory empty or full.

#![no_std]
#![no_main]

use boot::log;
use common::lock::interrupts_off;
use core::hint::black_box;
use core::mem::{self, MaybeUninit};
use harness::measuring::{Figure, instructions};
use harness::{Test, test};
use paging::frame_allocator;

harness::boot!(BENCHES, up to paging);

const BENCHES: &[Test] = &[test!(frames).memory_mib(128)];

fn frames() {
    let _off = interrupts_off();
    let all = frame_allocator::free_count();
    for percent in [0, 25, 50, 75, 99] {
        while frame_allocator::taken_count() < all / 100 * percent {
            mem::forget(frame_allocator::allocate().expect("not all are taken yet"));
        }
        let taken = frame_allocator::taken_count();
        let mut frame = MaybeUninit::uninit();
        let allocate = instructions(|| {
            frame.write(black_box(frame_allocator::allocate()));
        });
        // SAFETY: written above.
        let frame = unsafe { frame.assume_init() }.expect("not all are taken yet");
        let free = instructions(|| drop(frame));
        log!("{}", Figure::new("allocate a frame", allocate).at(taken));
        log!("{}", Figure::new("free a frame", free).at(taken));
    }
}
