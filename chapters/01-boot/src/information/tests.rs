//! Sound boot information, and boot information with each kind of damage.

use super::*;

#[repr(align(8))]
struct Aligned([u8; 128]);

impl Aligned {
    fn new(words: &[u32]) -> Self {
        let mut bytes = [0; 128];
        bytes.chunks_mut(4).zip(words).for_each(|(four, word)| four.copy_from_slice(&word.to_le_bytes()));
        Self(bytes)
    }

    fn bytes(&self, words: &[u32]) -> &[u8] {
        &self.0[..4 * words.len()]
    }
}

fn read(bytes: &[u8]) -> Result<BootInformation<'_>, Damage> {
    // SAFETY: this is a test on the host.
    unsafe { super::read(bytes) }
}

/// What the kernel reads from these words: the command line, or what is wrong with them.
fn outcome(words: &[u32]) -> String {
    let aligned = Aligned::new(words);
    let information = read(aligned.bytes(words));
    information.map_or_else(|damage| damage.to_string(), |information| command_line(&information).to_owned())
}

/// The same, with `tags` between the first two words and the last tag.
fn outcome_of_tags(tags: &[u32]) -> String {
    let size = 4 * (2 + tags.len() + 2) as u32;
    outcome(&[&[size, 0], tags, &[0, 8]].concat())
}

const HI: u32 = u32::from_le_bytes(*b"hi\0\0");

#[test]
fn what_is_sound_is_read() {
    assert_eq!(outcome_of_tags(&[]), "");
    assert_eq!(outcome_of_tags(&[1, 11, HI, 0]), "hi");
    assert_eq!(outcome_of_tags(&[1, 11, HI, 0, 6, 16, 24, 0, 3, 16, 0, 0, 77, 8]), "hi", "empty, but whole");
    assert_eq!(outcome_of_tags(&[1, 11, HI, 0, 6, 40, 24, 0, 0, 0, 0, 0, 0, 0]), "hi", "one area");
}

#[test]
fn a_command_line_that_is_no_text_has_no_words() {
    assert_eq!(outcome_of_tags(&[1, 8]), "");
    assert_eq!(outcome_of_tags(&[1, 12, u32::from_le_bytes(*b"hihi"), 0]), "", "without an end");
    assert_eq!(outcome_of_tags(&[1, 12, u32::from_le_bytes(*b"h\xFFi\0"), 0]), "", "no UTF-8");
}

#[test]
fn a_loader_may_have_a_name() {
    let name = |words: &[u32]| {
        let aligned = Aligned::new(words);
        loader_name(&read(aligned.bytes(words)).unwrap()).to_owned()
    };
    assert_eq!(name(&[32, 0, 2, 11, HI, 0, 0, 8]), "hi");
    assert_eq!(name(&[16, 0, 0, 8]), "an unnamed boot loader");
}

#[test]
fn a_size_that_cannot_be_is_told() {
    for words in [&[][..], &[4], &[16, 0], &[0, 0, 0, 8], &[24, 0, 0, 8], &[u32::MAX, 0, 0, 8]] {
        let told = outcome(words);
        assert!(told.starts_with("it claims an impossible size: "), "{words:?}: {told}");
    }
    assert_eq!(outcome(&[8, 0]), "no tag ends it");
    assert!(outcome(&[12, 0, 0]).starts_with("its tags are not in order: "));
    assert!(outcome(&[20, 0, 0, 8, 0]).starts_with("its tags are not in order: "));
}

#[test]
fn tags_that_do_not_follow_each_other_are_told() {
    for size in [0, 1, 7, 25, u32::MAX - 7, u32::MAX] {
        let told = outcome_of_tags(&[77, size]);
        assert!(told.starts_with("its tags are not in order: "), "{size}: {told}");
    }
    assert!(outcome_of_tags(&[0, 8]).starts_with("its tags are not in order: "), "an end before the end");
    assert_eq!(outcome(&[16, 0, 77, 8]), "no tag ends it");
    assert_eq!(outcome_of_tags(&[77, 10]), "no tag ends it", "the last one is part of this one");
    assert_eq!(outcome(&[24, 0, 0, 16, 0, 0]), "no tag ends it", "it would have 8 bytes");
}

#[test]
fn tags_too_small_for_their_type_are_told() {
    let told = "its memory map tag has an impossible size";
    assert_eq!(outcome_of_tags(&[6, 8]), told);
    assert_eq!(outcome_of_tags(&[6, 12, 24, 0]), told);
    assert_eq!(outcome_of_tags(&[6, 24, 24, 0, 0, 0]), told, "a third of an area");
    for area in [0, 8, 20, 25, 48, u32::MAX] {
        assert_eq!(outcome_of_tags(&[6, 16, area, 0]), told, "areas of {area} bytes");
    }
    let told = "its module tag has an impossible size";
    assert_eq!(outcome_of_tags(&[3, 8]), told);
    assert_eq!(outcome_of_tags(&[3, 15, 0, 0]), told);
}
