//! What the boot loader reports: its name, the command line, the memory map.
//!
//! ```text
//!   address ->  | total size | 0           |              | at a multiple of 8, like every tag
//!               | type       | size        | contents     | a tag: its size includes type and size
//!               | ...        | ...         | ...          |
//!               | type 0     | size 8      |              | the last tag
//! ```
//! Source: Multiboot2 3.6. The crate `multiboot2` finds and parses the tags. It must be given the right number
//! of bytes, and it panics if a tag is too small for its type. So this module checks both first. After that,
//! a [`BootInformation`] answers everything that these kernels ask.

use core::fmt;
use multiboot2::{BootInformation, BootInformationHeader, LoadError, MemoryArea, TagType};

/// What is wrong with the boot information.
#[derive(Debug)]
pub enum Damage {
    /// Boot information cannot be at this address.
    Address,
    /// Its size, in bytes, cannot be right.
    Size(u32),
    /// The tags do not form one list from its first byte to its last.
    Tags(LoadError),
    /// The tag of this name has a size that is wrong for its type.
    Tag(&'static str),
}

// ANCHOR: information
#[cfg(target_os = "none")]
impl crate::entry::Handover {
    /// The loader's boot information. Stops with a message if there is none, or if it is damaged.
    ///
    /// Source: Multiboot2 3.3 (registers).
    pub fn information(self) -> BootInformation<'static> {
        use crate::stop::stop;
        if self.magic != multiboot2::MAGIC {
            stop!(
                "this kernel must be loaded by a Multiboot2 boot loader: EAX is {:#010x} instead of {:#010x}",
                self.magic,
                multiboot2::MAGIC
            );
        }
        // SAFETY: the magic is the loader's, so its boot information is at the address, and no code changes it.
        match unsafe { bytes_at(self.address).and_then(|bytes| read(bytes)) } {
            Ok(information) => information,
            Err(damage) => stop!("the boot information at {:#010x} is damaged: {damage}", self.address),
        }
    }
}
// ANCHOR_END: information

// ANCHOR: bytes
/// The bytes of the boot information at `address`. Its first word gives their number.
///
/// # Errors
/// [`Damage`], if the address or the number cannot be right.
///
/// # Safety
/// Boot information is at `address`, and no code ever changes it; or this function refuses the address.
#[cfg(target_os = "none")]
unsafe fn bytes_at(address: u32) -> Result<&'static [u8], Damage> {
    // More than any loader reports.
    const MOST_BYTES: u32 = 1 << 20;
    let first = address as *const u32;
    if first.is_null() || !address.is_multiple_of(8) {
        return Err(Damage::Address);
    }
    // SAFETY: the first word of the boot information is at this address, as the caller promises.
    let size = unsafe { first.read() };
    if size > MOST_BYTES || address.checked_add(size).is_none() {
        return Err(Damage::Size(size));
    }
    // SAFETY: as above, so many bytes are there, and no code writes to them. They do not wrap around 4 GiB.
    Ok(unsafe { core::slice::from_raw_parts(first.cast(), size as usize) })
}
// ANCHOR_END: bytes

// ANCHOR: read
/// Checks `bytes` and returns them as boot information.
///
/// # Errors
/// [`Damage`], if a part could not be read, or has the wrong size.
///
/// # Safety
/// A boot loader wrote the bytes about this machine, or this is a test on the host. The kernel believes them:
/// chapter 5 hands out the memory that they call available.
pub unsafe fn read(bytes: &[u8]) -> Result<BootInformation<'_>, Damage> {
    let header =
        bytes.first_chunk::<{ size_of::<BootInformationHeader>() }>().ok_or(Damage::Size(bytes.len() as u32))?;
    let size = word(header, 0);
    if size as usize != bytes.len() {
        return Err(Damage::Size(size));
    }
    // SAFETY: there are as many bytes as the header says. They are borrowed, so no code writes to them.
    let information = unsafe { BootInformation::load(bytes.as_ptr().cast()) }.map_err(Damage::Tags)?;
    match information.tags().find_map(|tag| damaged(tag.header().typ.into(), tag.payload())) {
        Some(name) => Err(Damage::Tag(name)),
        None => Ok(information),
    }
}
// ANCHOR_END: read

/// The name of the tag, if its size is wrong for its type. The other tags that these kernels read are
/// texts, which may have any size.
fn damaged(kind: TagType, payload: &[u8]) -> Option<&'static str> {
    const AREA: usize = size_of::<MemoryArea>();
    match kind {
        // The size of each area, a version, and the areas.
        TagType::Mmap if payload.len() % AREA != 8 || word(payload, 0) as usize != AREA => Some("memory map"),
        // The address of its first byte, the address after its last byte, and a text.
        TagType::Module if payload.len() < 8 => Some("module"),
        _ => None,
    }
}

/// The 32 bits at `offset`.
fn word(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[offset + byte]))
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Address => f.write_str("it must begin at a multiple of 8 other than 0"),
            Self::Size(size) => write!(f, "it claims an impossible size: {size} bytes"),
            Self::Tags(LoadError::Memory(error)) => write!(f, "its tags are not in order: {error}"),
            Self::Tags(LoadError::NoEndTag) => f.write_str("no tag ends it"),
            Self::Tag(name) => write!(f, "its {name} tag has an impossible size"),
        }
    }
}

/// The words after the kernel's name in the loader's configuration. Empty if there are none.
pub fn command_line<'a>(information: &'a BootInformation) -> &'a str {
    let tag = information.command_line_tag();
    tag.and_then(|tag| tag.cmdline().ok()).unwrap_or("")
}

/// The name of the boot loader.
pub fn loader_name<'a>(information: &'a BootInformation) -> &'a str {
    let tag = information.boot_loader_name_tag();
    tag.and_then(|tag| tag.name().ok()).unwrap_or("an unnamed boot loader")
}

#[cfg(test)]
mod tests;
