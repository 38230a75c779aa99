//! A snapshot of physical memory.

/// Physical memory, starting at address 0.
#[derive(Clone, Copy)]
pub struct Memory<'a>(pub &'a [u8]);

impl<'a> Memory<'a> {
    /// `bytes` bytes starting at a physical address; `None` if the memory ends before that.
    pub fn read(self, physical: u32, bytes: usize) -> Option<&'a [u8]> {
        let start = physical as usize;
        self.0.get(start..start.checked_add(bytes)?)
    }

    /// The word at a physical address.
    pub fn word(self, physical: u32) -> Option<u32> {
        Some(u32::from_le_bytes(self.read(physical, 4)?.try_into().expect("4 bytes were asked for")))
    }
}
