//! The private parts of the kernels that pictures use: functions, variables and their fields, and lines of source.
//!
//! If you change one of them in a kernel, change it here; there is no other place. Whatever a chapter's library makes
//! public, the plans of the pictures import from it.

use memory_map::model::Line;
use paging::Flags;
use probe::program::Checkpoint::{self, Function};

// ---- several pictures ----

/// The end of every demonstration: [`screen`](crate::screen), [`descriptor`](crate::descriptor),
/// [`timeline`](crate::timeline).
pub const END: Checkpoint = Function("boot::stop::end");

/// The parts of a kernel's image, in the order of their addresses, each with the symbols of its beginning and its end
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

/// The frame allocator's marks, one for each frame: [`known`](crate::known).
pub const FRAME_MARKS: Field = ("paging::frames::frame_allocator::FRAMES", "links");

// ---- chapter 4: `frame` ----

/// The handler that the demonstration registers, and the values passed to it: the vector, and EAX.
pub const HANDLER: Checkpoint = Function("ch04_interrupts::breakpoint");
pub const VECTOR_AND_EAX: (u32, u32) = (3, 6);

// ---- chapter 5: `map` ----

/// The fault handler has mapped a page, and the page is still there.
pub const PAGE_IS_THERE: Source = Source(
    "chapters/05-paging/src/main.rs",
    "let meant = KERNEL.lock().translate(SOMEWHERE).expect(\"the handler mapped it\");",
);
/// The address of that page: `SOMEWHERE`.
pub const SOMEWHERE: u64 = 0x5000_0000;
/// The value written there.
pub const WRITTEN: u32 = 42;
/// The bits of an entry that the kernel uses for itself, with their names in the drawing. The second is `REPAIRED`.
pub const OWN_BITS: [(Flags, &str); 2] =
    [(Flags::OWNED, "kernel: owns a share"), (Flags::AVAILABLE_10, "kernel: repaired")];

// ---- chapter 6: `heap` ----

/// The function that the demonstration calls to measure its heap, once for each moment.
pub const USAGE: Checkpoint = Function("heap::global::usage");
/// The field with the last address that has room for a block below the top.
pub const LAST_PLACE: Field = ("heap::global::HEAP", "last");

// ---- chapter 8: `timeline` ----

/// The only function that switches threads. Its arguments are two `ThreadId`, slots plus one, in ECX and EDX.
pub const SWITCH: Checkpoint = Function("switch");
/// The number of ticks so far: the low word.
pub const TICKS: Field = ("timer::tick::TICKS", "low");
/// A word for each thread: the address of its context.
pub const CONTEXTS: Field = ("thread_contexts", WRAPPED);
/// In the context of a new thread (`Context::new`), ESI and EBX: the argument of its function, and the function.
pub const ARGUMENT_OFFSET: u32 = 4;
pub const ENTRY_OFFSET: u32 = 8;
/// How many of each thread's turns ended for each reason, in the order of `Reason::ALL`.
pub const TURN_COUNTS: Field = ("threads::choice::turns::COUNTS", WRAPPED);
/// The named threads, by the function that each runs. Threads that run `count` are named by their argument, a letter.
pub const THREADS: [(&str, &str); 4] =
    [("doze", "sleeper"), ("read", "reader"), ("read_within_a_second", "impatient"), ("idle", "idle")];
pub const NAMED_BY_ARGUMENT: &str = "count";

// ---- chapter 9: `fork`, `agreement` ----

/// A word for each thread: the number of its task, and the address of its page directory.
pub const PIDS: Field = ("multitasking::task::table::PIDS", WRAPPED);
pub const DIRECTORIES: Field = ("multitasking::space::switch::DIRECTORIES", WRAPPED);
/// The four moments of a fork.
pub const BEFORE_FORK: Source = in_chapter_9("let before = frame_allocator::taken_count();");
pub const AFTER_FORK: Source =
    in_chapter_9("println!(\"fork() returned {}, and getpid() returned {}\", child.map_or(0, Pid::as_u32), me());");
pub const CHILD_HAS_WRITTEN: Source = in_chapter_9("shared.wait_for(2);");
pub const CHILD_IS_GONE: Source =
    in_chapter_9("println!(\"wait_for({}) returned status {}.\", ended.pid, ended.status);");
/// The beginning of the log line in which the demonstration prints the addresses of its two variables.
pub const TELLS_OF_VARIABLES: &str = "Now task 1 sees";

// ---- the types ----

/// A variable, and a field in it.
pub type Field = (&'static str, &'static str);
/// The whole content of a type that wraps another.
const WRAPPED: &str = "__0";

/// A line of source to stop before: the file, relative to the workspace's root, and the line.
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
        let all = [PAGE_IS_THERE, BEFORE_FORK, AFTER_FORK, CHILD_HAS_WRITTEN, CHILD_IS_GONE];
        for Source(file, line) in all {
            let source = fs::read_to_string(format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"))).expect(file);
            assert_eq!(source.lines().filter(|other| other.trim() == line).count(), 1, "{file}: {line}");
        }
    }
}
