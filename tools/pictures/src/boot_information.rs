//! Every chapter: the boot information, as the boot loader has left it in memory. A page that runs a kernel without a
//! boot loader puts the same bytes to the same address.

use anyhow::{Context, Result};
use probe::sitting::Sitting;
use serde::{Deserialize, Serialize};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// The first tag follows after this many bytes, and a tag is at least as long. Each begins at a multiple of `ALIGNMENT`
/// (Multiboot2 specification, 3.6 "Boot information").
const HEAD: usize = 8;
const ALIGNMENT: usize = 8;

/// The boot information of a kernel.
#[derive(Deserialize, Serialize)]
pub struct BootInformation {
    /// Its physical address.
    pub address: u32,
    /// Its bytes, two digits each.
    pub bytes: String,
}

impl BootInformation {
    /// Reads it. The kernel has not run any further than its first function in Rust.
    pub fn of(sitting: &mut Sitting) -> Result<Self> {
        let range = sitting.boot_information.clone();
        let (address, size) = (range.start as u32, (range.end - range.start) as usize);
        let mut bytes = sitting.read(address, size)?;
        clear_gaps(&mut bytes).context("the tags of the boot information have wrong sizes")?;
        Ok(Self { address, bytes: bytes.iter().map(|byte| format!("{byte:02x}")).collect() })
    }

    /// Its addresses.
    pub fn range(&self) -> Range<u64> {
        let start = u64::from(self.address);
        start..start + self.bytes.len() as u64 / 2
    }

    /// The file of a chapter, by its name.
    pub fn file(&self, chapter: &str) -> Result<(String, String)> {
        Ok((name(chapter), serde_json::to_string_pretty(self)? + "\n"))
    }

    /// The committed one of a chapter.
    pub fn committed(folder: &Path, chapter: &str) -> Result<Self> {
        let file = folder.join(name(chapter));
        let text = fs::read_to_string(&file).with_context(|| format!("{} could not be read", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no boot information", file.display()))
    }
}

/// Clears the bytes between tags. The loader has never written them, so another run may find others there.
fn clear_gaps(bytes: &mut [u8]) -> Option<()> {
    let mut tag = HEAD;
    while tag < bytes.len() {
        let size = u32::from_le_bytes(bytes.get(tag + 4..tag + 8)?.try_into().ok()?) as usize;
        let end = tag + Some(size).filter(|size| *size >= HEAD)?;
        let next = end.next_multiple_of(ALIGNMENT);
        bytes.get_mut(end..next)?.fill(0);
        tag = next;
    }
    Some(())
}

fn name(chapter: &str) -> String {
    format!("{chapter}-boot.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_tags_is_cleared() {
        let words = |words: [u32; 8]| words.map(u32::to_le_bytes).concat();
        let mut bytes = words([32, 7, 1, 13, 0x01020304, 0x05060708, 0, 8]);
        clear_gaps(&mut bytes).expect("it is whole");
        assert_eq!(bytes, words([32, 7, 1, 13, 0x01020304, 0x08, 0, 8]));
        assert_eq!(clear_gaps(&mut words([32, 7, 1, 0, 0, 0, 0, 8])), None, "a tag without a size never ends");
        assert_eq!(clear_gaps(&mut words([32, 7, 1, 80, 0, 0, 0, 8])), None);
    }
}
