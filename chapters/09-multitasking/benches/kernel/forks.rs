//! Forks: their cost by the number of copied pages, and the frames that they lose.

use crate::{fork, tell};
use boot::log;
use common::lock::interrupts_off;
use harness::measuring::{Figure, instructions, now};
use multitasking::rule::PRIVATE;
use multitasking::{exit, map, run, wait};
use paging::{Flags, PAGE_BYTES, frame_allocator};

/// The numbers of private pages, besides the stack, with which the bench forks.
const PRIVATE_PAGES: [u32; 6] = [16, 64, 256, 1024, 2048, 4096];

pub fn forks() {
    run(|_| {
        let _off = interrupts_off();
        let costs = [(); 3].map(|()| cost_of_fork());
        tell("fork, small task", costs[0]);
        log!("{}", Figure::new("third fork / first fork", costs[2]).of_rounds(costs[0]));
        tell("fork, exit, wait, small task", instructions(fork_exit_wait));
        let mut pages = 0;
        let costs = PRIVATE_PAGES.map(|wanted| {
            have(&mut pages, wanted);
            let cost = cost_of_fork();
            log!("{}", Figure::new("fork", cost).at(wanted));
            log!("{}", Figure::new("fork, exit, wait", instructions(fork_exit_wait)).at(wanted));
            cost
        });
        let copied = pages - PRIVATE_PAGES[0];
        let besides_copying = costs[costs.len() - 1] - costs[0] - copied * (PAGE_BYTES / 4);
        log!("{}", Figure::new("overhead per copied page", besides_copying).of_rounds(copied));
    })
    .expect("there is enough memory");
}

pub fn frames_lost() {
    run(|_| {
        let before = frame_allocator::taken_count();
        (0..1000).for_each(|_| fork_exit_wait());
        tell("frames lost", frame_allocator::taken_count() - before);
    })
    .expect("there is enough memory");
}

/// Gives the running task `wanted` private pages besides its stack; it had `pages`.
fn have(pages: &mut u32, wanted: u32) {
    let [start, end] = [*pages, wanted].map(|pages| PRIVATE.start.wrapping_add(pages * PAGE_BYTES));
    map(start..end, Flags::WRITABLE).expect("there is enough memory");
    *pages = wanted;
}

/// The cost of a fork, up to its return in the parent. Interrupts are off, so the child runs afterwards.
fn cost_of_fork() -> u32 {
    let before = now();
    let answer = fork();
    let cost = now().wrapping_sub(before);
    if answer.is_none() {
        // SAFETY: no code relies on what is on the stack.
        unsafe { exit(0) };
    }
    let _ = wait();
    cost
}

fn fork_exit_wait() {
    if fork().is_none() {
        // SAFETY: no code relies on what is on the stack.
        unsafe { exit(0) };
    }
    let _ = wait();
}
