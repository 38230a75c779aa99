//! What the boot loader tells: its name, the command line, the memory map.

use crate::entry::Handover;
use crate::stop;
use multiboot2::{BootInformation, BootInformationHeader};

impl Handover {
    /// The loader's boot information. Stops with a sentence if there is none.
    ///
    /// Source: Multiboot2 3.3 (registers), 3.6 (the information).
    pub fn information(self) -> BootInformation<'static> {
        if self.magic != multiboot2::MAGIC {
            stop!(
                "this kernel must be loaded by a Multiboot2 boot loader: EAX is {:#010x} instead of {:#010x}",
                self.magic,
                multiboot2::MAGIC
            );
        }
        // SAFETY: the magic is the loader's, so the address is that of its boot information, which
        // nobody writes to: chapter 5 keeps its frames out of the free memory.
        match unsafe { BootInformation::load(self.address as *const BootInformationHeader) } {
            Ok(information) => information,
            Err(error) => stop!("the boot information at {:#010x} is damaged: {error}", self.address),
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
