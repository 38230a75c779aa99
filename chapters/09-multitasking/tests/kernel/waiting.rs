//! Children that exit, and parents that do or do not wait for them.

use crate::{as_task, fork_to, interrupts_off, me, pid, shared, until};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use interrupts::TrapFrame;
use multitasking::{Exited, NoSuchChild, switch_space, try_wait, wait, wait_for};
use paging::frame_allocator;
use threads::{Hook, MOST_THREADS, PerThread};
use x86::bits32::eflags::{self, EFlags};

pub fn wait_without_children_is_an_error() {
    as_task(|_| {
        assert_eq!(wait(), Err(NoSuchChild));
        fork_to(|| i32::from(wait() == Err(NoSuchChild)));
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
        assert_eq!(wait(), Err(NoSuchChild));
    });
}

pub fn wait_returns_which_child_exited_and_how() {
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

pub fn children_are_reaped_in_the_order_in_which_they_exited() {
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

pub fn wait_by_pid_leaves_the_other_children() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        let children = [10, 11, 12].map(|status| fork_to(|| status));
        threads::sleep(20);
        let with_zombies = frame_allocator::taken_count();
        assert_eq!(wait_for(Some(children[1])), Ok(Exited { pid: children[1], status: 11 }));
        assert_eq!(frame_allocator::taken_count(), with_zombies - 5, "one zombie's frames, and not another's");
        // Which of the two exited first is up to the clock.
        let mut rest = [wait(), wait_for(None)].map(|exited| exited.expect("a child").status);
        rest.sort_unstable();
        assert_eq!(rest, [10, 12]);
        assert_eq!(frame_allocator::taken_count(), before);
    });
}

pub fn wait_by_pid_goes_on_waiting_when_another_child_exits() {
    as_task(|_| {
        let step = shared(0);
        let late = fork_to(|| {
            until(step, 1);
            1
        });
        let early = fork_to(|| 2);
        // Exits after `early` has woken the parent and the parent waits again.
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

pub fn wait_by_pid_goes_on_waiting_when_an_orphan_is_adopted() {
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

pub fn wait_without_blocking_returns_at_once() {
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

pub fn wait_without_blocking_leaves_no_task_waiting() {
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

pub fn wait_for_a_task_that_is_not_a_child_is_an_error() {
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
            // Its parent, itself, a child that it has reaped, and a task that does not exist yet.
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

/// How often each thread has got the CPU, counted by a hook of this test.
static TURNS: PerThread<AtomicU32> = PerThread::new([const { AtomicU32::new(0) }; MOST_THREADS]);

pub fn a_parent_that_waits_is_not_woken_by_ticks() {
    static COUNT: Hook = Hook::new(|_, to, _| _ = TURNS[to].fetch_add(1, Relaxed));
    // SAFETY: it only counts.
    unsafe { threads::before_switch(&COUNT) };
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
            // One turn for the child's exit; and a timeslice of one tick may end before the parent waits or after it.
            let turns = TURNS[me].load(Relaxed) - turns;
            assert!(turns <= 4, "{turns} turns of a parent that waits");
        }
    });
}

pub fn a_child_that_ends_first_waits_to_be_reaped() {
    as_task(|_| {
        let before = frame_allocator::taken_count();
        let pid = fork_to(|| 9);
        threads::sleep(20);
        assert_eq!(frame_allocator::taken_count(), before + 5, "a zombie keeps what it had");
        assert_eq!(wait(), Ok(Exited { pid, status: 9 }));
        assert_eq!(frame_allocator::taken_count(), before);
    });
}

pub fn a_child_that_ends_does_not_wake_a_sleeping_parent() {
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

pub fn a_child_that_ends_does_not_wake_a_parent_that_waits_for_something_else() {
    as_task(|_| {
        let thread = threads::spawn(|_| threads::sleep(50), 0).expect("there is room");
        fork_to(|| {
            threads::sleep(10);
            0
        });
        // If the parent were woken early, it would find that the thread has not ended, and panic.
        thread.join();
        wait().expect("there is a child");
    });
}

/// The vector of the interrupt that comes after every instruction while the trap flag is set.
const SINGLE_STEP: u8 = 1;

fn set_single_step(on: bool) {
    // SAFETY: the vector has a handler.
    unsafe {
        let mut flags = eflags::read();
        flags.set(EFlags::FLAGS_TF, on);
        eflags::set(flags);
    }
}

pub fn a_child_may_end_between_any_two_steps_of_wait() {
    static STEPS_LEFT: AtomicU32 = AtomicU32::new(0);
    static MAY_END: AtomicU32 = AtomicU32::new(0);
    /// Lets the child end after so many steps of its parent at which an interrupt could come.
    extern "C" fn step(registers: &mut TrapFrame) {
        let flags = EFlags::from_bits_truncate(registers.eflags);
        if registers.eip == switch_space as *const () as u32 {
            // The parent goes to sleep. The steps of other tasks do not matter.
            registers.eflags = (flags - EFlags::FLAGS_TF).bits();
        } else if flags.contains(EFlags::FLAGS_IF) && STEPS_LEFT.fetch_sub(1, Relaxed) == 1 {
            MAY_END.store(1, Relaxed);
            (0..4).for_each(|_| threads::yield_now());
        }
    }
    // SAFETY: a single step needs no EOI, and the handler changes only the trap flag.
    unsafe { interrupts::register(SINGLE_STEP, step) };
    as_task(|_| {
        for (steps, by_pid) in (1..100).flat_map(|steps| [(steps, false), (steps, true)]) {
            STEPS_LEFT.store(steps, Relaxed);
            MAY_END.store(0, Relaxed);
            let pid = fork_to(|| {
                // It ends in any case, because its parent may sleep before it has made so many steps.
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

pub fn orphans_become_children_of_task_1() {
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

pub fn an_orphan_that_has_ended_already_wakes_task_1() {
    as_task(|_| {
        let step = shared(0);
        let parent = fork_to(|| {
            fork_to(|| {
                fork_to(|| 33);
                // When this task exits too, its parent does not wait for it, but task 1 waits for the orphan.
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
