//! The content of a picture of memory, apart from its drawing: the file `NAME.json`.
//!
//! The drawing and the tables are made from this alone. Everything is sorted, so the same memory always gives
//! the same bytes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A picture of memory at one moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Picture {
    /// The name of its files, without an extension.
    pub name: String,
    /// A short title.
    pub title: String,
    /// Where the kernel was stopped.
    pub stopped_before: Line,
    /// The address spaces.
    pub spaces: Vec<Space>,
    /// Physical memory, grouped by use, and sorted by the lowest address of each group.
    pub memory: Vec<Holding>,
    /// The values of variables.
    pub values: Vec<Value>,
}

/// A line of the source.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Line {
    /// The file, relative to the workspace's root.
    pub file: String,
    /// The line, without leading and trailing spaces.
    pub words: String,
}

/// An address space.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Space {
    /// The name of its owner.
    pub name: String,
    /// The physical address of its page directory.
    pub directory: Address,
    /// The mapped regions, from the lowest address up.
    pub regions: Vec<Region>,
    /// It did not exist at the previous moment.
    #[serde(default, skip_serializing_if = "is_false")]
    pub new: bool,
}

/// Consecutive pages of one region of the kernel, with the same rights and shared in the same way.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Region {
    /// The kernel's name for it.
    pub name: String,
    /// The first virtual address.
    pub start: Address,
    /// The first virtual address after it.
    pub end: Address,
    /// The access rights.
    pub rights: String,
    /// How it relates to the other address space; `None` if there is no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
    /// The frames, in the order of the pages.
    pub frames: Vec<Frames>,
}

/// How two address spaces share pages, according to their page tables.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// Both map the same frames there.
    Linked,
    /// Each maps its own frames there.
    Copied,
    /// The other maps nothing there.
    Alone,
}

/// Consecutive frames.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Frames {
    /// The physical address of the first.
    pub start: Address,
    /// Their total size in bytes.
    pub bytes: u64,
}

/// Frames with the same use.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Holding {
    /// Their use.
    pub name: String,
    /// The frames, from the lowest up.
    pub frames: Vec<Frames>,
    /// What changed since the previous moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// How frames differ from the previous moment.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub enum Change {
    /// They were free.
    #[serde(rename = "new")]
    New,
    /// They are free now and were not before; the name tells their former use.
    #[serde(rename = "free again")]
    FreeAgain,
}

/// The value of a variable in one address space.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Value {
    /// Its name in the source.
    pub variable: String,
    /// The space.
    pub space: String,
    /// Its virtual address.
    pub address: Address,
    /// The physical address that this one translates to.
    pub physical: Address,
    /// The value.
    pub value: u32,
    /// It had another value at the previous moment.
    #[serde(default, skip_serializing_if = "is_false")]
    pub changed: bool,
}

/// An address, virtual or physical; also 4 GiB, the end of the address space.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address(pub u64);

/// The name for frames without an owner.
pub const FREE: &str = "free";

impl Picture {
    /// Records what differs from `before`.
    pub fn compare_with(&mut self, before: &Self) {
        for space in &mut self.spaces {
            space.new = before.spaces.iter().all(|other| other.name != space.name);
        }
        for value in &mut self.values {
            let same = |other: &&Value| (&other.variable, &other.space) == (&value.variable, &value.space);
            value.changed = before.values.iter().find(same).is_some_and(|other| other.value != value.value);
        }
        for holding in self.memory.iter_mut().filter(|holding| holding.name != FREE) {
            let is_new = before.memory.iter().all(|other| other.name != holding.name);
            holding.change = is_new.then_some(Change::New);
        }
        let is_gone = |other: &&Holding| {
            other.change != Some(Change::FreeAgain) && self.memory.iter().all(|holding| holding.name != other.name)
        };
        let gone: Vec<Holding> = before.memory.iter().filter(is_gone).cloned().collect();
        for gone in gone {
            let frames = self.take_from_free(&gone.frames);
            if !frames.is_empty() {
                self.memory.push(Holding { frames, change: Some(Change::FreeAgain), ..gone });
            }
        }
        self.memory.sort_by_key(|holding| holding.frames.first().map(|frames| frames.start));
    }

    /// Removes these frames from the group of free ones, because they are shown separately, and returns those that were
    /// in it. A kernel that loses frames does not free them.
    fn take_from_free(&mut self, frames: &[Frames]) -> Vec<Frames> {
        let Some(free) = self.memory.iter_mut().find(|holding| holding.name == FREE) else { return Vec::new() };
        let taken =
            frames.iter().flat_map(|frames| free.frames.iter().filter_map(|free| frames.common(free))).collect();
        for out in frames {
            free.frames = free.frames.iter().flat_map(|frames| frames.without(*out)).collect();
        }
        taken
    }
}

impl Frames {
    /// The first address after them.
    pub fn end(&self) -> Address {
        Address(self.start.0 + self.bytes)
    }

    /// The frames that are in both; `None` if there are none.
    fn common(&self, other: &Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end().min(other.end()));
        (start < end).then(|| Self { start, bytes: end.0 - start.0 })
    }

    /// Whether they share any frame.
    pub fn overlap(&self, other: &Self) -> bool {
        self.start < other.end() && other.start < self.end()
    }

    fn without(&self, out: Self) -> Vec<Self> {
        let part = |start: u64, end: u64| (start < end).then(|| Self { start: Address(start), bytes: end - start });
        let before = part(self.start.0, self.end().0.min(out.start.0));
        let behind = part(self.start.0.max(out.end().0), self.end().0);
        before.into_iter().chain(behind).collect()
    }
}

impl Sharing {
    /// The word for it in the picture.
    pub fn word(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Copied => "copied",
            Self::Alone => "only here",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        digits.map(Self).ok_or_else(|| format!("\"{text}\" is not an address"))
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(name: &str, frames: &[(u64, u64)]) -> Holding {
        let frames = frames.iter().map(|(start, bytes)| Frames { start: Address(*start), bytes: *bytes }).collect();
        Holding { name: name.into(), frames, change: None }
    }

    fn picture(memory: Vec<Holding>, value: u32) -> Picture {
        let name = "task 1".to_owned();
        let space = Space { name: name.clone(), directory: Address(0x1000), regions: Vec::new(), new: false };
        let (address, physical) = (Address(0xC000_0000), Address(0x2000));
        let value = Value { variable: "x".into(), space: name.clone(), address, physical, value, changed: false };
        let stopped_before = Line { file: "main.rs".into(), words: "x();".into() };
        Picture { name, title: String::new(), stopped_before, spaces: vec![space], memory, values: vec![value] }
    }

    #[test]
    fn new_and_freed_frames_are_marked() {
        let first = picture(vec![holding("a", &[(0x1000, 0x1000)]), holding(FREE, &[(0x2000, 0x8000)])], 1);
        let mut second = picture(
            vec![
                holding("a", &[(0x1000, 0x1000)]),
                holding("b", &[(0x2000, 0x1000), (0x4000, 0x1000)]),
                holding(FREE, &[(0x3000, 0x1000), (0x5000, 0x5000)]),
            ],
            2,
        );
        second.compare_with(&first);
        let changes = |picture: &Picture| picture.memory.iter().map(|holding| holding.change).collect::<Vec<_>>();
        assert_eq!(changes(&second), [None, Some(Change::New), None]);
        assert!(second.values[0].changed && !second.spaces[0].new);

        let mut third = first.clone();
        third.compare_with(&second);
        let again = Holding { change: Some(Change::FreeAgain), ..holding("b", &[(0x2000, 0x1000), (0x4000, 0x1000)]) };
        let free = holding(FREE, &[(0x3000, 0x1000), (0x5000, 0x5000)]);
        assert_eq!(third.memory, [holding("a", &[(0x1000, 0x1000)]), again, free]);
        let mut lost = first.clone();
        lost.memory.insert(1, holding("lost", &[(0x4000, 0x1000)]));
        lost.memory[2] = holding(FREE, &[(0x2000, 0x2000), (0x5000, 0x5000)]);
        lost.compare_with(&second);
        let freed =
            lost.memory.iter().find(|holding| holding.change == Some(Change::FreeAgain)).expect("the frame at 0x2000");
        assert_eq!(freed.frames, holding("", &[(0x2000, 0x1000)]).frames, "what the kernel has lost is not free again");
        let mut fourth = first.clone();
        fourth.compare_with(&third);
        assert_eq!(changes(&fourth), [None, None], "what has been free for longer is no news");
    }

    #[test]
    fn a_picture_survives_writing_and_reading() {
        let picture = picture(vec![holding("a", &[(0, 1 << 32)])], 7);
        let text = serde_json::to_string(&picture).expect("it can be written");
        assert!(text.contains("\"0xc0000000\"") && !text.contains("changed"), "{text}");
        assert_eq!(serde_json::from_str::<Picture>(&text).expect("it can be read"), picture);
        assert!(serde_json::from_str::<Address>("\"12\"").is_err());
    }
}
