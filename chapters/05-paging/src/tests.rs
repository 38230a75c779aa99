//! Damaged boot information: the kernel prints a message, or uses the sound part, and reads nothing else.
//!
//! The crate that reads the information also makes sound information. The tests damage that in a few places and use it
//! as the kernel does, at an address where nothing can be read [behind its end](edge).

mod edge;

use crate::frames::frame_table::FrameTable;
use crate::frames::memory_map;
use crate::frames::page::{PAGE_BYTES, WINDOW_END};
use boot::information;
use common::VirtAddr;
use edge::AtTheEdge;
use multiboot2::{
    BootInformation, BootLoaderNameTag, Builder, CommandLineTag, MaybeDynSized, MemoryArea, MemoryAreaType,
    MemoryMapTag, ModuleTag,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use std::iter;
use std::ops::Range;

/// Where the tests say that the kernel lies.
const KERNEL: Range<VirtAddr> = VirtAddr::new(1 << 20)..VirtAddr::new(3 << 20);

/// Reads boot information as the kernel does.
pub fn read(bytes: &[u8]) -> Result<BootInformation<'_>, information::Damage> {
    // SAFETY: this is a test on the host.
    unsafe { information::read(bytes) }
}

/// Uses boot information as the kernel does. Returns how many frames are free, or why there are none.
fn boot_with(bytes: &[u8]) -> Result<u32, String> {
    let edge = AtTheEdge::new(bytes);
    let boot = read(edge.bytes()).map_err(|damage| damage.to_string())?;
    let _ = (information::command_line(&boot), information::loader_name(&boot));
    let claims = memory_map::claims(&boot).ok_or("the boot loader gave no memory map")?;
    let mut frames = FrameTable::new();
    memory_map::give_free(&mut frames, claims, KERNEL);
    let modules_end = memory_map::modules_end(&boot).ok_or("a module lies beyond the window")?;
    assert!(modules_end <= WINDOW_END);
    assert!(
        boot.module_tags().all(|module| module.start_address() <= modules_end && module.end_address() <= modules_end)
    );
    // The kernel uses frames through the identity map, and they must not be in use already.
    let end = frames.end().address().as_u32();
    assert!(end <= WINDOW_END);
    let is_a_modules =
        |from: u32, to: u32| boot.module_tags().any(|m| m.start_address() < to && from < m.end_address());
    while let Some(frame) = frames.allocate() {
        let (from, to) = (frame.address().as_u32(), frame.address().as_u32() + PAGE_BYTES);
        assert!(KERNEL.end.as_u32() <= from && to <= end && !is_a_modules(from, to), "{frame:?}");
    }
    Ok(frames.taken_count())
}

/// Boot information as a loader makes it.
fn sound() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![4 => Just(1), 1 => 0u32..7].prop_map(MemoryAreaType::from_val);
    let area = (0u64..0x1000_0000, 0u64..0x200_0000, kind);
    let areas = vec(area.prop_map(|(start, size, kind)| MemoryArea::new(start, size, kind)), 0..9);
    let module = (0u32..0x7F0_0000, 1u32..0x10_0000, "[a-z ]{0,9}");
    let modules = vec(module.prop_map(|(start, size, words)| ModuleTag::new(start, start + size, &words)), 0..5);
    (option::of(areas), modules, "[a-z =]{0,30}", ".{0,9}").prop_map(|(areas, modules, words, name)| {
        let mut builder = Builder::new().cmdline(CommandLineTag::new(&words)).bootloader(BootLoaderNameTag::new(&name));
        for module in modules {
            builder = builder.add_module(module);
        }
        if let Some(areas) = areas {
            builder = builder.mmap(MemoryMapTag::new(&areas));
        }
        builder.build().as_bytes().to_vec()
    })
}

/// One way to damage bytes.
#[derive(Clone, Debug)]
enum Damage {
    Byte(Index, u8),
    Word(Index, u32),
    SizeOfTag(Index, i32),
    Cut(Index),
}

impl Damage {
    /// Mostly none to two of them, so that some of the information stays sound.
    fn several() -> impl Strategy<Value = Vec<Self>> {
        prop_oneof![3 => vec(Self::any(), 0..3), 1 => vec(Self::any(), 3..9)]
    }

    fn any() -> impl Strategy<Value = Self> {
        // Small words are plausible sizes and types of tags. Near the largest ones, sums overflow.
        let word = prop_oneof![0u32..50, any::<u32>(), (u32::MAX - 20)..=u32::MAX, (i32::MAX as u32 - 9)..0x8000_0009];
        prop_oneof![
            4 => (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Self::Byte(place, byte)),
            8 => (any::<Index>(), word).prop_map(|(place, word)| Self::Word(place, word)),
            8 => (any::<Index>(), -16i32..17).prop_map(|(place, step)| Self::SizeOfTag(place, step)),
            1 => any::<Index>().prop_map(Self::Cut),
        ]
    }

    fn work(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Cut(place) => {
                bytes.truncate(place.index(bytes.len() + 1));
                // Half of the time the size is changed too, so that this cut is not noticed by the size alone.
                let size = bytes.len() as u32;
                if (size / 8).is_multiple_of(2) {
                    change_word(bytes, 0, |_| size);
                }
            }
            Self::Byte(place, byte) => {
                let place = place.index(bytes.len() + 1);
                bytes[place..].iter_mut().take(1).for_each(|there| *there = *byte);
            }
            Self::Word(place, word) => {
                let offset = place.index(bytes.len() / 4 + 1) * 4;
                change_word(bytes, offset, |_| *word);
            }
            // With so small a change, the tags may still follow each other.
            Self::SizeOfTag(place, step) => {
                let tags = tags(bytes);
                change_word(bytes, tags[place.index(tags.len())] + 4, |size| size.wrapping_add_signed(*step));
            }
        }
    }
}

fn change_word(bytes: &mut [u8], offset: usize, change: impl Fn(u32) -> u32) {
    if let Some(word) = bytes.get_mut(offset..).and_then(|rest| rest.first_chunk_mut()) {
        *word = change(u32::from_le_bytes(*word)).to_le_bytes();
    }
}

/// Where the tags begin, up to the first that does not follow the one before.
fn tags(bytes: &[u8]) -> Vec<usize> {
    let behind = |&tag: &usize| {
        let size = u32::from_le_bytes(*bytes.get(tag + 4..)?.first_chunk()?) as usize;
        (8..bytes.len()).contains(&size).then(|| tag + size.next_multiple_of(8))
    };
    iter::successors(Some(8), behind).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn whatever_is_damaged_there_is_a_sentence_or_sane_memory(
        mut bytes in sound(),
        damages in Damage::several(),
    ) {
        damages.iter().for_each(|damage| damage.work(&mut bytes));
        if let Err(sentence) = boot_with(&bytes) {
            prop_assert!(!damages.is_empty() || sentence == "the boot loader gave no memory map", "{}", sentence);
            prop_assert!(sentence.split(' ').count() >= 4, "{}", sentence);
        }
    }
}
