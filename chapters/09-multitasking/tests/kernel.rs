//! What the kernel of chapter 9 must survive.

#![no_std]
#![no_main]

extern crate alloc;

#[path = "kernel/calls.rs"]
mod calls;
mod ring3;
#[path = "kernel/spaces.rs"]
mod spaces;
mod translation;
#[path = "kernel/waiting.rs"]
mod waiting;

use alloc::boxed::Box;
use alloc::vec::Vec;
use boot::{information, serial};
use calls::{
    a_fork_of_a_kernel_thread_returns_3, a_fork_without_a_thread_returns_11, a_fork_without_memory_returns_12,
    an_unknown_system_call_returns_38_and_changes_nothing_else, registers_survive_a_fork_in_both_tasks,
};
use common::VirtAddr;
use common::lock::interrupts_off;
use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use harness::{End, Test, test};
use multitasking::rule::{COPIED, PRIVATE, Rule};
use multitasking::{
    AddressSpace, Exited, ForkError, NoSuchChild, Pid, comparison, exit, getpid, map, run, wait, with_directories,
};
use paging::{Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, frame_allocator, regions};
use ring3::{
    a_program_that_writes_to_the_kernels_heap_is_reported, programs_of_ring_3_fork_share_a_frame_execute_and_end,
    the_location_of_a_program_is_reported, the_stack_of_a_program_is_reported,
};
use spaces::{
    a_page_that_is_protected_cannot_be_written, a_page_unmapped_in_a_space_is_gone_at_once,
    a_space_before_init_is_rejected, a_space_is_mapped_protected_and_unmapped,
    a_space_that_is_being_copied_is_not_changed, a_switch_to_another_space_keeps_what_a_call_keeps,
    a_task_is_granted_only_rights_and_available_bits, a_task_that_starts_during_init_finds_all_of_it_done,
    a_walk_sees_pages_that_the_heap_gains_meanwhile, init_is_called_once, one_frame_is_shared_by_two_spaces,
    only_private_pages_are_mapped_in_a_space, only_private_pages_are_protected_in_a_space,
    only_private_pages_are_unmapped_in_a_space, private_memory_is_readable_by_its_physical_address,
    private_regions_have_names_once_a_task_runs, the_guard_page_gets_no_frame,
    the_kernel_gets_no_page_table_once_there_is_a_space, the_space_of_a_thread_is_replaced,
};
use threads::{MOST_THREADS, ReservedThread};
use translation::Translation;
use waiting::{
    a_child_may_end_between_any_two_steps_of_wait,
    a_child_that_ends_does_not_wake_a_parent_that_waits_for_something_else,
    a_child_that_ends_does_not_wake_a_sleeping_parent, a_child_that_ends_first_waits_to_be_reaped,
    a_parent_that_waits_is_not_woken_by_ticks, an_orphan_that_has_ended_already_wakes_task_1,
    children_are_reaped_in_the_order_in_which_they_exited, orphans_become_children_of_task_1,
    wait_by_pid_goes_on_waiting_when_an_orphan_is_adopted, wait_by_pid_goes_on_waiting_when_another_child_exits,
    wait_by_pid_leaves_the_other_children, wait_for_a_task_that_is_not_a_child_is_an_error,
    wait_returns_which_child_exited_and_how, wait_without_blocking_leaves_no_task_waiting,
    wait_without_blocking_returns_at_once, wait_without_children_is_an_error,
};
use x86::bits32::eflags::{self, EFlags};
use x86::controlregs::cr3;

harness::boot!(TESTS, handover => {
    serial::init();
    let boot = handover.information();
    let words = information::command_line(&boot);
    BEFORE_INIT.store(words.contains("before_init"), Relaxed);
    DURING_INIT.store(words.contains("during_init"), Relaxed);
    boot
}, up to heap, then {
    let during_init = DURING_INIT.load(Relaxed);
    timer::init(if during_init { spaces::TICKS_DURING_INIT_HZ } else { FAST_HZ }).expect("within the timer's range");
    timer::start();
    threads::init(1);
    if BEFORE_INIT.load(Relaxed) {
        let _ = AddressSpace::new();
    }
    if during_init {
        spaces::start_a_task_during_init();
    }
    multitasking::init();
});

/// Whether the test makes an address space before `init`.
static BEFORE_INIT: AtomicBool = AtomicBool::new(false);
/// Whether the test starts task 1 while `init` runs.
static DURING_INIT: AtomicBool = AtomicBool::new(false);

const DATA: VirtAddr = VirtAddr::new(0x0804_8000);
const FAST_HZ: u32 = 5000;

const TESTS: &[Test] = &[
    // What fork makes
    test!(both_tasks_continue_at_the_same_place_with_different_results),
    test!(the_stack_is_copied),
    test!(private_memory_is_copied),
    test!(the_heap_is_linked),
    test!(pages_that_the_heap_gains_after_the_fork_are_linked),
    test!(page_tables_agree_with_the_rule),
    test!(registers_survive_a_fork_in_both_tasks),
    // System calls
    test!(an_unknown_system_call_returns_38_and_changes_nothing_else),
    test!(a_fork_of_a_kernel_thread_returns_3),
    test!(a_fork_without_memory_returns_12),
    test!(a_fork_without_a_thread_returns_11).memory_mib(64),
    // Interrupts
    test!(fork_leaves_the_interrupt_flag_as_it_was),
    test!(a_child_holds_the_guards_that_its_parent_holds),
    test!(no_tick_interrupts_a_fork_with_interrupts_off).memory_mib(64),
    // Many forks
    test!(a_fork_may_come_at_every_depth_of_the_stack),
    test!(a_child_can_fork),
    test!(a_chain_of_ten_forks),
    test!(a_thousand_children_lose_no_frame),
    test!(several_tasks_fork_and_wait_at_once),
    // No free frames, and no free threads
    test!(memory_runs_out_at_every_possible_allocation),
    test!(memory_runs_out_at_every_possible_allocation_of_two_tables),
    test!(forks_that_fail_leave_no_threads_behind),
    test!(too_many_tasks_is_an_error).memory_mib(64),
    test!(a_kernel_thread_cannot_fork),
    test!(a_kernel_thread_cannot_exit_as_a_task)
        .ends(End::Stop("PANIC: only a task can exit; a kernel thread ends with `threads::exit`, at")),
    test!(a_kernel_thread_has_no_private_memory).ends(End::Stop("PANIC: only a task has private memory, at")),
    test!(without_a_thread_there_is_no_task_1)
        .ends(End::Stop("PANIC: task 1 needs a thread, and all are taken: TooManyThreads")),
    test!(there_is_only_one_task_1)
        .ends(End::Stop("PANIC: only the first process has no parent, but this is process 2")),
    // Every page, and its rights
    test!(a_table_full_of_pages_is_copied_and_nothing_beyond),
    test!(rights_of_copied_pages_are_kept),
    test!(a_task_is_granted_only_rights_and_available_bits),
    test!(the_copy_of_a_read_only_page_cannot_be_written)
        .ends(End::Stop("a write to 0x08048000 in private memory: the page is read-only")),
    test!(a_guard_page_stays_a_guard_page),
    // Preemption
    test!(tasks_preempted_anywhere_lose_nothing),
    test!(no_tick_is_lost_while_a_large_task_forks).memory_mib(64),
    // Waiting
    test!(wait_without_children_is_an_error),
    test!(wait_returns_which_child_exited_and_how),
    test!(children_are_reaped_in_the_order_in_which_they_exited),
    test!(wait_by_pid_leaves_the_other_children),
    test!(wait_by_pid_goes_on_waiting_when_another_child_exits),
    test!(wait_by_pid_goes_on_waiting_when_an_orphan_is_adopted),
    test!(wait_without_blocking_returns_at_once),
    test!(wait_without_blocking_leaves_no_task_waiting),
    test!(wait_for_a_task_that_is_not_a_child_is_an_error),
    test!(a_parent_that_waits_is_not_woken_by_ticks),
    test!(a_child_that_ends_first_waits_to_be_reaped),
    test!(a_child_that_ends_does_not_wake_a_sleeping_parent),
    test!(a_child_that_ends_does_not_wake_a_parent_that_waits_for_something_else),
    test!(a_child_may_end_between_any_two_steps_of_wait),
    // Orphans, and the end
    test!(orphans_become_children_of_task_1),
    test!(an_orphan_that_has_ended_already_wakes_task_1),
    test!(task_1_ends_last),
    test!(everything_is_freed_when_task_1_has_ended),
    test!(a_thread_in_the_slot_of_a_task_is_a_kernel_thread),
    test!(the_switch_of_chapter_8_cannot_be_restored)
        .ends(End::Stop("PANIC: another switch is in use, and it may do more than `switch`")),
    test!(the_guard_page_of_a_stack_is_never_mapped).ends(End::Stop("the guard page of the stack cannot be mapped")),
    test!(the_guard_page_gets_no_frame).ends(End::Stop("the guard page of the stack cannot be mapped")),
    test!(a_space_that_is_being_copied_is_not_changed)
        .memory_mib(64)
        .ends(End::Stop("PANIC: an address space cannot change while it is being copied")),
    test!(private_memory_is_readable_by_its_physical_address),
    // Spaces without fork
    test!(private_regions_have_names_once_a_task_runs),
    test!(a_space_is_mapped_protected_and_unmapped),
    test!(a_page_unmapped_in_a_space_is_gone_at_once)
        .ends(End::Stop("a read of 0x08048000 in private memory: the page is not present")),
    test!(a_page_that_is_protected_cannot_be_written)
        .ends(End::Stop("a write to 0x08048000 in private memory: the page is read-only")),
    test!(only_private_pages_are_mapped_in_a_space).ends(End::Stop("0xfffff000-0x00000000 is not private")),
    test!(only_private_pages_are_unmapped_in_a_space).ends(End::Stop("0x000b8000-0x000b9000 is not private")),
    test!(only_private_pages_are_protected_in_a_space).ends(End::Stop("0x000b8000-0x000b9000 is not private")),
    test!(the_space_of_a_thread_is_replaced),
    test!(a_space_before_init_is_rejected)
        .ends(End::Stop("PANIC: call `multitasking::init` before making an address space")),
    test!(a_task_that_starts_during_init_finds_all_of_it_done),
    test!(init_is_called_once).ends(End::Stop("PANIC: `multitasking::init` has already run")),
    test!(the_kernel_gets_no_page_table_once_there_is_a_space)
        .ends(End::Stop("PANIC: a new page table would be missing in the directories that already share the others")),
    test!(a_walk_sees_pages_that_the_heap_gains_meanwhile),
    test!(one_frame_is_shared_by_two_spaces),
    // Switches
    test!(a_switch_to_another_space_keeps_what_a_call_keeps),
    test!(cr3_is_loaded_only_on_the_way_to_another_space),
    test!(programs_of_ring_3_fork_share_a_frame_execute_and_end),
    test!(a_program_that_writes_to_the_kernels_heap_is_reported).ends(End::Stop(
        "page fault: a write to 0xc0000000 in the kernel heap by ring 3: the page belongs to the kernel",
    )),
    test!(the_location_of_a_program_is_reported).ends(End::Stop("  SS 0x0033  EIP 0x08048000, in ring 3\n")),
    test!(the_stack_of_a_program_is_reported).ends(End::Stop("  ESP 0x0804a000\n")),
    // Faults
    test!(a_stack_overflow_in_a_child_is_reported)
        .ends(End::Stop("EXCEPTION: stack overflow: the private stack of task 2 ran into its guard page"))
        .told(&["in `kernel::overflow`"]),
    test!(a_fault_in_a_child_is_reported)
        .ends(End::Stop("EXCEPTION: page fault: a write to 0x09000000 in private memory: the page is not present"))
        .told(&["`kernel::a_fault_in_a_child_is_reported::"]),
    // Up to the last byte
    test!(the_first_and_the_last_private_page_are_mapped),
    test!(a_range_that_begins_before_private_memory_is_rejected).ends(End::Stop("is not private")),
    test!(a_range_that_ends_after_private_memory_is_rejected).ends(End::Stop("is not private")),
    test!(a_value_may_lie_across_two_pages),
    test!(a_value_is_written_only_to_mapped_pages)
        .ends(End::Stop("PANIC: a value can only be written to mapped pages, at")),
];

/// Runs `test` as task 1.
fn as_task(test: fn(usize)) {
    assert_eq!(run(test), Ok(0));
}

/// Forks. The parent keeps what a test's stack owns in the heap, and children end in `exit`. If a child reads it, the
/// parent waits for the child's end first. Tests share only atomics, and store no reference to a stack in the heap.
fn fork() -> Result<Option<Pid>, ForkError> {
    // SAFETY: see above.
    unsafe { multitasking::fork() }
}

/// Forks, runs `child` in the child, and returns the child's number in the parent.
fn fork_to(child: impl FnOnce() -> i32) -> Pid {
    fork().expect("there is room and memory for a child").unwrap_or_else(|| {
        let status = child();
        // SAFETY: no code relies on what is on the stack.
        unsafe { exit(status) }
    })
}

fn pid(number: u32) -> Pid {
    Pid::new(number).expect("it is not 0")
}

/// The number of the running task, 0 for a kernel thread.
fn me() -> u32 {
    getpid().map_or(0, Pid::as_u32)
}

/// A number in the kernel's heap, which both tasks use.
fn shared(value: u32) -> &'static AtomicU32 {
    Box::leak(Box::new(AtomicU32::new(value)))
}

fn until(value: &AtomicU32, wanted: u32) {
    while value.load(Relaxed) != wanted {
        threads::yield_now();
    }
}

fn both_tasks_continue_at_the_same_place_with_different_results() {
    as_task(|_| {
        let seen = [shared(u32::MAX), shared(u32::MAX)];
        assert_eq!(me(), 1);
        let answer = fork().expect("there is room");
        seen[usize::from(me() == 2)].store(answer.map_or(0, Pid::as_u32), Relaxed);
        if answer.is_none() {
            // SAFETY: no code relies on what is on the stack.
            unsafe { exit(me() as i32) };
        }
        assert_eq!(wait(), Ok(Exited { pid: pid(2), status: 2 }));
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
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
        assert_eq!(on_stack.load(Relaxed), 1, "the child's write is not seen");
        let step = shared(0);
        fork_to(|| {
            until(step, 1);
            on_stack.load(Relaxed) as i32
        });
        on_stack.store(3, Relaxed);
        step.store(1, Relaxed);
        assert_eq!(wait().map(|exited| exited.status), Ok(1), "the parent's write is not seen");
    });
}

/// Maps `pages` pages from `address` on for the running task, and fills each word with its own address.
fn fill(address: VirtAddr, pages: u32) {
    map(address..address.wrapping_add(pages * PAGE_BYTES), Flags::WRITABLE).expect("there is enough memory");
    for word in (0..pages * PAGE_BYTES).step_by(4).map(|offset| address.wrapping_add(offset)) {
        // SAFETY: just mapped, for nothing else.
        unsafe { word.as_ptr::<u32>().write_volatile(word.as_u32()) };
    }
}

/// Whether each word of these pages holds its own address.
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
        assert_eq!(wait().map(|exited| exited.status), Ok(0));
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
        assert_eq!(wait().map(|exited| exited.status), Ok(7));
    });
}

fn pages_that_the_heap_gains_after_the_fork_are_linked() {
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
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
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
        let checked = with_directories([pid(1), pid(2)], |directories| {
            let [first, second] = directories;
            assert!(first.mappings().map(|mapping| mapping.page).eq(second.mappings().map(|mapping| mapping.page)));
            for row in comparison::rows(directories) {
                let private = PRIVATE.contains(&row.range.start);
                assert_eq!(row.rule, if private { Rule::Copied } else { Rule::Linked }, "{}", row.place);
                let last = regions::locate(row.range.end.wrapping_sub(1));
                assert!(row.place.is_same_region(&last), "a row begins in {}, and ends in {last}", row.place);
            }
            let kernel = KERNEL.lock();
            for index in (0..1024).filter(|index| !COPIED.contains(index)) {
                let entries = [&kernel, first, second].map(|directory| directory.entry(index));
                let [own, ..] = entries.map(|entry| (entry.is_present(), entry.frame()));
                assert_eq!(entries.map(|entry| (entry.is_present(), entry.frame())), [own; 3], "entry {index}");
            }
        });
        checked.expect("both tasks are there");
        step.store(1, Relaxed);
        wait().expect("there is a child");
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
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
        let off = interrupts_off();
        let ticks = timer::ticks();
        fork_to(|| i32::from(interrupts_are_on()));
        assert!(!interrupts_are_on());
        assert_eq!(timer::ticks(), ticks, "no tick came while interrupts were off");
        drop(off);
        assert_eq!(wait().map(|exited| exited.status), Ok(0), "the child has them as its parent had");
    });
}

fn a_child_holds_the_guards_that_its_parent_holds() {
    as_task(|_| {
        let first = interrupts_off();
        let second = interrupts_off();
        let answer = fork().expect("there is room");
        // The two tasks drop their guards in opposite order. The second guard keeps interrupts off each time.
        if answer.is_none() {
            drop(first);
            let one_left = interrupts_are_on();
            drop(second);
            // SAFETY: no code relies on what is on the stack.
            unsafe { exit(i32::from(one_left) << 1 | i32::from(interrupts_are_on())) };
        }
        drop(second);
        assert!(!interrupts_are_on());
        drop(first);
        assert!(interrupts_are_on());
        assert_eq!(wait().map(|exited| exited.status), Ok(0b01));
        fork_to(|| i32::from(interrupts_are_on()));
        assert_eq!(wait().map(|exited| exited.status), Ok(1), "a child without guards has interrupts on");
    });
}

fn no_tick_interrupts_a_fork_with_interrupts_off() {
    as_task(|_| {
        map_16_mib();
        let off = interrupts_off();
        let before = timer::ticks();
        fork_to(|| 0);
        assert_eq!(timer::ticks(), before, "it takes much longer than a tick, but lets none in");
        drop(off);
        assert_eq!(wait().map(|exited| exited.status), Ok(0));
    });
}

// fork_below(bytes: u32) -> u32: forks with this many more bytes on the stack.
global_asm!("fork_below:", "push ebp", "mov ebp, esp", "sub esp, [ebp + 8]", "mov eax, 2", "int 0x80", "leave", "ret");

fn a_fork_may_come_at_every_depth_of_the_stack() {
    unsafe extern "C" {
        fn fork_below(bytes: u32) -> u32;
    }
    as_task(|_| {
        // So each word that fork writes for the child is once the first word of a page.
        for bytes in (0..PAGE_BYTES).step_by(4) {
            // SAFETY: it preserves what compiled code expects, and the stack has three pages.
            let answer = unsafe { fork_below(bytes) };
            if answer == 0 {
                // SAFETY: no code relies on what is on the stack.
                unsafe { exit(1) };
            }
            assert_eq!(wait(), Ok(Exited { pid: pid(answer), status: 1 }), "{bytes} bytes deeper");
        }
    });
}

fn a_child_can_fork() {
    as_task(|_| {
        fork_to(|| {
            let grandchild = fork_to(|| 40 + me() as i32);
            let exited = wait().expect("there is a child");
            assert_eq!(exited.pid, grandchild);
            exited.status + 1
        });
        assert_eq!(wait(), Ok(Exited { pid: pid(2), status: 44 }));
    });
}

/// Forks a child that does the same, `depth` deep. The last one returns 0, each other one its child's status plus 1.
fn chain(depth: i32) -> i32 {
    if depth == 0 {
        return 0;
    }
    let own = AtomicU32::new(depth as u32);
    let child = fork_to(|| chain(depth - 1));
    let exited = wait().expect("there is a child");
    assert_eq!((exited.pid, own.load(Relaxed)), (child, depth as u32));
    exited.status + 1
}

fn a_chain_of_ten_forks() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        assert_eq!(chain(10), 10);
        assert_eq!(frame_allocator::taken_count(), before);
    });
}

fn a_thousand_children_lose_no_frame() {
    as_task(|_| {
        let before = (frame_allocator::taken_count(), frame_allocator::free_count());
        for number in 0..1000 {
            let child = fork_to(|| number);
            assert_eq!(child, pid(number as u32 + 2), "the number of a process is never used again");
            assert_eq!(wait(), Ok(Exited { pid: child, status: number }));
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
                    assert_eq!(wait(), Ok(Exited { pid, status: number }));
                }
                0
            });
        }
        (0..4).for_each(|_| assert_eq!(wait().map(|exited| exited.status), Ok(0)));
    });
}

/// Allocates all frames except `left`, chained through their first words, and returns the first one.
fn take_all_except(left: u32) -> Option<OwnedFrame> {
    let mut chain = None;
    while frame_allocator::free_count() > left {
        let owned = frame_allocator::allocate().expect("one is free");
        // SAFETY: the frame was free, so nothing else uses it.
        unsafe { owned.frame().in_window().address().as_ptr::<Option<OwnedFrame>>().write(chain) };
        chain = Some(owned);
    }
    chain
}

/// Frees what [`take_all_except`] allocated.
fn give_back(mut chain: Option<OwnedFrame>) {
    while let Some(owned) = chain {
        // SAFETY: written by `take_all_except`, and read once.
        chain = unsafe { owned.frame().in_window().address().as_ptr::<Option<OwnedFrame>>().read() };
    }
}

/// Forks with 0 free frames, with 1, and so on, until fork succeeds. Returns how many frames it needed.
fn fork_with_ever_more_memory() -> u32 {
    for left in 0.. {
        let taken = take_all_except(left);
        let forked = fork();
        if forked == Ok(None) {
            // SAFETY: no code relies on what is on the stack.
            unsafe { exit(0) };
        }
        let free = frame_allocator::free_count();
        give_back(taken);
        match forked {
            Err(error) => assert_eq!((error, free), (ForkError::OutOfMemory, left), "with {left} frames"),
            Ok(child) => {
                assert_eq!(free, 0, "it took exactly what it needed");
                assert_eq!(wait().map(|exited| Some(exited.pid)), Ok(child));
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
        assert_eq!(wait(), Err(NoSuchChild), "no failed fork has left a child");
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
        let taken = take_all_except(0);
        (0..100).for_each(|_| assert_eq!(fork(), Err(ForkError::OutOfMemory)));
        give_back(taken);
        let pid = fork_to(|| 0);
        assert_eq!(wait(), Ok(Exited { pid, status: 0 }));
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
                    Ok(None) => {
                        until(step, 1);
                        // SAFETY: no code relies on what is on the stack.
                        unsafe { exit(0) };
                    }
                    Ok(Some(_)) => children += 1,
                    Err(error) => break error,
                }
            };
            const ALL_BUT_TASK_1_IDLE_AND_FIRST: usize = MOST_THREADS - 3;
            assert_eq!((error, children), (ForkError::TooManyTasks, ALL_BUT_TASK_1_IDLE_AND_FIRST));
            step.store(1, Relaxed);
            (0..children).for_each(|_| assert_eq!(wait().map(|exited| exited.status), Ok(0)));
            assert_eq!(frame_allocator::taken_count(), before);
        }
    });
}

fn a_kernel_thread_cannot_fork() {
    assert_eq!((fork(), getpid()), (Err(ForkError::NotATask), None));
}

fn a_kernel_thread_cannot_exit_as_a_task() {
    // SAFETY: no code relies on what is on the stack.
    unsafe { exit(1) };
}

fn a_kernel_thread_has_no_private_memory() {
    let _ = map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE);
}

fn without_a_thread_there_is_no_task_1() {
    let _reserved: Vec<_> = core::iter::from_fn(|| ReservedThread::new().ok()).collect();
    let _ = run(|_| ());
}

fn there_is_only_one_task_1() {
    as_task(|_| ());
    as_task(|_| ());
}

/// Puts a guard behind every free frame: keeps all frames with odd numbers, each filled with its own number.
fn guard_free_frames() -> Vec<Frame> {
    let (mut guards, mut others) = (Vec::with_capacity(4096), Vec::with_capacity(4096));
    while let Some(owned) = frame_allocator::allocate() {
        let frame = owned.frame();
        if frame.number().is_multiple_of(2) {
            others.push(owned);
        } else {
            // SAFETY: the frame was free, so nothing else uses it.
            unsafe { frame.in_window().address().as_ptr::<[u32; 1024]>().write([frame.number(); 1024]) };
            guards.push(owned.into_frame());
        }
    }
    drop(others);
    guards
}

fn a_table_full_of_pages_is_copied_and_nothing_beyond() {
    as_task(|_| {
        // All 1024 pages of one page table. The guards behind the frames of the copy must not change.
        let whole = VirtAddr::new(0x0840_0000);
        fill(whole, 1024);
        let guards = guard_free_frames();
        let before = frame_allocator::taken_count();
        fork_to(|| i32::from(is_filled(whole, 1024)));
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
        assert_eq!(frame_allocator::taken_count(), before);
        for frame in guards {
            // SAFETY: written by `guard_free_frames`.
            let words = unsafe { frame.in_window().address().as_ptr::<[u32; 1024]>().read() };
            assert!(words.iter().all(|word| *word == frame.number()), "{frame:?} was written to");
        }
        assert!(is_filled(whole, 1024));
    });
}

/// The rights of the running task's page at `address`.
fn rights(address: VirtAddr) -> Option<Flags> {
    let me = getpid().expect("a task is running");
    let found = with_directories([me, me], |[directory, _]| {
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
            map(page(index)..page(index + 1), flags).expect("there is enough memory");
        }
        fork_to(|| {
            let kept = (0..4).filter(|index| rights(page(*index)) == Some(all[*index] | Flags::PRESENT));
            kept.count() as i32
        });
        assert_eq!(wait().map(|exited| exited.status), Ok(4));
    });
}

fn the_copy_of_a_read_only_page_cannot_be_written() {
    as_task(|_| {
        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::empty()).expect("there is enough memory");
        fork_to(|| {
            // SAFETY: not safe: the page is read-only, which is the test.
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
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
    });
}

fn tasks_preempted_anywhere_lose_nothing() {
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

/// Uses most of what the kernel does for a task, on data whose damage the test would notice.
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
        assert_eq!(wait(), Ok(Exited { pid: child, status: 1 }));
        assert!(in_heap.iter().enumerate().all(|(index, value)| *value == index as i32 ^ number));
    }
    assert_eq!(on_stack, [number; 64]);
    number
}

/// Makes the running task so large that copying it takes many ticks.
fn map_16_mib() {
    let address = VirtAddr::new(0x1000_0000);
    map(address..address.wrapping_add(16 << 20), Flags::WRITABLE).expect("there is enough memory");
}

fn no_tick_is_lost_while_a_large_task_forks() {
    as_task(|_| {
        map_16_mib();
        let before = timer::ticks();
        let child = fork_to(|| 0);
        // Even with interrupts off all the time, one tick would come after the fork.
        assert!(timer::ticks() > before + 2, "a fork of 16 MiB takes longer than some ticks, and lets them in");
        assert_eq!(wait().map(|exited| exited.pid), Ok(child));
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
        // It returns at once, but no task may outlive task 1.
    });
    assert_eq!(STEP.load(Relaxed), 1);
    assert_eq!(frame_allocator::free_count(), free);
}

fn everything_is_freed_when_task_1_has_ended() {
    let before = frame_allocator::taken_count();
    as_task(|_| {
        fork_to(|| chain(3));
    });
    assert_eq!(frame_allocator::taken_count(), before);
}

fn a_thread_in_the_slot_of_a_task_is_a_kernel_thread() {
    as_task(|_| {
        fork_to(|| 0);
    });
    threads::spawn(assert_is_in_the_kernels_space, 0).expect("there is room").join();
}

fn assert_is_in_the_kernels_space(_: usize) {
    assert_eq!(getpid(), None);
    // SAFETY: reading CR3 changes nothing.
    assert_eq!(unsafe { cr3() } as u32, KERNEL.lock().frame().address().as_u32());
}

fn the_switch_of_chapter_8_cannot_be_restored() {
    // SAFETY: not safe, and refused.
    unsafe { threads::switch_by(threads::switch) };
}

fn the_guard_page_of_a_stack_is_never_mapped() {
    as_task(|_| {
        let stack = PRIVATE.end.wrapping_sub(3 * PAGE_BYTES);
        let _ = map(stack.wrapping_sub(2 * PAGE_BYTES)..stack, Flags::WRITABLE);
    });
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
fn overflow(depth: u32) -> u32 {
    core::hint::black_box(overflow(depth + 1)) + depth
}

fn a_stack_overflow_in_a_child_is_reported() {
    as_task(|_| {
        fork_to(|| overflow(0) as i32);
        let _ = wait();
    });
}

fn a_fault_in_a_child_is_reported() {
    as_task(|_| {
        fork_to(|| {
            // SAFETY: not safe: nothing is mapped there, which is the test.
            unsafe { VirtAddr::new(0x0900_0000).as_ptr::<u32>().write_volatile(0) };
            0
        });
        let _ = wait();
    });
}

fn new_space() -> AddressSpace {
    AddressSpace::new().expect("there is enough memory")
}

fn the_first_and_the_last_private_page_are_mapped() {
    let (start, end) = (PRIVATE.start, PRIVATE.end);
    let mut space = new_space();
    for pages in [start..start.wrapping_add(PAGE_BYTES), end.wrapping_sub(PAGE_BYTES)..end, end..end] {
        assert_eq!(space.map(pages, Flags::WRITABLE), Ok(()));
    }
}

fn a_range_that_begins_before_private_memory_is_rejected() {
    _ = new_space().map(PRIVATE.start.wrapping_sub(PAGE_BYTES)..PRIVATE.start, Flags::WRITABLE);
}

fn a_range_that_ends_after_private_memory_is_rejected() {
    _ = new_space().map(PRIVATE.end..PRIVATE.end.wrapping_add(PAGE_BYTES), Flags::WRITABLE);
}

fn a_value_is_written_only_to_mapped_pages() {
    // SAFETY: nothing is there, and a number has no padding.
    unsafe { new_space().write(DATA, &1u32) };
}

fn a_value_may_lie_across_two_pages() {
    const HALVES: [VirtAddr; 2] = [DATA.wrapping_add(PAGE_BYTES - 4), DATA.wrapping_add(PAGE_BYTES)];
    let mut space = new_space();
    space.map(DATA..DATA.wrapping_add(2 * PAGE_BYTES), Flags::WRITABLE).expect("there is enough memory");
    // SAFETY: nothing is there yet, and a number has no padding.
    unsafe { space.write(HALVES[0], &0x1111_2222_3333_4444u64) };
    let halves = HALVES.map(|address| {
        let there = space.directory().translate(address).expect("it is mapped");
        // SAFETY: the identity map shows the page, to which no reference leads.
        unsafe { VirtAddr::new(there.as_u32()).as_ptr::<u32>().read() }
    });
    assert_eq!(halves, [0x3333_4444, 0x1111_2222]);
}
