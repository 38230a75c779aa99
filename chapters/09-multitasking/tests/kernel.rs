//! What the kernel of chapter 9 must survive.

#![no_std]
#![no_main]

extern crate alloc;

mod ring3;
mod translation;

use alloc::boxed::Box;
use alloc::vec::Vec;
use common::VirtAddr;
use common::lock::{OffCount, interrupts_off};
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::{End, Test, test};
use interrupts::TrapFrame;
use multitasking::rule::{COPIED, PRIVATE, Rule};
use multitasking::space::switch;
use multitasking::{AddressSpace, Exited, ForkError, NoSuchChild, Pid, comparison, exit, getpid, map, run};
use multitasking::{switch_space, try_wait, wait, wait_for, with_directories};
use paging::directory::{MapError, NotMapped};
use paging::{Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, frame_allocator, regions};
use ring3::programs_of_ring_3_fork_share_a_frame_execute_and_end;
use threads::{Context, MOST_THREADS, PerThread, ReservedThread};
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
    test!(an_unknown_system_call_gives_38_and_changes_nothing_else),
    test!(a_fork_of_a_thread_of_the_kernel_gives_3),
    test!(a_fork_without_memory_gives_12),
    test!(a_fork_without_a_thread_gives_11).memory_mib(64),
    test!(fork_leaves_the_interrupt_flag_as_it_was),
    test!(a_child_holds_the_guards_that_its_parent_holds),
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
    test!(wait_tells_who_has_exited_and_how),
    test!(children_are_reaped_in_the_order_in_which_they_exited),
    test!(wait_by_pid_leaves_the_other_children),
    test!(wait_by_pid_goes_on_waiting_when_another_child_exits),
    test!(wait_by_pid_goes_on_waiting_when_an_orphan_is_adopted),
    test!(wait_without_blocking_returns_at_once),
    test!(wait_without_blocking_leaves_no_task_waiting),
    test!(wait_for_a_task_that_is_no_child_is_an_error),
    test!(a_parent_that_waits_is_not_woken_by_ticks),
    test!(a_child_that_ends_first_waits_to_be_noticed),
    test!(a_child_that_ends_does_not_wake_a_sleeping_parent),
    test!(a_child_that_ends_does_not_wake_a_parent_that_waits_for_something_else),
    test!(a_child_may_end_between_any_two_steps_of_wait),
    test!(orphans_become_children_of_task_1),
    test!(an_orphan_that_has_ended_already_wakes_task_1),
    test!(task_1_ends_last),
    test!(all_is_given_back_when_task_1_has_ended),
    test!(a_thread_in_the_place_of_a_task_is_a_thread_of_the_kernel),
    test!(a_task_that_ends_as_a_thread_of_the_kernel_is_refused)
        .ends(End::Stop("a task ends by `multitasking::exit`, or its parent would wait forever")),
    test!(the_guard_page_of_a_stack_is_never_mapped).ends(End::Stop("the guard page of the stack is never mapped")),
    test!(private_regions_have_names_once_a_task_runs),
    test!(a_space_is_mapped_protected_and_unmapped),
    test!(what_is_unmapped_in_a_space_is_gone_at_once)
        .ends(End::Stop("a read of 0x08048000 in private memory: the page is not present")),
    test!(a_page_that_is_protected_cannot_be_written)
        .ends(End::Stop("a write to 0x08048000 in private memory: the page may not be written")),
    test!(only_private_pages_are_mapped_in_a_space).ends(End::Stop("Page(0xfffff000) is not private")),
    test!(the_space_of_a_thread_is_replaced),
    test!(a_reserved_thread_gives_its_space_back),
    test!(one_frame_is_shared_by_two_spaces),
    test!(cr3_is_loaded_only_on_the_way_to_another_space),
    test!(programs_of_ring_3_fork_share_a_frame_execute_and_end),
    test!(a_stack_overflow_in_a_child_is_told)
        .ends(End::Stop("EXCEPTION: stack overflow: the private stack of task 2 ran into its guard page"))
        .told(&["in `kernel::for_ever`"]),
    test!(a_fault_in_a_child_is_told)
        .ends(End::Stop("EXCEPTION: page fault: a write to 0x09000000 in private memory: the page is not present"))
        .told(&["`kernel::a_fault_in_a_child_is_told::"]),
];

/// Runs `test` as task 1.
fn as_task(test: fn(usize)) {
    assert_eq!(run(test), Ok(0));
}

/// Forks. What a test's stack owns in the heap is dropped by the parent alone: its children end in `exit`.
fn fork() -> Result<Option<Pid>, ForkError> {
    // SAFETY: see above.
    unsafe { multitasking::fork() }
}

/// Forks, runs `child` in the child, and returns the child's number in the parent.
fn fork_to(child: impl FnOnce() -> i32) -> Pid {
    fork().expect("there is room and memory for a child").unwrap_or_else(|| exit(child()))
}

fn pid(number: u32) -> Pid {
    Pid::new(number).expect("it is not 0")
}

/// The number of the running task, 0 for a thread of the kernel.
fn me() -> u32 {
    getpid().map_or(0, Pid::as_u32)
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
        assert_eq!(me(), 1);
        let answer = fork().expect("there is room");
        seen[usize::from(me() == 2)].store(answer.map_or(0, Pid::as_u32), Relaxed);
        if answer.is_none() {
            exit(me() as i32);
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

/// Gives the running task `pages` pages from `address` on, filled with their own addresses.
fn fill(address: VirtAddr, pages: u32) {
    map(address..address.wrapping_add(pages * PAGE_BYTES), Flags::WRITABLE).expect("memory is not out");
    for word in (0..pages * PAGE_BYTES).step_by(4).map(|offset| address.wrapping_add(offset)) {
        // SAFETY: just mapped, for nothing else.
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

// call_with_registers(number: u32, after: *mut [u32; 8]): makes this system call with a value of its own in every
// register, and stores what is in them afterwards, in the order EDI ESI EBP ESP EBX EDX ECX EAX.
global_asm!(
    ".global call_with_registers",
    "call_with_registers:",
    "push ebx",
    "push esi",
    "push edi",
    "push ebp",
    "mov eax, [esp + 20]",
    "push dword ptr [esp + 24]",
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

/// The number of `fork`.
const FORK: u32 = 2;

/// Makes the system call `number`, and returns the answer. All other registers must be as they were.
fn system_call(number: u32) -> i32 {
    unsafe extern "C" {
        fn call_with_registers(number: u32, after: *mut [u32; 8]);
    }
    let mut after = [0; 8];
    // SAFETY: it keeps what compiled code expects, and writes eight words. Of a fork, see `fork`.
    unsafe { call_with_registers(number, &raw mut after) };
    let [edi, esi, ebp, _, ebx, edx, ecx, answer] = after;
    assert_eq!([ebx, ecx, edx], [0xB1B2_B3B4, 0xC1C2_C3C4, 0xD1D2_D3D4]);
    assert_eq!([esi, edi, ebp], [0xE1E2_E3E4, 0xF1F2_F3F4, 0x1112_1314]);
    answer as i32
}

fn registers_survive_a_fork_in_both_tasks() {
    as_task(|_| {
        let answer = system_call(FORK);
        if answer == 0 {
            exit(1);
        }
        assert_eq!(wait(), Ok(Exited { pid: pid(answer as u32), status: 1 }));
    });
}

fn an_unknown_system_call_gives_38_and_changes_nothing_else() {
    const UNKNOWN: [u32; 7] = [0, 1, 3, 7, 9999, 0x8000_0002, u32::MAX];
    UNKNOWN.into_iter().for_each(|number| assert_eq!(system_call(number), -38, "call {number} of a thread"));
    as_task(|_| {
        UNKNOWN.into_iter().for_each(|number| assert_eq!(system_call(number), -38, "call {number} of a task"));
        assert!(interrupts_are_on());
        assert_eq!(wait(), Err(NoSuchChild), "none of them was a fork");
    });
}

fn a_fork_of_a_thread_of_the_kernel_gives_3() {
    assert_eq!(system_call(FORK), -3);
}

fn a_fork_without_memory_gives_12() {
    as_task(|_| {
        for left in [0, 4] {
            let taken = take_all_but(left);
            let answer = system_call(FORK);
            let free = frame_allocator::free_count();
            give_back(taken);
            assert_eq!((answer, free), (-12, left));
        }
        assert_eq!(wait(), Err(NoSuchChild));
    });
}

fn a_fork_without_a_thread_gives_11() {
    as_task(|_| {
        let step = shared(0);
        let mut children = 0;
        let answer = loop {
            match system_call(FORK) {
                0 => {
                    until(step, 1);
                    exit(0);
                }
                answer @ 1.. => {
                    children += 1;
                    assert_eq!(answer as u32, children + 1);
                }
                error => break error,
            }
        };
        assert_eq!((answer, children as usize), (-11, MOST_THREADS - 3));
        step.store(1, Relaxed);
        (0..children).for_each(|_| assert_eq!(wait().map(|exited| exited.status), Ok(0)));
        assert_eq!(fork_to(|| 0), pid(children + 2), "a fork that is refused uses no number");
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
        // In either task, whichever guard is dropped first, the other one keeps interrupts off.
        if answer.is_none() {
            drop(first);
            let one_left = interrupts_are_on();
            drop(second);
            exit(i32::from(one_left) << 1 | i32::from(interrupts_are_on()));
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

fn no_tick_comes_into_a_fork_with_interrupts_off() {
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

// fork_below(bytes: u32) -> u32: forks with so many more bytes on the stack.
global_asm!("fork_below:", "push ebp", "mov ebp, esp", "sub esp, [ebp + 8]", "mov eax, 2", "int 0x80", "leave", "ret");

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

/// Forks a child that does the same, `depth` deep; the last one returns 0, each of the others one more.
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

fn a_thousand_children_and_not_one_frame_lost() {
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

/// Takes all frames but `left`, chained through their first words; the first one is returned.
fn take_all_but(left: u32) -> Option<OwnedFrame> {
    let mut chain = None;
    while frame_allocator::free_count() > left {
        let owned = frame_allocator::allocate().expect("one is free");
        // SAFETY: the frame was free, so nothing else uses it.
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
        if forked == Ok(None) {
            exit(0);
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
        let taken = take_all_but(0);
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
                        exit(0);
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

fn a_thread_of_the_kernel_cannot_fork() {
    assert_eq!((fork(), getpid()), (Err(ForkError::NotATask), None));
}

/// Puts a guard behind every free frame: gives away all that have odd numbers, each filled with its own.
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
        // All 1024 pages of one page table; and what lies behind the frames of a copy must stay as it is.
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

/// What the running task may do with the page at `address`.
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
            map(page(index)..page(index + 1), flags).expect("memory is not out");
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
        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::empty()).expect("memory is not out");
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
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
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
        assert_eq!(wait(), Ok(Exited { pid: child, status: 1 }));
        assert!(in_heap.iter().enumerate().all(|(index, value)| *value == index as i32 ^ number));
    }
    assert_eq!(on_stack, [number; 64]);
    number
}

/// Makes the running task so large that it takes many ticks to copy.
fn map_16_mib() {
    let address = VirtAddr::new(0x1000_0000);
    map(address..address.wrapping_add(16 << 20), Flags::WRITABLE).expect("memory is not out");
}

fn no_tick_is_lost_while_a_large_task_forks() {
    as_task(|_| {
        map_16_mib();
        let before = timer::ticks();
        let child = fork_to(|| 0);
        // One tick would have waited for the end of the fork, even with interrupts off all the time.
        assert!(timer::ticks() > before + 2, "a fork of 16 MiB takes longer than some ticks, and lets them in");
        assert_eq!(wait().map(|exited| exited.pid), Ok(child));
    });
}

fn wait_without_children_is_an_error() {
    as_task(|_| {
        assert_eq!(wait(), Err(NoSuchChild));
        fork_to(|| i32::from(wait() == Err(NoSuchChild)));
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
        assert_eq!(wait(), Err(NoSuchChild));
    });
}

fn wait_tells_who_has_exited_and_how() {
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
        assert_eq!(wait(), Ok(Exited { pid: second, status: i32::MAX }));
        step.store(2, Relaxed);
        assert_eq!(wait(), Ok(Exited { pid: first, status: -5 }));
    });
}

fn children_are_reaped_in_the_order_in_which_they_exited() {
    as_task(|_| {
        const SLEEP_TICKS: [u32; 4] = [60, 0, 90, 30];
        let children = SLEEP_TICKS.map(|ticks| {
            fork_to(|| {
                threads::sleep(ticks);
                ticks as i32
            })
        });
        threads::sleep(200);
        for number in [1, 3, 0, 2] {
            assert_eq!(wait(), Ok(Exited { pid: children[number], status: SLEEP_TICKS[number] as i32 }));
        }
    });
}

fn wait_by_pid_leaves_the_other_children() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        let children = [10, 11, 12].map(|status| fork_to(|| status));
        threads::sleep(20);
        let with_zombies = frame_allocator::taken_count();
        assert_eq!(wait_for(Some(children[1])), Ok(Exited { pid: children[1], status: 11 }));
        assert_eq!(frame_allocator::taken_count(), with_zombies - 5, "one zombie's frames, and not another's");
        assert_eq!(wait(), Ok(Exited { pid: children[0], status: 10 }));
        assert_eq!(wait_for(None), Ok(Exited { pid: children[2], status: 12 }));
        assert_eq!(frame_allocator::taken_count(), before);
    });
}

fn wait_by_pid_goes_on_waiting_when_another_child_exits() {
    as_task(|_| {
        let step = shared(0);
        let late = fork_to(|| {
            until(step, 1);
            1
        });
        let early = fork_to(|| 2);
        // Exits once the parent has been woken by `early`, and waits again.
        let third = fork_to(|| {
            threads::sleep(20);
            step.store(1, Relaxed);
            3
        });
        assert_eq!(wait_for(Some(late)), Ok(Exited { pid: late, status: 1 }));
        assert_eq!(wait(), Ok(Exited { pid: early, status: 2 }));
        assert_eq!(wait(), Ok(Exited { pid: third, status: 3 }));
    });
}

fn wait_by_pid_goes_on_waiting_when_an_orphan_is_adopted() {
    as_task(|_| {
        let late = fork_to(|| {
            threads::sleep(40);
            1
        });
        let parent = fork_to(|| {
            fork_to(|| 33);
            threads::sleep(10);
            2
        });
        assert_eq!(wait_for(Some(late)), Ok(Exited { pid: late, status: 1 }));
        assert_eq!(wait().map(|exited| exited.status), Ok(33), "the orphan exited before its parent");
        assert_eq!(wait(), Ok(Exited { pid: parent, status: 2 }));
    });
}

fn wait_without_blocking_returns_at_once() {
    as_task(|_| {
        assert_eq!(try_wait(None), Err(NoSuchChild));
        let step = shared(0);
        let child = fork_to(|| {
            until(step, 1);
            5
        });
        let off = interrupts_off();
        let before = timer::ticks();
        for which in [None, Some(child)] {
            assert_eq!(try_wait(which), Ok(None), "it has not exited, and will not before it is told to");
        }
        assert_eq!(timer::ticks(), before, "no other task has run");
        drop(off);
        assert_eq!(try_wait(Some(pid(1))), Err(NoSuchChild), "no task is its own child");
        step.store(1, Relaxed);
        threads::sleep(20);
        assert_eq!(try_wait(Some(child)), Ok(Some(Exited { pid: child, status: 5 })));
        assert_eq!(try_wait(Some(child)), Err(NoSuchChild), "it has been reaped");
        let another = fork_to(|| 6);
        threads::sleep(20);
        assert_eq!(try_wait(None), Ok(Some(Exited { pid: another, status: 6 })));
        assert_eq!(try_wait(None), Err(NoSuchChild));
    });
}

fn wait_without_blocking_leaves_no_task_waiting() {
    as_task(|_| {
        fork_to(|| {
            threads::sleep(10);
            0
        });
        assert_eq!(try_wait(None), Ok(None));
        let before = timer::ticks();
        threads::sleep(50);
        assert!(timer::ticks() >= before + 50, "the exit of the child has ended the sleep of its parent");
        wait().expect("there is a child");
    });
}

fn wait_for_a_task_that_is_no_child_is_an_error() {
    as_task(|_| {
        let (grandchild, step) = (shared(0), shared(0));
        let child = fork_to(|| {
            let own = fork_to(|| {
                until(step, 1);
                0
            });
            grandchild.store(own.as_u32(), Relaxed);
            until(step, 1);
            wait().expect("there is a child");
            // Its parent, itself, its child that is gone, and a task that is not there yet.
            let others = [pid(1), pid(me()), own, pid(1000)];
            others.into_iter().filter(|other| wait_for(Some(*other)) == Err(NoSuchChild)).count() as i32
        });
        while grandchild.load(Relaxed) == 0 {
            threads::yield_now();
        }
        assert_eq!(wait_for(Some(pid(grandchild.load(Relaxed)))), Err(NoSuchChild));
        step.store(1, Relaxed);
        assert_eq!(wait(), Ok(Exited { pid: child, status: 4 }));
        assert_eq!(wait_for(Some(child)), Err(NoSuchChild), "it has been reaped");
    });
}

/// How often a thread has got the CPU, as counted by a hook of this test.
static TURNS: PerThread<AtomicU32> = PerThread::new([const { AtomicU32::new(0) }; MOST_THREADS]);

fn a_parent_that_waits_is_not_woken_by_ticks() {
    // SAFETY: it only counts.
    unsafe { threads::before_switch(|_, to, _| _ = TURNS[to].fetch_add(1, Relaxed)) };
    as_task(|_| {
        let me = threads::current();
        for ask in [|_| wait(), |child| wait_for(Some(child))] {
            let child = fork_to(|| {
                threads::sleep(100);
                8
            });
            let (ticks, turns) = (timer::ticks(), TURNS[me].load(Relaxed));
            assert_eq!(ask(child), Ok(Exited { pid: child, status: 8 }));
            assert!(timer::ticks() >= ticks + 100 - 1, "the child has slept");
            // One for its exit; and a timeslice of one tick may end before the parent waits, and after that.
            let turns = TURNS[me].load(Relaxed) - turns;
            assert!(turns <= 4, "{turns} turns of a parent that waits");
        }
    });
}

fn a_child_that_ends_first_waits_to_be_noticed() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        let pid = fork_to(|| 9);
        threads::sleep(20);
        assert_eq!(frame_allocator::taken_count(), before + 5, "a zombie keeps what it had");
        assert_eq!(wait(), Ok(Exited { pid, status: 9 }));
        assert_eq!(frame_allocator::taken_count(), before);
    });
}

fn a_child_that_ends_does_not_wake_a_sleeping_parent() {
    as_task(|_| {
        assert_eq!(wait(), Err(NoSuchChild), "this must not be remembered as waiting");
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
        if registers.eip == switch_space as *const () as u32 {
            // The parent goes to sleep. The steps of others do not matter.
            registers.eflags = (flags - EFlags::FLAGS_TF).bits();
        } else if flags.contains(EFlags::FLAGS_IF) && STEPS_LEFT.fetch_sub(1, Relaxed) == 1 {
            MAY_END.store(1, Relaxed);
            (0..4).for_each(|_| threads::yield_now());
        }
    }
    // SAFETY: a single step has no cause to remove, and the handler changes no register but the flag that made it.
    unsafe { interrupts::register(SINGLE_STEP, step) };
    as_task(|_| {
        for (steps, by_pid) in (1..100).flat_map(|steps| [(steps, false), (steps, true)]) {
            STEPS_LEFT.store(steps, Relaxed);
            MAY_END.store(0, Relaxed);
            let pid = fork_to(|| {
                // It ends in any case, for its parent may not make so many steps before it sleeps.
                (0..200).take_while(|_| MAY_END.load(Relaxed) == 0).for_each(|_| threads::yield_now());
                0
            });
            let child = by_pid.then_some(pid);
            set_single_step(true);
            let exited = wait_for(child);
            set_single_step(false);
            assert_eq!(exited, Ok(Exited { pid, status: 0 }), "after {steps} steps");
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
            // The second one has exited already when it becomes an orphan.
            fork_to(|| 34);
            threads::sleep(10);
            1
        });
        assert_eq!(wait().map(|exited| exited.status), Ok(34), "it exited before its parent");
        assert_eq!(wait(), Ok(Exited { pid: parent, status: 1 }));
        step.store(1, Relaxed);
        assert_eq!(wait().map(|exited| exited.status), Ok(33));
        assert_eq!(wait(), Err(NoSuchChild));
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
        assert_eq!(wait().map(|exited| exited.status), Ok(33));
        step.store(1, Relaxed);
        assert_eq!(wait(), Ok(Exited { pid: parent, status: 34 }));
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

fn a_task_that_ends_as_a_thread_of_the_kernel_is_refused() {
    as_task(|_| {
        fork_to(|| threads::exit());
        let _ = wait();
    });
}

fn the_guard_page_of_a_stack_is_never_mapped() {
    as_task(|_| {
        let stack = PRIVATE.end.wrapping_sub(3 * PAGE_BYTES);
        let _ = map(stack.wrapping_sub(2 * PAGE_BYTES)..stack, Flags::WRITABLE);
    });
}

fn private_regions_have_names_once_a_task_runs() {
    fn is_called(address: VirtAddr, name: &str) -> bool {
        alloc::format!("{}", regions::locate(address).name()) == name
    }
    const STACK: VirtAddr = PRIVATE.end.wrapping_sub(4);
    assert!([DATA, STACK].iter().all(|address| is_called(*address, "no region of the kernel")));
    as_task(|_| {
        assert!(is_called(DATA, "private memory") && is_called(STACK, "the private stack of task 1"));
        assert!(regions::locate(PRIVATE.end.wrapping_sub(3 * PAGE_BYTES + 4)).is_guard_page());
        fork_to(|| i32::from(is_called(STACK, "the private stack of task 2")));
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
    });
    assert!(is_called(STACK, "the private stack"));
}

/// Reads the first word of [`DATA`] in the running thread's address space.
fn read_data() -> u32 {
    // SAFETY: callers have mapped it.
    unsafe { DATA.as_ptr::<u32>().read_volatile() }
}

fn write_data(value: u32) {
    // SAFETY: callers have mapped it, for nothing else.
    unsafe { DATA.as_ptr::<u32>().write_volatile(value) };
}

/// Does `work` with the running task's address space.
fn with_own_space<T>(work: impl FnOnce(&mut AddressSpace) -> T) -> T {
    // SAFETY: 1. No test here puts another space in its place. 2. The thread is here, and makes no copy.
    unsafe { switch::with_space(threads::current(), work) }.expect("a task is running")
}

fn a_space_is_mapped_protected_and_unmapped() {
    as_task(|_| {
        let page = Page::containing(DATA);
        // SAFETY: the page is for this test alone.
        let unmap = || with_own_space(|space| unsafe { space.unmap(page) });
        // SAFETY: as above.
        let protect = |flags| with_own_space(|space| unsafe { space.protect(page, flags) });
        assert_eq!(unmap().map(|owned| owned.frame()), Err(NotMapped(page)));
        assert_eq!(protect(Flags::WRITABLE), Err(NotMapped(page)));

        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE).expect("memory is not out");
        let taken = frame_allocator::taken_count();
        write_data(1);
        assert_eq!(protect(Flags::USER), Ok(()));
        assert_eq!((rights(DATA), read_data()), (Some(Flags::PRESENT | Flags::USER), 1));
        let first = unmap().expect("it is mapped");
        assert_eq!((rights(DATA), frame_allocator::taken_count()), (None, taken), "the frame is the caller's now");

        let second = frame_allocator::allocate().expect("memory is not out");
        // SAFETY: the frame was free.
        unsafe { second.frame().in_window().address().as_ptr::<u32>().write(2) };
        // SAFETY: no reference leads to either of the frames.
        let map_frame = |owned| with_own_space(|space| unsafe { space.map_frame(page, owned, Flags::WRITABLE) });
        assert_eq!(map_frame(second), Ok(()));
        assert_eq!(read_data(), 2);
        let in_the_way = with_own_space(|space| space.directory().translate(DATA)).expect("it is mapped");
        assert_eq!(map_frame(first), Err(MapError::AlreadyMapped(Frame::containing(in_the_way))));
        assert_eq!(frame_allocator::taken_count(), taken, "the share that was refused has been given back");
        assert_eq!(map_frame(unmap().expect("it is mapped")), Ok(()));
        assert_eq!(read_data(), 2);
    });
}

fn what_is_unmapped_in_a_space_is_gone_at_once() {
    as_task(|_| {
        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE).expect("memory is not out");
        let _off = interrupts_off();
        write_data(1);
        // SAFETY: not safe: the page is used once more, which is the test.
        let unmapped = with_own_space(|space| unsafe { space.unmap(Page::containing(DATA)) });
        assert!(unmapped.is_ok());
        read_data();
    });
}

fn a_page_that_is_protected_cannot_be_written() {
    as_task(|_| {
        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE).expect("memory is not out");
        let _off = interrupts_off();
        write_data(1);
        // SAFETY: the page is for this test alone.
        let protected = with_own_space(|space| unsafe { space.protect(Page::containing(DATA), Flags::empty()) });
        assert_eq!(protected, Ok(()));
        write_data(2);
    });
}

fn only_private_pages_are_mapped_in_a_space() {
    let mut space = AddressSpace::new().expect("memory is not out");
    let frame = || frame_allocator::allocate().expect("memory is not out");
    let [lowest, highest] = [PRIVATE.start, PRIVATE.end.wrapping_sub(PAGE_BYTES)].map(Page::containing);
    for page in [lowest, highest, Page::containing(VirtAddr::new(0xFFFF_F000))] {
        // SAFETY: the frame was free, and the space is not in use.
        assert_eq!(unsafe { space.map_frame(page, frame(), Flags::WRITABLE) }, Ok(()));
    }
}

/// An address space in which `frame` is mapped at [`DATA`].
fn space_with(frame: OwnedFrame) -> AddressSpace {
    let mut space = AddressSpace::new().expect("memory is not out");
    // SAFETY: tests reach the frame through pointers alone.
    unsafe { space.map_frame(Page::containing(DATA), frame, Flags::WRITABLE) }.expect("memory is not out");
    space
}

/// Runs `entry(argument)` in `space`, in a thread of the kernel, and gives the space back.
fn run_in(space: AddressSpace, entry: fn(usize), argument: usize) -> AddressSpace {
    #[expect(improper_ctypes_definitions, reason = "caller and callee are compiled by the same rustc")]
    extern "C" fn begin(entry: fn(usize), argument: usize) -> ! {
        // SAFETY: every vector has a handler.
        unsafe { x86::irq::enable() };
        entry(argument);
        threads::exit()
    }
    let mut thread = ReservedThread::new().expect("there is room");
    let context = thread.allocate_stack().expect("memory is not out").as_ptr::<Context>().wrapping_sub(1);
    let id = thread.id();
    switch::set_space(&thread, space);
    // SAFETY: the stack is new, and stays until the thread is joined.
    let thread = unsafe {
        context.write(Context::new(begin, entry, argument));
        thread.start(context, OffCount::START)
    };
    thread.join();
    // SAFETY: the thread has been joined.
    unsafe { switch::take_from(id) }.expect("the thread had a space")
}

fn the_space_of_a_thread_is_replaced() {
    fn frame_with(value: u32) -> OwnedFrame {
        let owned = frame_allocator::allocate().expect("memory is not out");
        // SAFETY: the frame was free.
        unsafe { owned.frame().in_window().address().as_ptr::<u32>().write(value) };
        owned
    }
    fn go_on_in_another(_: usize) {
        let before = frame_allocator::taken_count();
        assert_eq!(read_data(), 1);
        let new = space_with(frame_with(2));
        let off = interrupts_off();
        // SAFETY: the stack of a thread of the kernel is linked, and nothing private is in use.
        let old = unsafe { switch::replace(new) };
        assert_eq!(read_data(), 2, "at once, before any switch");
        drop(off);
        threads::sleep(2);
        assert_eq!(read_data(), 2, "and after others have run");
        drop(old.expect("it had one"));
        assert_eq!(frame_allocator::taken_count(), before, "the old one took as much, and has been given back");
        write_data(3);
    }
    let before = frame_allocator::taken_count();
    let new = run_in(space_with(frame_with(1)), go_on_in_another, 0);
    let there = new.directory().translate(DATA).expect("it is mapped");
    // SAFETY: the frame is that of the space, and no reference leads there.
    assert_eq!(unsafe { VirtAddr::new(there.as_u32()).as_ptr::<u32>().read() }, 3);
    drop(new);
    assert_eq!(frame_allocator::taken_count(), before);
}

fn a_reserved_thread_gives_its_space_back() {
    let before = frame_allocator::taken_count();
    let thread = ReservedThread::new().expect("there is room");
    switch::set_space(&thread, AddressSpace::new().expect("memory is not out"));
    // SAFETY: it has never been started.
    drop(unsafe { switch::take_from(thread.id()) }.expect("it had one"));
    assert_eq!(frame_allocator::taken_count(), before);
    drop(thread);
    threads::spawn(assert_is_in_the_kernels_space, 0).expect("there is room").join();
}

fn one_frame_is_shared_by_two_spaces() {
    let before = frame_allocator::taken_count();
    let owned = frame_allocator::allocate().expect("memory is not out");
    let frame = owned.frame();
    let owners = || frame_allocator::owner_count(frame);
    let first = space_with(owned.share().expect("two owners are not too many"));
    let second = space_with(owned);
    assert_eq!(owners(), 2);
    let first = run_in(first, |_| write_data(17), 0);
    let second = run_in(second, |_| assert_eq!(read_data(), 17), 0);
    let mut copy = first.copy().expect("memory is not out");
    assert_eq!(owners(), 2, "a copy has a frame of its own");
    drop(first);
    assert_eq!(owners(), 1);
    let second = run_in(second, |_| write_data(18), 0);
    drop(second);
    assert_eq!(owners(), 0, "it is free with the last of them");
    copy = run_in(copy, |_| assert_eq!(read_data(), 17), 0);
    drop(copy);
    assert_eq!(frame_allocator::taken_count(), before);
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
