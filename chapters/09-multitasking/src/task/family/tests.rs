//! Tests the family by examples, and against a model: a list of processes, each with its parent's number.

use super::*;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const FIRST: ThreadId = ThreadId::new(2);

/// The thread at `slot`.
fn at(slot: usize) -> ThreadId {
    ThreadId::new(slot)
}

/// A family with its first process.
fn family() -> Family {
    let mut family = Family::new();
    assert_eq!(family.add(FIRST, None), Pid::FIRST);
    family
}

/// Adds a child of `parent` at each of `slots`, and returns their numbers.
fn fork<const N: usize>(family: &mut Family, parent: ThreadId, slots: [usize; N]) -> [Pid; N] {
    slots.map(|slot| family.add(at(slot), Some(parent)))
}

/// The result for a parent that reaps process `pid`, which was at `slot`.
fn reaped(pid: Pid, slot: usize, status: i32) -> Result<Option<Zombie>, NoSuchChild> {
    Ok(Some(Zombie { pid, thread: at(slot), status }))
}

/// The parent has such a child, but it has not exited.
const NOT_YET: Result<Option<Zombie>, NoSuchChild> = Ok(None);

#[test]
fn processes_are_numbered_from_1_on_and_are_found_by_their_numbers() {
    let mut family = Family::new();
    assert_eq!((family.pid_of(FIRST), family.thread_of(Pid::FIRST)), (None, None));
    let first = family.add(FIRST, None);
    let second = family.add(at(MOST_THREADS - 1), Some(FIRST));
    let third = family.add(at(0), Some(at(MOST_THREADS - 1)));
    assert_eq!([first, second, third].map(Pid::as_u32), [1, 2, 3]);
    for (pid, thread) in [(first, FIRST), (second, at(MOST_THREADS - 1)), (third, at(0))] {
        assert_eq!((family.pid_of(thread), family.thread_of(pid)), (Some(pid), Some(thread)));
    }
    assert_eq!((family.pid_of(at(1)), Pid::new(4).and_then(|pid| family.thread_of(pid))), (None, None));
}

#[test]
fn a_pid_is_a_number_but_not_0() {
    assert_eq!(Pid::new(0), None);
    assert_eq!(Pid::new(1), Some(Pid::FIRST));
    assert_eq!(Pid::new(12).map(|pid| (pid.as_u32(), pid.to_string())), Some((12, "12".into())));
}

#[test]
fn no_pid_is_ever_used_again() {
    let mut family = family();
    for number in 2..100 {
        // At the same slot every time, and always the last process when the next one is added.
        let [pid] = fork(&mut family, FIRST, [5]);
        assert_eq!(pid.as_u32(), number);
        let _ = family.exit(at(5), 0);
        assert_eq!(family.reap(FIRST, None), reaped(pid, 5, 0));
        assert_eq!(family.thread_of(pid), None);
    }
}

#[test]
fn the_last_pid_of_all_is_the_largest_that_is_no_error() {
    let mut family = family();
    family.last_pid = i32::MAX as u32 - 1;
    assert_eq!(fork(&mut family, FIRST, [3])[0].as_u32(), i32::MAX as u32);
}

#[test]
#[should_panic(expected = "all process numbers have been used")]
fn rather_than_use_a_pid_again_the_family_panics() {
    let mut family = family();
    family.last_pid = i32::MAX as u32;
    family.add(at(3), Some(FIRST));
}

#[test]
fn the_child_that_exited_first_is_reaped_first() {
    let mut family = family();
    let [a, b, c] = fork(&mut family, FIRST, [3, 4, 5]);
    assert_eq!(family.reap(FIRST, None), NOT_YET);
    assert_eq!(family.exit(at(4), -1), [Some(FIRST), None]);
    assert_eq!(family.exit(at(3), i32::MAX), [Some(FIRST), None]);
    assert_eq!(family.reap(FIRST, None), reaped(b, 4, -1));
    assert_eq!(family.exit(at(5), 0), [Some(FIRST), None]);
    assert_eq!(family.reap(FIRST, None), reaped(a, 3, i32::MAX));
    assert_eq!(family.reap(FIRST, None), reaped(c, 5, 0));
    assert_eq!(family.reap(FIRST, None), Err(NoSuchChild));
}

#[test]
fn to_reap_by_pid_leaves_the_others_and_their_order() {
    for wanted in 0..4 {
        let mut family = family();
        let pids = fork(&mut family, FIRST, [3, 4, 5, 6]);
        // The last one is still running.
        (3..6).for_each(|slot| _ = family.exit(at(slot), slot as i32));
        let expected = if wanted < 3 { reaped(pids[wanted], wanted + 3, wanted as i32 + 3) } else { NOT_YET };
        assert_eq!(family.reap(FIRST, Some(pids[wanted])), expected);
        let _ = family.exit(at(6), 6);
        for other in (0..4).filter(|other| wanted == 3 || *other != wanted) {
            assert_eq!(family.reap(FIRST, None), reaped(pids[other], other + 3, other as i32 + 3));
        }
        assert_eq!(family.reap(FIRST, None), Err(NoSuchChild));
    }
}

#[test]
fn a_process_without_such_a_child_is_told_so() {
    let mut family = family();
    let [child] = fork(&mut family, FIRST, [3]);
    let [grandchild] = fork(&mut family, at(3), [4]);
    let later = Pid::new(4).unwrap();
    for (parent, pid) in [(FIRST, grandchild), (at(4), child), (at(3), Pid::FIRST), (FIRST, Pid::FIRST), (FIRST, later)]
    {
        assert_eq!(family.reap(parent, Some(pid)), Err(NoSuchChild), "{pid} is no child of thread {parent}");
    }
    assert_eq!(family.reap(at(4), None), Err(NoSuchChild));
    assert_eq!(family.reap(at(7), None), Err(NoSuchChild), "thread 7 is of the kernel");
    assert_eq!(family.reap(FIRST, Some(child)), NOT_YET);
    let _ = family.exit(at(3), 0);
    assert_eq!(family.reap(at(4), Some(child)), Err(NoSuchChild), "exited, but another process's child");
    assert_eq!(family.reap(FIRST, Some(child)), reaped(child, 3, 0));
    assert_eq!(family.reap(FIRST, Some(child)), Err(NoSuchChild), "it has been reaped already");
}

#[test]
fn an_orphan_is_adopted_by_the_first_process() {
    let mut family = family();
    let [parent] = fork(&mut family, FIRST, [3]);
    let [orphan] = fork(&mut family, at(3), [4]);
    assert_eq!(family.reap(FIRST, Some(orphan)), Err(NoSuchChild));
    assert_eq!(family.exit(at(3), 1), [Some(FIRST), None]);
    assert_eq!(family.reap(FIRST, None), reaped(parent, 3, 1));
    assert_eq!(family.reap(FIRST, Some(orphan)), NOT_YET);
    assert_eq!(family.exit(at(4), 2), [Some(FIRST), None]);
    assert_eq!(family.reap(FIRST, None), reaped(orphan, 4, 2));
    assert_eq!(family.reap(FIRST, None), Err(NoSuchChild));
}

#[test]
fn zombies_that_are_orphaned_are_adopted_in_the_order_in_which_they_exited() {
    let mut family = family();
    let [parent, own] = fork(&mut family, FIRST, [3, 4]);
    let [child] = fork(&mut family, at(3), [5]);
    let [a, b, c] = fork(&mut family, at(5), [6, 7, 8]);
    let _ = family.exit(at(7), 7);
    let _ = family.exit(at(6), 6);
    let _ = family.exit(at(4), 4);
    assert_eq!(family.exit(at(5), 5), [Some(at(3)), Some(FIRST)], "both have something to reap");
    for (pid, slot) in [(own, 4), (b, 7), (a, 6)] {
        assert_eq!(family.reap(FIRST, None), reaped(pid, slot, slot as i32));
    }
    assert_eq!(family.reap(FIRST, Some(c)), NOT_YET);
    assert_eq!(family.reap(at(3), None), reaped(child, 5, 5));
    assert_eq!(family.reap(at(3), None), Err(NoSuchChild));
    let _ = family.exit(at(8), 8);
    let _ = family.exit(at(3), 3);
    assert_eq!(family.reap(FIRST, None), reaped(c, 8, 8));
    assert_eq!(family.reap(FIRST, None), reaped(parent, 3, 3));
}

#[test]
fn a_parent_that_adopts_the_zombies_of_its_child_is_named_once_and_reaps_them_first() {
    let mut family = family();
    let [child] = fork(&mut family, FIRST, [3]);
    let [grandchild] = fork(&mut family, at(3), [4]);
    assert_eq!(family.exit(at(4), 4), [Some(at(3)), None]);
    assert_eq!(family.exit(at(3), 3), [Some(FIRST), None]);
    assert_eq!(family.reap(FIRST, None), reaped(grandchild, 4, 4));
    assert_eq!(family.reap(FIRST, None), reaped(child, 3, 3));
}

#[test]
fn the_first_process_exits_last_and_is_reaped_by_the_kernel() {
    let mut family = family();
    let [child] = fork(&mut family, FIRST, [3]);
    let _ = family.exit(at(3), 0);
    assert_eq!(family.reap(FIRST, Some(child)), reaped(child, 3, 0));
    assert_eq!(family.reap_first(), None, "it has not exited yet");
    assert_eq!(family.exit(FIRST, 9), [None; 2]);
    assert_eq!(family.reap_first(), Some(Zombie { pid: Pid::FIRST, thread: FIRST, status: 9 }));
    assert_eq!((family.reap_first(), family.pid_of(FIRST)), (None, None));
}

#[test]
#[should_panic(expected = "the first process exits last")]
fn the_first_process_does_not_exit_before_its_children() {
    let mut family = family();
    fork(&mut family, FIRST, [3]);
    let _ = family.exit(FIRST, 0);
}

#[test]
#[should_panic(expected = "only the first process has no parent, but this is process 2")]
fn there_is_one_process_without_a_parent() {
    family().add(at(3), None);
}

#[test]
#[should_panic(expected = "thread 2 is already a process")]
fn a_thread_is_one_process_at_a_time() {
    family().add(FIRST, Some(FIRST));
}

#[test]
#[should_panic(expected = "a parent is a process that has not exited")]
fn a_thread_of_the_kernel_has_no_children() {
    family().add(at(3), Some(at(4)));
}

#[test]
#[should_panic(expected = "a parent is a process that has not exited")]
fn a_zombie_has_no_children() {
    let mut family = family();
    fork(&mut family, FIRST, [3]);
    let _ = family.exit(at(3), 0);
    family.add(at(4), Some(at(3)));
}

#[test]
#[should_panic(expected = "thread 3 is not a process, or has already exited")]
fn a_process_exits_once() {
    let mut family = family();
    fork(&mut family, FIRST, [3]);
    let _ = family.exit(at(3), 0);
    let _ = family.exit(at(3), 0);
}

#[test]
#[should_panic(expected = "thread 3 is not a process, or has already exited")]
fn a_thread_of_the_kernel_does_not_exit_as_a_process() {
    let _ = family().exit(at(3), 0);
}

/// One call.
#[derive(Clone, Debug)]
enum Step {
    /// Adds a child of one of the running processes, at a slot if it is free.
    Add { slot: usize, parent: Index },
    /// Lets one of the running processes exit, except the first.
    Exit { process: Index, status: i32 },
    /// Lets a thread reap any of its children.
    ReapAny { slot: usize },
    /// Lets a thread reap the process with one of the numbers used so far, or with the next one.
    ReapPid { slot: usize, pid: Index },
    /// The same, but for a child of this thread, if it has one.
    ReapChild { slot: usize, child: Index },
}

/// Few slots, so that the test uses each of them again and again.
const SLOTS: [usize; 10] = [0, 1, 2, 3, 4, 500, 501, MOST_THREADS - 3, MOST_THREADS - 2, MOST_THREADS - 1];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = || select(&SLOTS[..]);
    let step = prop_oneof![
        6 => (slot(), any::<Index>()).prop_map(|(slot, parent)| Step::Add { slot, parent }),
        3 => (any::<Index>(), any::<i32>()).prop_map(|(process, status)| Step::Exit { process, status }),
        2 => slot().prop_map(|slot| Step::ReapAny { slot }),
        1 => (slot(), any::<Index>()).prop_map(|(slot, pid)| Step::ReapPid { slot, pid }),
        2 => (slot(), any::<Index>()).prop_map(|(slot, child)| Step::ReapChild { slot, child }),
    ];
    prop::collection::vec(step, 0..200)
}

/// A process of the model.
#[derive(Clone, Copy)]
struct Process {
    pid: u32,
    slot: usize,
    /// The number of its parent; 0 for the first process.
    parent: u32,
    status: Option<i32>,
    /// When it became a zombie of its parent.
    since: u32,
}

/// The family, and the model that it should equal.
struct Model {
    family: Family,
    processes: Vec<Process>,
    last_pid: u32,
    now: u32,
    /// The numbers of all reaped processes.
    reaped: Vec<u32>,
}

impl Model {
    fn new() -> Self {
        let first = Process { pid: 1, slot: FIRST.slot(), parent: 0, status: None, since: 0 };
        Self { family: family(), processes: vec![first], last_pid: 1, now: 0, reaped: Vec::new() }
    }

    /// The index of the process at `slot`.
    fn at(&self, slot: usize) -> Option<usize> {
        self.processes.iter().position(|process| process.slot == slot)
    }

    fn running(&self) -> Vec<Process> {
        self.processes.iter().copied().filter(|process| process.status.is_none()).collect()
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Add { slot, parent } if self.at(slot).is_none() => {
                let parent = *parent.get(&self.running());
                self.last_pid += 1;
                let pid = self.family.add(at(slot), Some(at(parent.slot)));
                assert_eq!(pid.as_u32(), self.last_pid);
                self.processes.push(Process { pid: self.last_pid, slot, parent: parent.pid, status: None, since: 0 });
            }
            Step::Add { .. } => {}
            Step::Exit { process, status } => {
                let process = *process.get(&self.running());
                if process.pid != 1 {
                    self.exit(process, status);
                }
            }
            Step::ReapAny { slot } => self.reap(slot, None),
            Step::ReapPid { slot, pid } => self.reap(slot, Some(pid.index(self.last_pid as usize + 1) as u32 + 1)),
            Step::ReapChild { slot, child } => {
                let parent = self.at(slot).map_or(0, |index| self.processes[index].pid);
                let children: Vec<_> = self.processes.iter().filter(|process| process.parent == parent).collect();
                if let (false, Some(child)) = (parent == 0, children.get(child.index(children.len().max(1)))) {
                    self.reap(slot, Some(child.pid));
                }
            }
        }
        self.compare();
    }

    fn exit(&mut self, exiting: Process, status: i32) {
        self.processes.sort_by_key(|process| process.since);
        let mut adopts_zombie = false;
        for orphan in self.processes.iter_mut().filter(|process| process.parent == exiting.pid) {
            self.now += 1;
            (orphan.parent, orphan.since) = (1, self.now);
            adopts_zombie |= orphan.status.is_some();
        }
        self.now += 1;
        let index = self.at(exiting.slot).unwrap();
        (self.processes[index].status, self.processes[index].since) = (Some(status), self.now);
        let mut told = Vec::from_iter((exiting.parent != 0).then_some(exiting.parent));
        if adopts_zombie && exiting.parent != 1 {
            told.push(1);
        }
        let waking = self.family.exit(at(exiting.slot), status).into_iter().flatten();
        let waking: Vec<u32> = waking.map(|thread| self.family.pid_of(thread).unwrap().as_u32()).collect();
        assert_eq!(waking, told);
    }

    /// Lets the thread at `slot` reap `child`, or any.
    fn reap(&mut self, slot: usize, child: Option<u32>) {
        let parent = self.at(slot).map(|index| self.processes[index].pid);
        let is_wanted =
            |process: &&Process| Some(process.parent) == parent && child.is_none_or(|pid| pid == process.pid);
        let wanted: Vec<Process> = self.processes.iter().filter(is_wanted).copied().collect();
        let zombie = wanted.iter().filter(|process| process.status.is_some()).min_by_key(|process| process.since);
        let result = self.family.reap(at(slot), child.and_then(Pid::new));
        match zombie {
            None if wanted.is_empty() => assert_eq!(result, Err(NoSuchChild)),
            None => assert_eq!(result, NOT_YET),
            Some(zombie) => {
                assert_eq!(result, reaped(Pid::new(zombie.pid).unwrap(), zombie.slot, zombie.status.unwrap()));
                self.processes.retain(|process| process.pid != zombie.pid);
                self.reaped.push(zombie.pid);
            }
        }
    }

    /// Whether both hold the same processes.
    fn compare(&self) {
        for slot in SLOTS {
            let pid = self.at(slot).map(|index| self.processes[index].pid);
            assert_eq!(self.family.pid_of(at(slot)).map(Pid::as_u32), pid, "at slot {slot}");
        }
        for process in &self.processes {
            assert_eq!(self.family.thread_of(Pid::new(process.pid).unwrap()), Some(at(process.slot)));
        }
        for pid in self.reaped.last().copied().into_iter().chain([self.last_pid + 1]) {
            assert_eq!(self.family.thread_of(Pid::new(pid).unwrap()), None, "process {pid}");
        }
    }

    /// Lets all processes exit, the first one last, and be reaped.
    fn finish(&mut self) {
        while let Some(process) = self.running().into_iter().find(|process| process.pid != 1) {
            self.exit(process, 0);
            self.compare();
        }
        while self.processes.len() > 1 {
            self.reap(FIRST.slot(), None);
            self.compare();
        }
        assert_eq!(self.family.reap(FIRST, None), Err(NoSuchChild));
        assert_eq!(self.family.exit(FIRST, 0), [None; 2]);
        self.reaped.extend(self.family.reap_first().map(|zombie| zombie.pid.as_u32()));
        self.processes.clear();
        self.compare();
    }
}

proptest! {
    #[test]
    fn any_sequence_of_calls_behaves_like_the_model(steps in steps()) {
        let mut model = Model::new();
        steps.iter().for_each(|step| model.run(step));
    }

    #[test]
    fn every_process_that_has_been_is_reaped_exactly_once(steps in steps()) {
        let mut model = Model::new();
        steps.iter().for_each(|step| model.run(step));
        model.finish();
        model.reaped.sort_unstable();
        prop_assert!(model.reaped.iter().copied().eq(1..=model.last_pid), "{:?}", model.reaped);
    }
}
