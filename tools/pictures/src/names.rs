//! What pictures know of the kernels' private parts: functions, variables and their fields, and lines of source.
//!
//! Change one of them in a kernel, and change it here; there is no other place. What a chapter's library makes public,
//! the pictures import from it.

use memory_map::model::Line;
use paging::Flags;
use probe::program::Checkpoint::{self, Function};

// ---- several pictures ----

/// Where every demonstration ends: [`screen`](crate::screen), [`descriptor`](crate::descriptor),
/// [`timeline`](crate::timeline).
pub const END: Checkpoint = Function("boot::stop::end");

/// The parts of a kernel's image, in the order of their addresses, each with the symbols where it begins and ends
/// (linker.ld): [`regions`](crate::regions).
pub const IMAGE: [(&str, &str, &str); 5] = [
    ("the kernel's constants", "rodata_start", "rodata_end"),
    ("the kernel's instructions", "text_start", "text_end"),
    ("the kernel's variables", "data_start", "data_end"),
    ("the stack of double faults", "fault_stack_guard", "fault_stack_top"),
    ("the boot stack", "stack_guard", "stack_top"),
];
/// The pages under the stacks (linker.ld): [`regions`](crate::regions).
pub const GUARDS: [(&str, &str); 2] = [
    ("the guard page of the stack of double faults", "fault_stack_guard"),
    ("the guard page of the boot stack", "stack_guard"),
];

/// The frame allocator's marks, one for each frame: [`marks`](crate::marks).
pub const FRAME_MARKS: Field = ("paging::frames::frame_allocator::FRAMES", "links");

// ---- chapter 4: `frame` ----

/// The handler that the demonstration has registered, and what it is told: the vector, and EAX.
pub const HANDLER: Checkpoint = Function("ch04_interrupts::breakpoint");
pub const VECTOR_AND_EAX: (u32, u32) = (3, 6);

// ---- chapter 5: `map`, `translation` ----

/// The page fault has been answered by a page, and the page is still there.
pub const PAGE_IS_THERE: Source = Source(
    "chapters/05-paging/src/main.rs",
    "let meant = KERNEL.lock().translate(SOMEWHERE).expect(\"the handler mapped it\");",
);
/// Where that page is: `SOMEWHERE`.
pub const SOMEWHERE: u64 = 0x5000_0000;
/// What has been written there.
pub const WRITTEN: u32 = 42;
/// The bits of an entry that the kernel has for itself, and what the drawing calls them. The second is `REPAIRED`.
pub const OWN_BITS: [(Flags, &str); 2] =
    [(Flags::OWNED, "kernel: owns a share"), (Flags::AVAILABLE_10, "kernel: repaired")];

// ---- chapter 6: `heap` ----

/// What the demonstration calls to know its heap, once for each moment.
pub const USAGE: Checkpoint = Function("heap::global::usage");
/// Where the heap keeps the last address with room for a block below the top.
pub const LAST_PLACE: Field = ("heap::global::HEAP", "last");

// ---- chapter 8: `timeline` ----

/// The first and only way from thread to thread. Its arguments are two `ThreadId`, slots plus one, in ECX and EDX.
pub const SWITCH: Checkpoint = Function("switch");
/// How many ticks there have been: the low word.
pub const TICKS: Field = ("timer::tick::TICKS", "low");
/// A word for each thread: where its context is.
pub const CONTEXTS: Field = ("thread_contexts", WRAPPED);
/// In a new thread's context (`Context::new`), ESI and EBX: what the function gets that it calls, and where that lies.
pub const ARGUMENT_OFFSET: u32 = 4;
pub const ENTRY_OFFSET: u32 = 8;
/// How the turns of each thread have ended: the counts in the order of `Reason::ALL`.
pub const TURN_COUNTS: Field = ("threads::choice::turns::COUNTS", WRAPPED);
/// The threads that have a name, by the function that each runs. Those that run `count` have their letter as argument.
pub const THREADS: [(&str, &str); 4] =
    [("doze", "sleeper"), ("read", "reader"), ("read_within_a_second", "impatient"), ("idle", "idle")];
pub const NAMED_BY_ARGUMENT: &str = "count";

// ---- chapter 9: `fork`, `agreement` ----

/// Before there are tasks: the kernel's own address space is in use.
pub const KERNEL_ALONE: Source =
    in_chapter_9("multitasking::run(first_task).expect(\"memory is not out yet\"); // until task 1 has ended");
/// The four moments of a fork.
pub const BEFORE_FORK: Source = in_chapter_9("let before = frame_allocator::taken_count();");
pub const AFTER_FORK: Source =
    in_chapter_9("println!(\"fork() returned {}, and getpid() returned {}\", child.map_or(0, Pid::as_u32), me());");
pub const CHILD_HAS_WRITTEN: Source = in_chapter_9("shared.wait_for(2);");
pub const CHILD_IS_GONE: Source =
    in_chapter_9("println!(\"wait_for({}) returned status {}.\", ended.pid, ended.status);");
/// How the line of the log begins in which the demonstration tells where its two variables are.
pub const TELLS_OF_VARIABLES: &str = "Now task 1 sees";

// ---- the types ----

/// A variable, and a field in it.
pub type Field = (&'static str, &'static str);
/// All there is in a type that wraps another.
const WRAPPED: &str = "__0";

/// A line of source to stop before: the file, seen from the workspace's root, and the line.
#[derive(Clone, Copy)]
pub struct Source(pub &'static str, pub &'static str);

const fn in_chapter_9(line: &'static str) -> Source {
    Source("chapters/09-multitasking/src/main.rs", line)
}

impl From<Source> for Checkpoint<'static> {
    fn from(Source(file, words): Source) -> Self {
        Checkpoint::Line(file, words)
    }
}

impl From<Source> for Line {
    fn from(Source(file, words): Source) -> Self {
        Line { file: file.into(), words: words.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_line_is_there_and_only_once() {
        let all = [PAGE_IS_THERE, KERNEL_ALONE, BEFORE_FORK, AFTER_FORK, CHILD_HAS_WRITTEN, CHILD_IS_GONE];
        for Source(file, line) in all {
            let source = fs::read_to_string(format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"))).expect(file);
            assert_eq!(source.lines().filter(|other| other.trim() == line).count(), 1, "{file}: {line}");
        }
    }
}
