//! From page tables to a picture: where each region is, and how two address spaces share it.
//!
//! Like the kernel's own `comparison.rs`, this code does not know the kernel's rule for a fork: it compares the walks
//! of both tables. It knows nothing about QEMU either.

use crate::memory::Memory;
use crate::model::{Address, FREE, Frames, Holding, Line, Picture, Region, Sharing, Space, Value};
use crate::walk::{self, PAGE_BYTES, Rights};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// A part of memory, virtual or physical, with a name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub range: Range<u64>,
}

/// What the kernel's frame allocator has recorded about a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// The allocator never hands it out.
    NotOurs,
    /// It has no owner.
    Free,
    /// It has an owner.
    Taken,
}

/// All the data that a picture is made from.
pub struct Scene<'a> {
    /// Physical memory.
    pub memory: Memory<'a>,
    /// The mark of each frame, starting with frame 0.
    pub marks: Vec<Mark>,
    /// The kernel's own address space.
    pub kernel: &'a walk::Space,
    /// The address spaces to show, by name: one or two.
    pub spaces: Vec<(&'a str, walk::Space)>,
    /// Virtual memory, by name.
    pub regions: &'a [Named],
    /// Virtual memory to show although it is not mapped, by name.
    pub unmapped: &'a [Named],
    /// Physical memory that always has the same use, by name.
    pub places: &'a [Named],
    /// Variables, by their names in the source, with their virtual addresses. In a space without memory at an address,
    /// that variable has no value.
    pub variables: &'a [(&'a str, u32)],
}

/// A page and the facts about it.
struct Page<'a> {
    name: &'a str,
    start: u64,
    frame: u32,
    rights: Rights,
    sharing: Option<Sharing>,
}

impl Scene<'_> {
    /// Makes the picture of this scene.
    pub fn picture(&self, name: &str, title: &str, stopped_before: Line) -> Picture {
        let spaces = self.spaces.iter().map(|(name, space)| {
            let (name, directory) = ((*name).into(), Address(space.directory.into()));
            let mut regions = self.regions_of(space);
            regions.extend(self.unmapped_in(space));
            regions.sort_by_key(|region| region.start);
            Space { name, directory, regions, new: false }
        });
        let (name, title, spaces) = (name.into(), title.into(), spaces.collect());
        Picture { name, title, stopped_before, spaces, memory: self.holdings(), values: self.values() }
    }

    fn regions_of(&self, space: &walk::Space) -> Vec<Region> {
        let other = self.spaces.iter().map(|(_, other)| other).find(|other| other.directory != space.directory);
        let mut regions: Vec<Region> = Vec::new();
        for page in self.pages(space, other) {
            let rights = if page.rights.write { "read, write" } else { "read" };
            let user = if page.rights.user { ", user" } else { "" };
            let rights = format!("{rights}{user}");
            let goes_on = |last: &Region| {
                last.end.0 == page.start
                    && (last.name.as_str(), &last.rights, last.sharing) == (page.name, &rights, page.sharing)
            };
            let end = Address(page.start + u64::from(PAGE_BYTES));
            match regions.last_mut().filter(|last| goes_on(last)) {
                Some(last) => {
                    last.end = end;
                    push_frame(&mut last.frames, page.frame);
                }
                None => {
                    let mut frames = Vec::new();
                    push_frame(&mut frames, page.frame);
                    let (name, start) = (page.name.into(), Address(page.start));
                    regions.push(Region { name, start, end, rights, sharing: page.sharing, frames });
                }
            }
        }
        regions
    }

    fn unmapped_in(&self, space: &walk::Space) -> Vec<Region> {
        let is_unmapped = |named: &&Named| {
            space.runs.iter().all(|run| run.part_in(named.range.start as u32, named.range.end).is_none())
        };
        let region = |Named { name, range }: &Named| {
            let (start, end) = (Address(range.start), Address(range.end));
            let (name, rights) = (name.clone(), "not mapped".into());
            Region { name, start, end, rights, sharing: None, frames: Vec::new() }
        };
        self.unmapped.iter().filter(is_unmapped).map(region).collect()
    }

    fn pages<'b>(
        &'b self,
        space: &'b walk::Space,
        other: Option<&'b walk::Space>,
    ) -> impl Iterator<Item = Page<'b>> + 'b {
        space.runs.iter().flat_map(move |run| {
            (0..(run.bytes / u64::from(PAGE_BYTES)) as u32).map(move |number| {
                let (start, frame) = (run.page + number * PAGE_BYTES, run.frame + number * PAGE_BYTES);
                let sharing = other.map(|other| match other.translate(start) {
                    Some(same) if same == frame => Sharing::Linked,
                    Some(_) => Sharing::Copied,
                    None => Sharing::Alone,
                });
                Page { name: self.region(start), start: start.into(), frame, rights: run.rights, sharing }
            })
        })
    }

    fn region(&self, address: u32) -> &str {
        let found = self.regions.iter().find(|region| region.range.contains(&address.into()));
        found.map_or("no region of the kernel", |region| &region.name)
    }

    fn holdings(&self) -> Vec<Holding> {
        let uses = self.uses_beside_the_window();
        let mut holdings: Vec<Holding> = Vec::new();
        for (number, mark) in (0..).zip(&self.marks) {
            let frame = number * PAGE_BYTES;
            let place = self.places.iter().find(|place| place.range.contains(&frame.into()));
            let name = match (place, mark) {
                (Some(place), _) => place.name.clone(),
                (None, Mark::Free) => FREE.into(),
                (None, _) => uses.get(&frame).cloned().unwrap_or_else(|| match mark {
                    Mark::NotOurs => "reserved by the BIOS".into(),
                    _ => "taken".into(),
                }),
            };
            match holdings.iter_mut().find(|holding| holding.name == name) {
                Some(holding) => push_frame(&mut holding.frames, frame),
                None => {
                    let mut frames = Vec::new();
                    push_frame(&mut frames, frame);
                    holdings.push(Holding { name, frames, change: None });
                }
            }
        }
        holdings
    }

    /// The use of frames: as page tables, or by pages whose address differs from the frame's.
    fn uses_beside_the_window(&self) -> BTreeMap<u32, String> {
        let mut uses = BTreeMap::new();
        let mut note = |whose: &str, space: &walk::Space, is_kernel: bool| {
            let tables = if is_kernel {
                "the kernel's directory and tables".to_owned()
            } else {
                format!("directory and tables of {whose}")
            };
            for table in space.tables.iter().map(|(_, table)| *table).chain([space.directory]) {
                uses.entry(table).or_insert_with(|| tables.clone());
            }
            let is_beside = |page: &Page| {
                page.start != u64::from(page.frame) && ((page.frame / PAGE_BYTES) as usize) < self.marks.len()
            };
            for page in self.pages(space, None).filter(is_beside) {
                let name = if is_kernel { page.name.to_owned() } else { format!("{} of {whose}", page.name) };
                uses.entry(page.frame).or_insert(name);
            }
        };
        // All other spaces link to what the kernel's own space maps.
        note("the kernel", self.kernel, true);
        for (name, space) in &self.spaces {
            note(name, space, false);
        }
        uses
    }

    fn values(&self) -> Vec<Value> {
        let mut values = Vec::new();
        for (variable, address) in self.variables {
            for (name, space) in &self.spaces {
                let Some(physical) = space.translate(*address) else { continue };
                let Some(value) = self.memory.word(physical) else { continue };
                let (address, physical) = (Address((*address).into()), Address(physical.into()));
                let (variable, space) = ((*variable).to_owned(), (*name).to_owned());
                values.push(Value { variable, space, address, physical, value, changed: false });
            }
        }
        values
    }
}

/// Appends a frame.
fn push_frame(frames: &mut Vec<Frames>, frame: u32) {
    match frames.last_mut() {
        Some(last) if last.end() == Address(frame.into()) => last.bytes += u64::from(PAGE_BYTES),
        _ => frames.push(Frames { start: Address(frame.into()), bytes: PAGE_BYTES.into() }),
    }
}

#[cfg(test)]
mod tests;
