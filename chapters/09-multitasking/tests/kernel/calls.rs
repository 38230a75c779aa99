//! System calls: the contents of the registers afterwards.

use crate::{as_task, fork_to, give_back, interrupts_are_on, pid, shared, take_all_except, until};
use core::arch::global_asm;
use core::sync::atomic::Ordering::Relaxed;
use multitasking::{Exited, NoSuchChild, exit, wait};
use paging::frame_allocator;
use threads::MOST_THREADS;

// call_with_registers(number: u32, after: *mut [u32; 8]): makes this system call with a different value in every
// register, and stores the registers afterwards, in the order EDI ESI EBP ESP EBX EDX ECX EAX.
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

/// Makes the system call `number`, and returns its result. All other registers must be unchanged.
fn system_call(number: u32) -> i32 {
    unsafe extern "C" {
        fn call_with_registers(number: u32, after: *mut [u32; 8]);
    }
    let mut after = [0; 8];
    // SAFETY: it preserves what compiled code expects, and writes eight words. For a fork, see `fork`.
    unsafe { call_with_registers(number, &raw mut after) };
    let [edi, esi, ebp, _, ebx, edx, ecx, answer] = after;
    assert_eq!([ebx, ecx, edx], [0xB1B2_B3B4, 0xC1C2_C3C4, 0xD1D2_D3D4]);
    assert_eq!([esi, edi, ebp], [0xE1E2_E3E4, 0xF1F2_F3F4, 0x1112_1314]);
    answer as i32
}

pub fn registers_survive_a_fork_in_both_tasks() {
    as_task(|_| {
        let answer = system_call(FORK);
        if answer == 0 {
            // SAFETY: no code relies on what is on the stack.
            unsafe { exit(1) };
        }
        assert_eq!(wait(), Ok(Exited { pid: pid(answer as u32), status: 1 }));
    });
}

pub fn an_unknown_system_call_returns_38_and_changes_nothing_else() {
    const UNKNOWN: [u32; 7] = [0, 1, 3, 7, 9999, 0x8000_0002, u32::MAX];
    UNKNOWN.into_iter().for_each(|number| assert_eq!(system_call(number), -38, "call {number} of a thread"));
    as_task(|_| {
        UNKNOWN.into_iter().for_each(|number| assert_eq!(system_call(number), -38, "call {number} of a task"));
        assert!(interrupts_are_on());
        assert_eq!(wait(), Err(NoSuchChild), "none of them was a fork");
    });
}

pub fn a_fork_of_a_kernel_thread_returns_3() {
    assert_eq!(system_call(FORK), -3);
}

pub fn a_fork_without_memory_returns_12() {
    as_task(|_| {
        for left in [0, 4] {
            let taken = take_all_except(left);
            let answer = system_call(FORK);
            let free = frame_allocator::free_count();
            give_back(taken);
            assert_eq!((answer, free), (-12, left));
        }
        assert_eq!(wait(), Err(NoSuchChild));
    });
}

pub fn a_fork_without_a_thread_returns_11() {
    as_task(|_| {
        let step = shared(0);
        let mut children = 0;
        let answer = loop {
            match system_call(FORK) {
                0 => {
                    until(step, 1);
                    // SAFETY: no code relies on what is on the stack.
                    unsafe { exit(0) };
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
