//! Physical memory, as it was at one moment.

/// Physical memory from address 0 on.
#[derive(Clone, Copy)]
pub struct Memory<'a>(pub &'a [u8]);

impl<'a> Memory<'a> {
    /// `bytes` bytes from a physical address on; none if they are not all there.
    pub fn read(self, physical: u32, bytes: usize) -> Option<&'a [u8]> {
        let start = physical as usize;
        self.0.get(start..start.checked_add(bytes)?)
    }

    /// The word at a physical address.
    pub fn word(self, physical: u32) -> Option<u32> {
        Some(u32::from_le_bytes(self.read(physical, 4)?.try_into().expect("4 bytes were asked for")))
    }
}
