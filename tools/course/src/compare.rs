//! Compares what an answer shows with what a right answer shows for the same seed. The first difference is the reason
//! that a person gets.

use crate::run::{Page, Seen, Shown, Sight, Spaces, What};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// A difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What differs, as a sentence.
    pub sentence: String,
    /// Where address spaces differ: the right one, and that of the answer.
    pub spaces: Option<(Spaces, Spaces)>,
}

/// The first difference, if there is one.
pub fn first(right: &Seen, seen: &Seen) -> Option<Difference> {
    let shown = || shown(&right.shown, &seen.shown).map(|sentence| Difference { sentence, spaces: None });
    sights(&right.sights, &seen.sights).or_else(shown)
}

fn shown(right: &[Shown], seen: &[Shown]) -> Option<String> {
    for (right, seen) in right.iter().zip(seen) {
        if right.label != seen.label {
            return Some(format!("Your kernel shows \"{}\", and a right one \"{}\".", seen.label, right.label));
        }
        if right.value != seen.value {
            let label = capital(&right.label);
            let (right, seen) = numbers(right.value, seen.value);
            return Some(format!("{label}: right is {right}, and yours is {seen}."));
        }
    }
    let (right, seen) = (right.len(), seen.len());
    (right != seen).then(|| format!("Your kernel shows {seen} values, and a right one {right}."))
}

fn sights(right: &[Sight], seen: &[Sight]) -> Option<Difference> {
    for (right, seen) in right.iter().zip(seen) {
        let label = capital(&right.label);
        let plain = |sentence| Some(Difference { sentence, spaces: None });
        match (&right.what, &seen.what) {
            (What::Bytes(right), What::Bytes(seen)) if right != seen => {
                let at = right.iter().zip(seen).position(|(right, seen)| right != seen).unwrap_or(right.len());
                let byte = |bytes: &[u8]| bytes.get(at).map_or("nothing".into(), |byte| format!("{byte:#04x}"));
                let (right, seen) = (byte(right), byte(seen));
                return plain(format!("{label}: byte {at} must be {right}, and yours is {seen}."));
            }
            (What::Spaces(right), What::Spaces(seen)) => {
                if let Some(sentence) = spaces(&label, right, seen) {
                    return Some(Difference { sentence, spaces: Some((right.clone(), seen.clone())) });
                }
            }
            (What::Registers(right), What::Registers(seen)) if right != seen => {
                let (right, seen) = (right.join("\n  "), seen.join("\n  "));
                return plain(format!("{label}: the registers must be\n  {right}\nand yours are\n  {seen}"));
            }
            (right, seen) if std::mem::discriminant(right) != std::mem::discriminant(seen) => {
                return plain(format!("{label}: the kernel shows something else."));
            }
            _ => {}
        }
    }
    let (right, seen) = (right.len(), seen.len());
    let sentence = || format!("The host was let look {seen} times, and must be {right} times.");
    (right != seen).then(|| Difference { sentence: sentence(), spaces: None })
}

/// Where the image of every kernel lies (`linker.ld`).
const IMAGE: Range<u32> = 1 << 20..4 << 20;

/// Frames may be others than in the right answer. But what is one frame there must be one frame here, in all spaces.
fn spaces(label: &str, right: &[Vec<Page>], seen: &[Vec<Page>]) -> Option<String> {
    if right.len() != seen.len() {
        return Some(format!("{label}: there must be {} address spaces, and yours are {}.", right.len(), seen.len()));
    }
    let mut frames = Frames::default();
    for (number, (right, seen)) in (1..).zip(right.iter().zip(seen)) {
        let mut pages: BTreeMap<u32, (Option<Page>, Option<Page>)> = BTreeMap::new();
        for page in single(right) {
            pages.entry(page.address).or_default().0 = Some(page);
        }
        for page in single(seen) {
            pages.entry(page.address).or_default().1 = Some(page);
        }
        for (address, pair) in pages {
            let wrong = match pair {
                // Where its parts end, and so their rights, depends on how long an answer's instructions are.
                _ if IMAGE.contains(&address) => None,
                (Some(_), None) => Some(String::from("must be mapped, and yours is not")),
                (None, Some(_)) => Some(String::from("must not be mapped, and yours is")),
                (Some(right), Some(seen)) => compared(&right, &seen, &mut frames),
                (None, None) => None,
            };
            if let Some(wrong) = wrong {
                return Some(format!("{label}: in space {number}, the page {address:#010x} {wrong}."));
            }
        }
    }
    None
}

/// The frames below this address belong to the firmware and to devices, such as the screen.
const FIRST_MIB: u32 = 1 << 20;

/// Which frame of the answer stands for which one of the right answer, and the other way round.
#[derive(Default)]
struct Frames {
    seen: HashMap<u32, u32>,
    right: HashMap<u32, u32>,
}

fn compared(right: &Page, seen: &Page, frames: &mut Frames) -> Option<String> {
    if (right.write, right.user) != (seen.write, seen.user) {
        return Some(format!("must be {}, and yours is {}", rights(right), rights(seen)));
    }
    let is_device = |page: &Page| page.frame < FIRST_MIB;
    match (right.frame == right.address, seen.frame == seen.address) {
        // Which of these frames are in use elsewhere is up to the answer.
        (true, true) => return None,
        (false, false) if (is_device(right) || is_device(seen)) && right.frame != seen.frame => {
            return Some(format!("is mapped to {:#010x}, and must be mapped to {:#010x}", seen.frame, right.frame));
        }
        _ => {}
    }
    let (to_seen, to_right) =
        (*frames.seen.entry(right.frame).or_insert(seen.frame), *frames.right.entry(seen.frame).or_insert(right.frame));
    let is_wrong = format!("is mapped to {:#010x}, which is wrong", seen.frame);
    match (right.frame == right.address, seen.frame == seen.address) {
        (true, false) => Some(format!("{is_wrong}: it belongs to the identity map")),
        (false, true) => Some(format!("{is_wrong}: it does not belong to the identity map")),
        _ if to_seen != seen.frame => {
            Some(format!("{is_wrong}: it must have the same frame as another page, which has {to_seen:#010x}"))
        }
        _ if to_right != right.frame => {
            Some(format!("{is_wrong}: another page has this frame too, and must not share it"))
        }
        _ => None,
    }
}

/// The pages one by one; large ones in one piece.
fn single(pages: &[Page]) -> impl Iterator<Item = Page> + '_ {
    pages.iter().flat_map(|run| {
        let count = (run.bytes / 4096) as u32;
        (0..count).map(move |number| Page {
            address: run.address + number * 4096,
            frame: run.frame + number * 4096,
            bytes: 4096,
            ..*run
        })
    })
}

fn rights(page: &Page) -> String {
    let write = if page.write { "writable" } else { "read-only" };
    let user = if page.user { "accessible to ring 3" } else { "the kernel's alone" };
    format!("{write} and {user}")
}

/// Two numbers as a person compares them: small ones in decimal, others as addresses.
fn numbers(one: u32, other: u32) -> (String, String) {
    match one.max(other) {
        0..100_000 => (one.to_string(), other.to_string()),
        _ => (format!("{one:#010x}"), format!("{other:#010x}")),
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(runs: &[(u32, u32, u64)]) -> Vec<Page> {
        let page = |&(address, frame, pages)| Page { address, frame, bytes: pages * 4096, write: true, user: false };
        runs.iter().map(page).collect()
    }

    #[test]
    fn other_frames_are_as_good_as_long_as_they_are_as_many() {
        let right = [pages(&[(0x1000, 0x1000, 2), (0x8000, 0x20_0000, 2)]), pages(&[(0x8000, 0x20_1000, 1)])];
        let same = [
            pages(&[(0x1000, 0x1000, 2), (0x8000, 0x30_0000, 1), (0x9000, 0x50_0000, 1)]),
            pages(&[(0x8000, 0x50_0000, 1)]),
        ];
        assert_eq!(spaces("x", &right, &same), None);
        let two = [same[0].clone(), pages(&[(0x8000, 0x60_0000, 1)])];
        assert!(spaces("x", &right, &two).expect("a difference").contains("same frame as another page"));
        let one = [pages(&[(0x1000, 0x1000, 2), (0x8000, 0x30_0000, 1), (0x9000, 0x30_0000, 1)]), same[1].clone()];
        assert!(spaces("x", &right, &one).expect("a difference").contains("must not share it"));
    }

    #[test]
    fn the_identity_map_leaves_the_frames_of_other_pages_free_but_not_those_of_devices() {
        let identity = (0x40_0000, 0x40_0000, 16);
        let right = [pages(&[identity, (0x5000_0000, 0x40_1000, 1), (0x6000_0000, 0xB_8000, 1)])];
        let other = [pages(&[identity, (0x5000_0000, 0x40_2000, 1), (0x6000_0000, 0xB_8000, 1)])];
        assert_eq!(spaces("x", &right, &other), None);
        let wrong = [pages(&[identity, (0x5000_0000, 0x40_1000, 1), (0x6000_0000, 0xB_9000, 1)])];
        assert!(spaces("x", &right, &wrong).expect("a difference").contains("must be mapped to 0x000b8000"));
    }

    #[test]
    fn missing_and_extra_pages_and_rights_are_found() {
        let right = [pages(&[(0x8000, 0x20_0000, 2)])];
        let missing = spaces("x", &right, &[pages(&[(0x8000, 0x20_0000, 1)])]).expect("a difference");
        assert!(missing.contains("0x00009000 must be mapped"));
        let extra = spaces("x", &right, &[pages(&[(0x7000, 0x40_0000, 1), (0x8000, 0x20_0000, 2)])]);
        assert!(extra.expect("a difference").contains("0x00007000 must not be mapped"));
        let mut rights = pages(&[(0x8000, 0x20_0000, 2)]);
        rights[0].user = true;
        assert!(spaces("x", &right, &[rights]).expect("a difference").contains("accessible to ring 3"));
    }

    #[test]
    fn the_parts_of_the_kernels_image_may_end_elsewhere() {
        let right = [pages(&[(0x10_0000, 0x10_0000, 40), (0x8000_0000, 0x20_0000, 1)])];
        let seen = [pages(&[(0x10_0000, 0x10_0000, 41), (0x8000_0000, 0x20_1000, 1)])];
        assert_eq!(spaces("x", &right, &seen), None);
    }

    #[test]
    fn the_first_wrong_value_is_reported_with_both_values() {
        let value = |label: &str, value| Shown { label: label.into(), value };
        let right = [value("frames", 1), value("errors", 7)];
        let sentence = shown(&right, &[value("frames", 1), value("errors", 0xDEAD_BEEF)]).expect("a difference");
        assert_eq!(sentence, "Errors: right is 0x00000007, and yours is 0xdeadbeef.");
        assert!(shown(&right, &right[..1]).expect("a difference").contains("1 values"));
        assert_eq!(shown(&right, &right), None);
    }
}
