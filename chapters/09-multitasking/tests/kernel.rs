//! What the kernel of chapter 9 must survive.

#![no_std]
#![no_main]

extern crate alloc;

mod translation;

use alloc::boxed::Box;
use alloc::vec::Vec;
use common::VirtAddr;
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::{End, Test, test};
use interrupts::TrapFrame;
use multitasking::fork::ForkError;
use multitasking::rule::{COPIED, PRIVATE, Rule};
use multitasking::switch::between_spaces;
use multitasking::task::{self, Ended, NoChildren};
use multitasking::{comparison, exit, getpid, wait};
use paging::{Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, frame_allocator};
use threads::thread_id::MOST_THREADS;
use translation::Translation;
use x86::bits32::eflags::{self, EFlags};
use x86::controlregs::cr3;

harness::boot!(TESTS, up to heap, then {
    timer::init(FAST_HZ).expect("within the timer's range");
    timer::start();
    threads::init(1);
    multitasking::init();
});

const DATA: VirtAddr = VirtAddr::new(0x0804_8000);
const FAST_HZ: u32 = 5000;

const TESTS: &[Test] = &[
    test!(both_go_on_from_the_same_place_with_different_answers),
    test!(the_stack_is_copied),
    test!(private_memory_is_copied),
    test!(the_heap_is_linked),
    test!(what_the_heap_grows_by_after_the_fork_is_linked),
    test!(page_tables_agree_with_the_rule),
    test!(registers_survive_a_fork_in_both_tasks),
    test!(fork_leaves_the_interrupt_flag_as_it_was),
    test!(no_tick_comes_into_a_fork_with_interrupts_off).memory_mib(64),
    test!(a_fork_may_come_at_every_depth_of_the_stack),
    test!(a_child_can_fork),
    test!(a_chain_of_ten_forks),
    test!(a_thousand_children_and_not_one_frame_lost),
    test!(several_tasks_fork_and_wait_at_once),
    test!(memory_runs_out_at_every_possible_allocation),
    test!(memory_runs_out_at_every_possible_allocation_of_two_tables),
    test!(forks_that_fail_leave_no_threads_behind),
    test!(too_many_tasks_is_an_error).memory_mib(64),
    test!(a_thread_of_the_kernel_cannot_fork),
    test!(a_table_full_of_pages_is_copied_and_nothing_beyond),
    test!(rights_of_copied_pages_are_kept),
    test!(the_copy_of_a_read_only_page_cannot_be_written)
        .ends(End::Stop("a write to 0x08048000 in private memory: the page may not be written")),
    test!(a_guard_page_stays_a_guard_page),
    test!(preempted_in_the_midst_of_everything),
    test!(no_tick_is_lost_while_a_large_task_forks).memory_mib(64),
    test!(wait_without_children_is_an_error),
    test!(wait_tells_who_has_ended_and_how),
    test!(a_child_that_ends_first_waits_to_be_noticed),
    test!(a_child_that_ends_does_not_wake_a_sleeping_parent),
    test!(a_child_that_ends_does_not_wake_a_parent_that_waits_for_something_else),
    test!(a_child_may_end_between_any_two_steps_of_wait),
    test!(orphans_become_children_of_task_1),
    test!(an_orphan_that_has_ended_already_wakes_task_1),
    test!(task_1_ends_last),
    test!(all_is_given_back_when_task_1_has_ended),
    test!(a_thread_in_the_place_of_a_task_is_a_thread_of_the_kernel),
    test!(cr3_is_loaded_only_on_the_way_to_another_space),
    test!(a_stack_overflow_in_a_child_is_told)
        .ends(End::Stop("EXCEPTION: stack overflow: the private stack of task 2 ran into its guard page"))
        .told(&["in `kernel::for_ever`"]),
    test!(a_fault_in_a_child_is_told)
        .ends(End::Stop("EXCEPTION: page fault: a write to 0x09000000 in private memory: the page is not present"))
        .told(&["`kernel::a_fault_in_a_child_is_told::"]),
];

/// Runs `test` as task 1.
fn as_task(test: fn(usize)) {
    assert_eq!(task::run(test), Ok(0));
}

/// Forks. What a test's stack owns in the heap is dropped by the parent alone: its children end in `exit`.
fn fork() -> Result<u32, ForkError> {
    // SAFETY: see above.
    unsafe { multitasking::fork() }
}

/// Forks, runs `child` in the child, and returns the child's number in the parent.
fn fork_to(child: impl FnOnce() -> i32) -> u32 {
    match fork().expect("there is room and memory for a child") {
        0 => exit(child()),
        pid => pid,
    }
}

/// What both tasks see, as it lies in the kernel's heap.
fn shared(value: u32) -> &'static AtomicU32 {
    Box::leak(Box::new(AtomicU32::new(value)))
}

fn until(value: &AtomicU32, wanted: u32) {
    while value.load(Relaxed) != wanted {
        threads::yield_now();
    }
}

fn both_go_on_from_the_same_place_with_different_answers() {
    as_task(|_| {
        let seen = [shared(u32::MAX), shared(u32::MAX)];
        assert_eq!(getpid(), 1);
        let answer = fork().expect("there is room");
        seen[usize::from(getpid() == 2)].store(answer, Relaxed);
        if answer == 0 {
            exit(getpid() as i32);
        }
        assert_eq!(wait(), Ok(Ended { pid: 2, status: 2 }));
        assert_eq!(seen.map(|answer| answer.load(Relaxed)), [2, 0]);
    });
}

fn the_stack_is_copied() {
    as_task(|_| {
        let on_stack = AtomicU32::new(1);
        let address = shared(&raw const on_stack as u32);
        fork_to(|| {
            assert_eq!((on_stack.load(Relaxed), &raw const on_stack as u32), (1, address.load(Relaxed)));
            on_stack.store(2, Relaxed);
            i32::from(on_stack.load(Relaxed) == 2)
        });
        assert_eq!(wait().map(|ended| ended.status), Ok(1));
        assert_eq!(on_stack.load(Relaxed), 1, "the child's write is not seen");
        let step = shared(0);
        fork_to(|| {
            until(step, 1);
            on_stack.load(Relaxed) as i32
        });
        on_stack.store(3, Relaxed);
        step.store(1, Relaxed);
        assert_eq!(wait().map(|ended| ended.status), Ok(1), "the parent's write is not seen");
    });
}

/// Gives the running task `pages` pages from `address` on, filled with their own addresses.
fn fill(address: VirtAddr, pages: u32) {
    task::map(address..address.wrapping_add(pages * PAGE_BYTES), Flags::WRITABLE).expect("memory is not out");
    for word in (0..pages * PAGE_BYTES).step_by(4).map(|offset| address.wrapping_add(offset)) {
        // SAFETY: just mapped, and nobody else's.
        unsafe { word.as_ptr::<u32>().write_volatile(word.as_u32()) };
    }
}

/// Does the memory hold its own addresses?
fn is_filled(address: VirtAddr, pages: u32) -> bool {
    let mut words = (0..pages * PAGE_BYTES).step_by(4).map(|offset| address.wrapping_add(offset));
    // SAFETY: mapped by `fill`.
    words.all(|word| unsafe { word.as_ptr::<u32>().read_volatile() } == word.as_u32())
}

fn private_memory_is_copied() {
    as_task(|_| {
        fill(DATA, 3);
        fork_to(|| {
            assert!(is_filled(DATA, 3));
            // SAFETY: mapped by `fill`.
            unsafe { DATA.as_ptr::<u32>().write_volatile(0) };
            i32::from(is_filled(DATA, 3))
        });
        assert_eq!(wait().map(|ended| ended.status), Ok(0));
        assert!(is_filled(DATA, 3), "the child's write is not seen");
    });
}

fn the_heap_is_linked() {
    as_task(|_| {
        let value = shared(1);
        fork_to(|| {
            value.store(2, Relaxed);
            until(value, 3);
            7
        });
        until(value, 2);
        value.store(3, Relaxed);
        assert_eq!(wait().map(|ended| ended.status), Ok(7));
    });
}

fn what_the_heap_grows_by_after_the_fork_is_linked() {
    as_task(|_| {
        let (place, step) = (shared(0), shared(0));
        fork_to(|| {
            until(step, 1);
            let vector = place.load(Relaxed) as *const Vec<u32>;
            // SAFETY: the parent keeps it until this task has ended.
            let vector = unsafe { &*vector };
            i32::from(vector.iter().copied().eq(0..2_000_000))
        });
        // More than one page table's worth: 8 MiB.
        let vector: Box<Vec<u32>> = Box::new((0..2_000_000).collect());
        place.store(&raw const *vector as u32, Relaxed);
        step.store(1, Relaxed);
        assert_eq!(wait().map(|ended| ended.status), Ok(1));
    });
}

fn page_tables_agree_with_the_rule() {
    as_task(|_| {
        fill(DATA, 2);
        let step = shared(0);
        fork_to(|| {
            until(step, 1);
            0
        });
        let checked = task::with_directories([1, 2], |directories| {
            let [first, second] = directories;
            assert!(first.mappings().map(|mapping| mapping.page).eq(second.mappings().map(|mapping| mapping.page)));
            for row in comparison::rows(directories) {
                let private = PRIVATE.contains(&row.range.start);
                assert_eq!(row.rule, if private { Rule::Copied } else { Rule::Linked }, "{}", row.place);
            }
            let kernel = KERNEL.lock();
            for (index, entry) in kernel.entries().iter().enumerate().filter(|(index, _)| !COPIED.contains(index)) {
                let frames = [entry, &first.entries()[index], &second.entries()[index]].map(|entry| entry.frame());
                assert_eq!(frames, [entry.frame(); 3], "entry {index}");
            }
        });
        checked.expect("both tasks are there");
        step.store(1, Relaxed);
        wait().expect("there is a child");
    });
}

// fork_with_registers(after: *mut [u32; 8]): forks with a value of its own in every register, and stores
// what is in them afterwards, in the order EDI ESI EBP ESP EBX EDX ECX EAX.
global_asm!(
    ".global fork_with_registers",
    "fork_with_registers:",
    "push ebx",
    "push esi",
    "push edi",
    "push ebp",
    "push dword ptr [esp + 20]",
    "mov ebx, 0xB1B2B3B4",
    "mov ecx, 0xC1C2C3C4",
    "mov edx, 0xD1D2D3D4",
    "mov esi, 0xE1E2E3E4",
    "mov edi, 0xF1F2F3F4",
    "mov ebp, 0x11121314",
    "int 0x80",
    "pushad",
    "mov esi, esp",
    "mov edi, [esp + 32]",
    "mov ecx, 8",
    "rep movsd",
    "popad",
    "add esp, 4",
    "pop ebp",
    "pop edi",
    "pop esi",
    "pop ebx",
    "ret",
);

fn registers_survive_a_fork_in_both_tasks() {
    unsafe extern "C" {
        fn fork_with_registers(after: *mut [u32; 8]);
    }
    as_task(|_| {
        let mut after = [0; 8];
        // SAFETY: it keeps what compiled code expects, and writes eight words.
        unsafe { fork_with_registers(&raw mut after) };
        let [edi, esi, ebp, _, ebx, edx, ecx, answer] = after;
        assert_eq!([ebx, ecx, edx], [0xB1B2_B3B4, 0xC1C2_C3C4, 0xD1D2_D3D4]);
        assert_eq!([esi, edi, ebp], [0xE1E2_E3E4, 0xF1F2_F3F4, 0x1112_1314]);
        if answer == 0 {
            exit(1);
        }
        assert_eq!(wait(), Ok(Ended { pid: answer, status: 1 }));
    });
}

fn interrupts_are_on() -> bool {
    // SAFETY: reading EFLAGS changes nothing.
    unsafe { eflags::read() }.contains(EFlags::FLAGS_IF)
}

fn fork_leaves_the_interrupt_flag_as_it_was() {
    as_task(|_| {
        fork_to(|| i32::from(interrupts_are_on()));
        assert!(interrupts_are_on());
        assert_eq!(wait().map(|ended| ended.status), Ok(1));
        let off = common::lock::interrupts_off();
        let ticks = timer::ticks();
        fork_to(|| i32::from(interrupts_are_on()));
        assert!(!interrupts_are_on());
        assert_eq!(timer::ticks(), ticks, "no tick came while interrupts were off");
        drop(off);
        assert_eq!(wait().map(|ended| ended.status), Ok(0), "the child has them as its parent had");
    });
}

fn no_tick_comes_into_a_fork_with_interrupts_off() {
    as_task(|_| {
        map_16_mib();
        let off = common::lock::interrupts_off();
        let before = timer::ticks();
        fork_to(|| 0);
        assert_eq!(timer::ticks(), before, "it takes much longer than a tick, but lets none in");
        drop(off);
        assert_eq!(wait().map(|ended| ended.status), Ok(0));
    });
}

// fork_below(bytes: u32) -> u32: forks with so many more bytes on the stack.
global_asm!("fork_below:", "push ebp", "mov ebp, esp", "sub esp, [ebp + 8]", "int 0x80", "leave", "ret");

fn a_fork_may_come_at_every_depth_of_the_stack() {
    unsafe extern "C" {
        fn fork_below(bytes: u32) -> u32;
    }
    as_task(|_| {
        // So that every word that fork leaves for the child is once the first one of a page, wherever this begins.
        for bytes in (0..PAGE_BYTES).step_by(4) {
            // SAFETY: it keeps what compiled code expects, and the stack has three pages.
            let answer = unsafe { fork_below(bytes) };
            if answer == 0 {
                exit(1);
            }
            assert_eq!(wait(), Ok(Ended { pid: answer, status: 1 }), "{bytes} bytes deeper");
        }
    });
}

fn a_child_can_fork() {
    as_task(|_| {
        fork_to(|| {
            let grandchild = fork_to(|| 40 + getpid() as i32);
            let ended = wait().expect("there is a child");
            assert_eq!(ended.pid, grandchild);
            ended.status + 1
        });
        assert_eq!(wait(), Ok(Ended { pid: 2, status: 44 }));
    });
}

/// Forks a child that does the same, `depth` deep; the last one returns 0, each of the others one more.
fn chain(depth: i32) -> i32 {
    if depth == 0 {
        return 0;
    }
    let own = AtomicU32::new(depth as u32);
    let child = fork_to(|| chain(depth - 1));
    let ended = wait().expect("there is a child");
    assert_eq!((ended.pid, own.load(Relaxed)), (child, depth as u32));
    ended.status + 1
}

fn a_chain_of_ten_forks() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        assert_eq!(chain(10), 10);
        assert_eq!(frame_allocator::taken_count(), before);
    });
}

fn a_thousand_children_and_not_one_frame_lost() {
    as_task(|_| {
        let before = (frame_allocator::taken_count(), frame_allocator::free_count());
        for number in 0..1000 {
            let pid = fork_to(|| number);
            assert_eq!(wait(), Ok(Ended { pid, status: number }));
        }
        assert_eq!((frame_allocator::taken_count(), frame_allocator::free_count()), before);
    });
}

fn several_tasks_fork_and_wait_at_once() {
    as_task(|_| {
        for _ in 0..4 {
            fork_to(|| {
                for number in 0..250 {
                    let pid = fork_to(|| number);
                    assert_eq!(wait(), Ok(Ended { pid, status: number }));
                }
                0
            });
        }
        (0..4).for_each(|_| assert_eq!(wait().map(|ended| ended.status), Ok(0)));
    });
}

/// Takes all frames but `left`, chained through their first words; the first one is returned.
fn take_all_but(left: u32) -> Option<OwnedFrame> {
    let mut chain = None;
    while frame_allocator::free_count() > left {
        let owned = frame_allocator::allocate().expect("one is free");
        // SAFETY: the frame was free, so nobody else uses it.
        unsafe { owned.frame().in_window().address().as_ptr::<Option<OwnedFrame>>().write(chain) };
        chain = Some(owned);
    }
    chain
}

/// Gives back what [`take_all_but`] took.
fn give_back(mut chain: Option<OwnedFrame>) {
    while let Some(owned) = chain {
        // SAFETY: written by `take_all_but`, and read once.
        chain = unsafe { owned.frame().in_window().address().as_ptr::<Option<OwnedFrame>>().read() };
    }
}

/// Forks with 0 free frames, with 1, and so on, until it succeeds, and returns how many it needs.
fn fork_with_ever_more_memory() -> u32 {
    for left in 0.. {
        let taken = take_all_but(left);
        let forked = fork();
        if forked == Ok(0) {
            exit(0);
        }
        let free = frame_allocator::free_count();
        give_back(taken);
        match forked {
            Err(error) => assert_eq!((error, free), (ForkError::OutOfMemory, left), "with {left} frames"),
            Ok(pid) => {
                assert_eq!(free, 0, "it took exactly what it needed");
                assert_eq!(wait().map(|ended| ended.pid), Ok(pid));
                return left;
            }
        }
    }
    unreachable!("some number of frames is enough");
}

fn memory_runs_out_at_every_possible_allocation() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        assert_eq!(fork_with_ever_more_memory(), 5, "a directory, a table, and three pages of stack");
        assert_eq!(frame_allocator::taken_count(), before);
        assert_eq!(wait(), Err(NoChildren), "no failed fork has left a child");
    });
}

fn memory_runs_out_at_every_possible_allocation_of_two_tables() {
    as_task(|_| {
        fill(DATA, 10);
        fill(VirtAddr::new(0x4000_0000), 2);
        let before = frame_allocator::taken_count();
        assert_eq!(fork_with_ever_more_memory(), 5 + 11 + 3);
        assert_eq!(frame_allocator::taken_count(), before);
        assert!(is_filled(DATA, 10) && is_filled(VirtAddr::new(0x4000_0000), 2));
    });
}

fn forks_that_fail_leave_no_threads_behind() {
    as_task(|_| {
        let taken = take_all_but(0);
        (0..100).for_each(|_| assert_eq!(fork(), Err(ForkError::OutOfMemory)));
        give_back(taken);
        let pid = fork_to(|| 0);
        assert_eq!(wait(), Ok(Ended { pid, status: 0 }));
    });
}

fn too_many_tasks_is_an_error() {
    as_task(|_| {
        let steps = [shared(0), shared(0)];
        let before = frame_allocator::taken_count();
        for step in steps {
            let mut children = 0;
            let error = loop {
                match fork() {
                    Ok(0) => {
                        until(step, 1);
                        exit(0);
                    }
                    Ok(_) => children += 1,
                    Err(error) => break error,
                }
            };
            const ALL_BUT_TASK_1_IDLE_AND_FIRST: usize = MOST_THREADS - 3;
            assert_eq!((error, children), (ForkError::TooManyTasks, ALL_BUT_TASK_1_IDLE_AND_FIRST));
            step.store(1, Relaxed);
            (0..children).for_each(|_| assert_eq!(wait().map(|ended| ended.status), Ok(0)));
            assert_eq!(frame_allocator::taken_count(), before);
        }
    });
}

fn a_thread_of_the_kernel_cannot_fork() {
    assert_eq!((fork(), getpid()), (Err(ForkError::NotATask), 0));
}

/// Puts a guard behind every free frame: gives away all that have odd numbers, each filled with its own.
fn guard_free_frames() -> Vec<Frame> {
    let (mut guards, mut others) = (Vec::with_capacity(4096), Vec::with_capacity(4096));
    while let Some(owned) = frame_allocator::allocate() {
        let frame = owned.frame();
        if frame.number().is_multiple_of(2) {
            others.push(owned);
        } else {
            // SAFETY: the frame was free, so nobody else uses it.
            unsafe { frame.in_window().address().as_ptr::<[u32; 1024]>().write([frame.number(); 1024]) };
            guards.push(owned.into_frame());
        }
    }
    drop(others);
    guards
}

fn a_table_full_of_pages_is_copied_and_nothing_beyond() {
    as_task(|_| {
        // All 1024 pages of one page table; and what lies behind the frames of a copy must stay as it is.
        let whole = VirtAddr::new(0x0840_0000);
        fill(whole, 1024);
        let guards = guard_free_frames();
        let before = frame_allocator::taken_count();
        fork_to(|| i32::from(is_filled(whole, 1024)));
        assert_eq!(wait().map(|ended| ended.status), Ok(1));
        assert_eq!(frame_allocator::taken_count(), before);
        for frame in guards {
            // SAFETY: written by `guard_free_frames`.
            let words = unsafe { frame.in_window().address().as_ptr::<[u32; 1024]>().read() };
            assert!(words.iter().all(|word| *word == frame.number()), "{frame:?} was written to");
        }
        assert!(is_filled(whole, 1024));
    });
}

/// What the running task may do with the page at `address`.
fn rights(address: VirtAddr) -> Option<Flags> {
    let pid = getpid();
    let found = task::with_directories([pid, pid], |[directory, _]| {
        let mapping = directory.mappings().find(|mapping| mapping.page.address() == address)?;
        Some(mapping.flags & (Flags::PRESENT | Flags::WRITABLE | Flags::USER))
    });
    found.flatten()
}

fn rights_of_copied_pages_are_kept() {
    as_task(|_| {
        let all = [Flags::empty(), Flags::WRITABLE, Flags::USER, Flags::WRITABLE | Flags::USER];
        let page = |index: usize| DATA.wrapping_add(index as u32 * PAGE_BYTES);
        for (index, flags) in all.into_iter().enumerate() {
            task::map(page(index)..page(index + 1), flags).expect("memory is not out");
        }
        fork_to(|| {
            let kept = (0..4).filter(|index| rights(page(*index)) == Some(all[*index] | Flags::PRESENT));
            kept.count() as i32
        });
        assert_eq!(wait().map(|ended| ended.status), Ok(4));
    });
}

fn the_copy_of_a_read_only_page_cannot_be_written() {
    as_task(|_| {
        task::map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::empty()).expect("memory is not out");
        fork_to(|| {
            // SAFETY: not safe: the page is read only, which is the test.
            unsafe { DATA.as_ptr::<u32>().write_volatile(1) };
            0
        });
        let _ = wait();
    });
}

fn a_guard_page_stays_a_guard_page() {
    as_task(|_| {
        let guard = VirtAddr::new(PRIVATE.end.as_u32() - 4 * PAGE_BYTES);
        fork_to(|| i32::from(rights(guard).is_none() && rights(guard.wrapping_add(PAGE_BYTES)).is_some()));
        assert_eq!(wait().map(|ended| ended.status), Ok(1));
    });
}

fn preempted_in_the_midst_of_everything() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        for round in 0..8 {
            for worker in 0..4 {
                fork_to(|| work(round * 10 + worker));
            }
            let sum: i32 = (0..4).map(|_| wait().expect("four children").status).sum();
            assert_eq!(sum, 4 * round * 10 + 6);
        }
        let switches = timer::ticks();
        assert!(switches > 20, "only {switches} ticks: nothing was interrupted");
        assert!(frame_allocator::taken_count() >= before);
        let after_first = frame_allocator::taken_count();
        fork_to(|| work(1));
        wait().expect("there is a child");
        assert!(frame_allocator::taken_count() <= after_first + 1, "only the heap may have grown");
    });
}

/// A bit of everything that the kernel can do for a task, on data that is recognised if it is damaged.
fn work(number: i32) -> i32 {
    let on_stack = [number; 64];
    for _ in 0..6 {
        let in_heap: Vec<i32> = (0..200).map(|index| index ^ number).collect();
        let child = fork_to(|| {
            let own: Vec<i32> = in_heap.iter().map(|value| value ^ number).collect();
            threads::yield_now();
            i32::from(own.iter().copied().eq(0..200))
        });
        threads::sleep(1);
        assert_eq!(wait(), Ok(Ended { pid: child, status: 1 }));
        assert!(in_heap.iter().enumerate().all(|(index, value)| *value == index as i32 ^ number));
    }
    assert_eq!(on_stack, [number; 64]);
    number
}

/// Makes the running task so large that it takes many ticks to copy.
fn map_16_mib() {
    let address = VirtAddr::new(0x1000_0000);
    task::map(address..address.wrapping_add(16 << 20), Flags::WRITABLE).expect("memory is not out");
}

fn no_tick_is_lost_while_a_large_task_forks() {
    as_task(|_| {
        map_16_mib();
        let before = timer::ticks();
        let child = fork_to(|| 0);
        // One tick would have waited for the end of the fork, even with interrupts off all the time.
        assert!(timer::ticks() > before + 2, "a fork of 16 MiB takes longer than some ticks, and lets them in");
        assert_eq!(wait().map(|ended| ended.pid), Ok(child));
    });
}

fn wait_without_children_is_an_error() {
    as_task(|_| {
        assert_eq!(wait(), Err(NoChildren));
        fork_to(|| i32::from(wait() == Err(NoChildren)));
        assert_eq!(wait().map(|ended| ended.status), Ok(1));
        assert_eq!(wait(), Err(NoChildren));
    });
}

fn wait_tells_who_has_ended_and_how() {
    as_task(|_| {
        let step = shared(0);
        let first = fork_to(|| {
            until(step, 2);
            -5
        });
        let second = fork_to(|| {
            until(step, 1);
            i32::MAX
        });
        step.store(1, Relaxed);
        assert_eq!(wait(), Ok(Ended { pid: second, status: i32::MAX }));
        step.store(2, Relaxed);
        assert_eq!(wait(), Ok(Ended { pid: first, status: -5 }));
    });
}

fn a_child_that_ends_first_waits_to_be_noticed() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        let pid = fork_to(|| 9);
        threads::sleep(20);
        assert_eq!(frame_allocator::taken_count(), before + 5, "a zombie keeps what it had");
        assert_eq!(wait(), Ok(Ended { pid, status: 9 }));
        assert_eq!(frame_allocator::taken_count(), before);
    });
}

fn a_child_that_ends_does_not_wake_a_sleeping_parent() {
    as_task(|_| {
        assert_eq!(wait(), Err(NoChildren), "this must not be remembered as waiting");
        fork_to(|| 0);
        let before = timer::ticks();
        threads::sleep(50);
        assert!(timer::ticks() >= before + 50);
        wait().expect("there is a child");
        threads::sleep(1);
    });
}

fn a_child_that_ends_does_not_wake_a_parent_that_waits_for_something_else() {
    as_task(|_| {
        let thread = threads::spawn(|_| threads::sleep(50), 0).expect("there is room");
        fork_to(|| {
            threads::sleep(10);
            0
        });
        // Would find, if it were woken early, that the thread has not ended, and panic.
        thread.join();
        wait().expect("there is a child");
    });
}

/// The vector of the interrupt that comes after every instruction, while the flag for that is set.
const SINGLE_STEP: u8 = 1;

fn set_single_step(on: bool) {
    // SAFETY: the vector has a handler.
    unsafe {
        let mut flags = eflags::read();
        flags.set(EFlags::FLAGS_TF, on);
        eflags::set(flags);
    }
}

fn a_child_may_end_between_any_two_steps_of_wait() {
    static STEPS_LEFT: AtomicU32 = AtomicU32::new(0);
    static MAY_END: AtomicU32 = AtomicU32::new(0);
    /// Lets the child end after so many steps of its parent at which an interrupt could come.
    extern "C" fn step(registers: &mut TrapFrame) {
        let flags = EFlags::from_bits_truncate(registers.eflags);
        if registers.eip == between_spaces as *const () as u32 {
            // The parent goes to sleep. Nobody else's steps matter.
            registers.eflags = (flags - EFlags::FLAGS_TF).bits();
        } else if flags.contains(EFlags::FLAGS_IF) && STEPS_LEFT.fetch_sub(1, Relaxed) == 1 {
            MAY_END.store(1, Relaxed);
            (0..4).for_each(|_| threads::yield_now());
        }
    }
    // SAFETY: a single step has no cause to remove, and the handler changes no register but the flag that made it.
    unsafe { interrupts::register(SINGLE_STEP, step) };
    as_task(|_| {
        for steps in 1..100 {
            STEPS_LEFT.store(steps, Relaxed);
            MAY_END.store(0, Relaxed);
            let pid = fork_to(|| {
                // It ends in any case, for its parent may not make so many steps before it sleeps.
                (0..200).take_while(|_| MAY_END.load(Relaxed) == 0).for_each(|_| threads::yield_now());
                0
            });
            set_single_step(true);
            let ended = wait();
            set_single_step(false);
            assert_eq!(ended, Ok(Ended { pid, status: 0 }), "after {steps} steps");
        }
    });
}

fn orphans_become_children_of_task_1() {
    as_task(|_| {
        let step = shared(0);
        let before = frame_allocator::taken_count();
        let parent = fork_to(|| {
            fork_to(|| {
                until(step, 1);
                33
            });
            // The second one has ended already when it becomes an orphan.
            fork_to(|| 34);
            threads::sleep(10);
            1
        });
        let [first, second] = [wait(), wait()].map(|ended| ended.expect("two have ended"));
        assert!([first.status, second.status] == [1, 34] || [first.status, second.status] == [34, 1]);
        assert!(first.pid == parent || second.pid == parent);
        step.store(1, Relaxed);
        assert_eq!(wait().map(|ended| ended.status), Ok(33));
        assert_eq!(wait(), Err(NoChildren));
        assert_eq!(frame_allocator::taken_count(), before);
    });
}

fn an_orphan_that_has_ended_already_wakes_task_1() {
    as_task(|_| {
        let step = shared(0);
        let parent = fork_to(|| {
            fork_to(|| {
                fork_to(|| 33);
                // When this one ends as well, its parent does not wait for it, but task 1 waits for its child.
                threads::sleep(10);
                34
            });
            until(step, 1);
            wait().expect("there is a child").status
        });
        assert_eq!(wait().map(|ended| ended.status), Ok(33));
        step.store(1, Relaxed);
        assert_eq!(wait(), Ok(Ended { pid: parent, status: 34 }));
    });
}

fn task_1_ends_last() {
    let free = frame_allocator::free_count();
    static STEP: AtomicU32 = AtomicU32::new(0);
    as_task(|_| {
        fork_to(|| {
            fork_to(|| {
                threads::sleep(20);
                STEP.store(1, Relaxed);
                0
            });
            0
        });
        // Returns at once: what it leaves behind must not outlive it.
    });
    assert_eq!(STEP.load(Relaxed), 1);
    assert_eq!(frame_allocator::free_count(), free);
}

fn all_is_given_back_when_task_1_has_ended() {
    let before = frame_allocator::taken_count();
    as_task(|_| {
        fork_to(|| chain(3));
    });
    assert_eq!(frame_allocator::taken_count(), before);
}

fn a_thread_in_the_place_of_a_task_is_a_thread_of_the_kernel() {
    static DIRECTORY: AtomicU32 = AtomicU32::new(0);
    fn look(_: usize) {
        assert_eq!(getpid(), 0);
        // SAFETY: reading CR3 changes nothing.
        DIRECTORY.store(unsafe { cr3() } as u32, Relaxed);
    }
    as_task(|_| {
        fork_to(|| 0);
    });
    threads::spawn(look, 0).expect("there is room").join();
    assert_eq!(DIRECTORY.load(Relaxed), KERNEL.lock().frame().address().as_u32());
}

fn cr3_is_loaded_only_on_the_way_to_another_space() {
    let translation = Translation::new();
    let other = threads::spawn(|_| (0..2).for_each(|_| threads::yield_now()), 0).expect("there is room");
    threads::yield_now();
    translation.remember();
    threads::yield_now();
    assert!(!translation.is_forgotten(), "another thread has run, in the same address space");
    other.join();
    as_task(|_| {
        let (translation, step) = (Translation::new(), shared(0));
        fork_to(|| {
            until(step, 1);
            0
        });
        translation.remember();
        step.store(1, Relaxed);
        let _ = wait();
        assert!(translation.is_forgotten(), "another task has run");
    });
}

#[expect(unconditional_recursion, reason = "the stack must overflow")]
#[inline(never)]
fn for_ever(depth: u32) -> u32 {
    core::hint::black_box(for_ever(depth + 1)) + depth
}

fn a_stack_overflow_in_a_child_is_told() {
    as_task(|_| {
        fork_to(|| for_ever(0) as i32);
        let _ = wait();
    });
}

fn a_fault_in_a_child_is_told() {
    as_task(|_| {
        fork_to(|| {
            // SAFETY: not safe: nothing is mapped there, which is the test.
            unsafe { VirtAddr::new(0x0900_0000).as_ptr::<u32>().write_volatile(0) };
            0
        });
        let _ = wait();
    });
}
