//! Names for the parts of virtual memory, for the reports of faults.

#![cfg(target_os = "none")]

use crate::frames::page::PAGE_BYTES;
use common::{Lock, VirtAddr};
use core::fmt::{self, Write};
use core::ops::Range;

/// Writes the name of a region. If the region has several stacks, the address selects one. With `{:#}`, the name does
/// not say whose stack it is.
type Name = fn(VirtAddr, &mut fmt::Formatter) -> fmt::Result;

/// A part of virtual memory with a name.
#[derive(Clone)]
pub struct Region {
    range: Range<VirtAddr>,
    name: Name,
    /// For a region of stacks: the size of each stack, including its guard page.
    stack_bytes: Option<u32>,
}

/// Where an address lies.
#[derive(Clone)]
pub struct Place {
    address: VirtAddr,
    region: Option<Region>,
}

const MOST_REGIONS: usize = 16;

static REGIONS: Lock<[Option<Region>; MOST_REGIONS]> = Lock::new([const { None }; MOST_REGIONS]);

impl Region {
    /// A region with the addresses `range` and the name `name`.
    pub const fn new(range: Range<VirtAddr>, name: Name) -> Self {
        Self { range, name, stack_bytes: None }
    }

    /// A region of stacks of `bytes` bytes each. The lowest page of each is its guard page.
    ///
    /// # Panics
    /// If a stack has no room beside its guard page.
    pub const fn stacks(range: Range<VirtAddr>, bytes: u32, name: Name) -> Self {
        assert!(bytes > PAGE_BYTES, "a stack is larger than its guard page");
        Self { range, name, stack_bytes: Some(bytes) }
    }

    /// The addresses that may be mapped: all except the first guard page of stacks.
    pub(crate) fn mapped(&self) -> Range<VirtAddr> {
        let guard = if self.stack_bytes.is_some() { PAGE_BYTES } else { 0 };
        self.range.start.wrapping_add(guard)..self.range.end
    }
}

impl Place {
    /// Whether this is the guard page of a stack: an access here means that the stack has overflowed.
    pub fn is_guard_page(&self) -> bool {
        let Some(Region { range, stack_bytes: Some(bytes), .. }) = &self.region else { return false };
        (self.address.as_u32() - range.start.as_u32()) % bytes < PAGE_BYTES
    }

    /// Whether `other` lies in the same region.
    pub fn is_same_region(&self, other: &Self) -> bool {
        let start = |place: &Self| place.region.as_ref().map(|region| region.range.start);
        start(self) == start(other)
    }

    /// The name alone, without "the guard page of".
    pub fn name(&self) -> impl fmt::Display {
        fmt::from_fn(|f| match &self.region {
            Some(region) => (region.name)(self.address, f),
            None => f.write_str("no region of the kernel"),
        })
    }
}

impl fmt::Display for Place {
    /// Writes the place, padded with spaces if the format asks for a width.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let guard = if self.is_guard_page() { "the guard page of " } else { "" };
        let alternate = f.alternate();
        let mut written = Counter { letters: 0, inner: f };
        if alternate {
            write!(written, "{guard}{:#}", self.name())?;
        } else {
            write!(written, "{guard}{}", self.name())?;
        }
        let letters = written.letters;
        (letters..f.width().unwrap_or(0)).try_for_each(|_| f.write_char(' '))
    }
}

/// Counts the characters that pass through.
struct Counter<'a, 'b> {
    letters: usize,
    inner: &'a mut fmt::Formatter<'b>,
}

impl fmt::Write for Counter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.letters += text.chars().count();
        self.inner.write_str(text)
    }
}

/// Gives a part of virtual memory a name.
///
/// # Panics
/// If there are too many regions, or if one of them has some of these addresses already. The second check keeps a
/// stack's guard page from getting another name.
pub fn add(region: Region) {
    let mut regions = REGIONS.lock();
    for place in regions.iter_mut() {
        let Some(other) = place else {
            *place = Some(region);
            return;
        };
        let overlaps = region.range.start < other.range.end && other.range.start < region.range.end;
        assert!(!overlaps, "a region of memory has one name");
    }
    panic!("16 regions are enough for every chapter");
}

/// Finds the region in which `address` lies.
pub fn locate(address: VirtAddr) -> Place {
    // The fault to be reported may have interrupted the holder of the lock. Then the region stays unknown.
    let regions = REGIONS.try_lock();
    let mut known = regions.iter().flat_map(|regions| regions.iter()).flatten();
    Place { address, region: known.find(|region| region.range.contains(&address)).cloned() }
}
