//! Exercise 1.3: the boot information, byte by byte.
//!
//! ```text
//!   0 ->  | total size | 0           |              | at a multiple of 8, like every tag
//!         | type       | size        | contents     | a tag: its size includes type and size
//!         | ...        | ...         | ...          |
//!         | type 0     | size 8      |              | the last tag
//! ```

#![no_std]
#![forbid(unsafe_code)]

/// What type and size of a tag take.
pub const HEADER_BYTES: usize = 8;
/// The type of the last tag.
pub const LAST: u32 = 0;
/// The type of a memory map.
pub const MEMORY_MAP: u32 = 6;
/// What this kernel knows of an area: start, size, type, and four bytes without a meaning.
pub const AREA_BYTES: usize = 24;

/// What is wrong with boot information.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Damage {
    /// Its first word is not the number of its bytes, or there is no first word.
    Size,
    /// The tag at this place has fewer bytes than its header, or goes beyond the end.
    Tag(usize),
    /// There is no last tag: at this place, another one would have to begin, and its header would go beyond the end.
    NoLastTag(usize),
}

/// One tag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tag<'a> {
    /// What it is about.
    pub kind: u32,
    /// What comes after type and size, without what fills the space up to the next tag.
    pub contents: &'a [u8],
}

/// The tags of boot information, in order, without the last one.
pub struct Tags<'a> {
    /// All of the boot information.
    information: &'a [u8],
    /// Where the next tag begins.
    next: usize,
}

/// One area of a memory map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Where it begins.
    pub start: u64,
    /// How many bytes it has.
    pub size: u64,
    /// 1 if it is available.
    pub kind: u32,
}

/// The tags of boot information that is not damaged.
///
/// # Errors
/// The first [`Damage`].
pub fn tags(information: &[u8]) -> Result<Tags<'_>, Damage> {
    check(information)?;
    Ok(Tags { information, next: HEADER_BYTES })
}

/// Checks the size, and then every tag up to the last one.
fn check(information: &[u8]) -> Result<(), Damage> {
    panic!("exercise 1.3: write `check`")
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        panic!("exercise 1.3: write `Tags::next`")
    }
}

/// The area with this number in a memory map, whose `contents` begin with the number of bytes of an area and a version.
/// `None` if the map has fewer areas, or if its areas have fewer bytes than [`AREA_BYTES`].
pub fn area(contents: &[u8], number: usize) -> Option<Area> {
    panic!("exercise 1.3: write `area`")
}

/// The 32 bits at `place`.
///
/// # Panics
/// If there are no four bytes.
pub fn word(bytes: &[u8], place: usize) -> u32 {
    u32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[place + byte]))
}
