//! What the boot loader tells: its name, the command line, the memory map.
//!
//! ```text
//!   address ->  | size of all of it | 0                | a multiple of 8, as every tag's address is
//!               | type   | size     | the tag's own    | a tag: its size counts these two words too
//!               | ...    | ...      | ...              |
//!               | type 0 | size 8   |                  | the tag that ends it
//! ```
//! Source: Multiboot2 3.6. The crate `multiboot2` finds the tags and takes them apart. It has to be told how
//! much there is to read, and panics if a tag is too small for its type; so both are looked at first, and
//! a [`BootInformation`] can be asked for everything that these kernels need.

use core::fmt;
use multiboot2::{BootInformation, BootInformationHeader, LoadError, MemoryArea, TagType};

/// Why the boot information cannot be believed.
#[derive(Debug)]
pub enum Damage {
    /// It cannot lie at this address.
    Address,
    /// It cannot be of this size, in bytes.
    Size(u32),
    /// The tags do not follow each other from its beginning to its end.
    Tags(LoadError),
    /// The tag of this name does not have the size that its type asks for.
    Tag(&'static str),
}

// ANCHOR: information
#[cfg(target_os = "none")]
impl crate::entry::Handover {
    /// The loader's boot information. Stops with a sentence if there is none, or a damaged one.
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
        // SAFETY: the magic is the loader's, so its boot information lies at the address, and stays as it is.
        match unsafe { bytes_at(self.address).and_then(|bytes| read(bytes)) } {
            Ok(information) => information,
            Err(damage) => stop!("the boot information at {:#010x} is damaged: {damage}", self.address),
        }
    }
}
// ANCHOR_END: information

// ANCHOR: bytes
/// The boot information at `address`, as long as its first word says, if that can be true.
///
/// # Safety
/// Boot information lies there, and stays as it is; or this refuses the address.
#[cfg(target_os = "none")]
unsafe fn bytes_at(address: u32) -> Result<&'static [u8], Damage> {
    // More than any loader has to tell.
    const MOST_BYTES: u32 = 1 << 20;
    let first = address as *const u32;
    if first.is_null() || !address.is_multiple_of(8) {
        return Err(Damage::Address);
    }
    // SAFETY: the address is that of a word of the boot information, as the caller promises.
    let size = unsafe { first.read() };
    if size > MOST_BYTES || address.checked_add(size).is_none() {
        return Err(Damage::Size(size));
    }
    // SAFETY: as above: so many bytes lie there, and nothing writes to them. They end before the address space does.
    Ok(unsafe { core::slice::from_raw_parts(first.cast(), size as usize) })
}
// ANCHOR_END: bytes

// ANCHOR: read
/// Takes `bytes` for boot information, if they are some.
///
/// # Errors
/// [`Damage`], if anything in it could not be read, or is of the wrong size.
///
/// # Safety
/// A boot loader has written it about this machine, or this is a test on the host. In the kernel it is believed:
/// chapter 5 hands out the memory that it calls free.
pub unsafe fn read(bytes: &[u8]) -> Result<BootInformation<'_>, Damage> {
    let header =
        bytes.first_chunk::<{ size_of::<BootInformationHeader>() }>().ok_or(Damage::Size(bytes.len() as u32))?;
    let size = word(header, 0);
    if size as usize != bytes.len() {
        return Err(Damage::Size(size));
    }
    // SAFETY: there are as many bytes as the header says. They are borrowed, so nothing writes to them.
    let information = unsafe { BootInformation::load(bytes.as_ptr().cast()) }.map_err(Damage::Tags)?;
    match information.tags().find_map(|tag| damaged(tag.header().typ.into(), tag.payload())) {
        Some(name) => Err(Damage::Tag(name)),
        None => Ok(information),
    }
}
// ANCHOR_END: read

/// The name of a tag that does not have the size that its type asks for. Of the other tags, these
/// kernels look only into texts, which may have any size.
fn damaged(kind: TagType, payload: &[u8]) -> Option<&'static str> {
    const AREA: usize = size_of::<MemoryArea>();
    match kind {
        // The size of an area, a version, and the areas.
        TagType::Mmap if payload.len() % AREA != 8 || word(payload, 0) as usize != AREA => Some("memory map"),
        // The addresses of the first byte and of the first one behind, and a text.
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
            Self::Address => f.write_str("it would have to begin at a multiple of 8, and not at 0"),
            Self::Size(size) => write!(f, "it cannot have the size of {size} bytes that it claims"),
            Self::Tags(LoadError::Memory(error)) => write!(f, "its tags are not in order: {error}"),
            Self::Tags(LoadError::NoEndTag) => f.write_str("no tag ends it"),
            Self::Tag(name) => write!(f, "the {name} in it has a size that cannot be"),
        }
    }
}

/// The words after the kernel's name in the loader's configuration; empty if there are none.
pub fn command_line<'a>(information: &'a BootInformation) -> &'a str {
    let tag = information.command_line_tag();
    tag.and_then(|tag| tag.cmdline().ok()).unwrap_or("")
}

/// The name of the boot loader.
pub fn loader_name<'a>(information: &'a BootInformation) -> &'a str {
    let tag = information.boot_loader_name_tag();
    tag.and_then(|tag| tag.name().ok()).unwrap_or("a boot loader without a name")
}

#[cfg(test)]
mod tests;
