//! A picture of memory in words: as a description for readers who cannot see it, and as tables.

use crate::model::{Change, Frames, Holding, Picture, Region, Sharing, Space};

/// A number of bytes, in a readable unit.
pub fn size(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match bytes {
        _ if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes >= 10 * MIB => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
        _ => format!("{} KiB", bytes / KIB),
    }
}

/// The content of the picture, sentence by sentence.
pub fn description(picture: &Picture) -> String {
    let mut sentences = Vec::new();
    for space in &picture.spaces {
        sentences.push(format!("The virtual memory of {}, from the highest address down.", space.name));
        sentences.extend(space.regions.iter().rev().map(|region| {
            let sharing = region.sharing.map_or(String::new(), |sharing| format!(", {}", sharing.word()));
            let Region { name, start, end, rights, .. } = region;
            let frames = if region.frames.is_empty() {
                String::new()
            } else {
                format!(", in the frames {}", list(&region.frames))
            };
            format!("{}: {start} to {end}, {rights}{sharing}{frames}.", capital(name))
        }));
    }
    for value in &picture.values {
        let changed = if value.changed { ", which has changed" } else { "" };
        sentences.push(format!("In {}, {} is {}{changed}.", value.space, value.variable, value.value));
    }
    sentences.push("Physical memory, from the highest address down.".into());
    sentences.extend(
        picture
            .memory
            .iter()
            .rev()
            .map(|holding| format!("{}{}: {}.", capital(&holding.name), change(holding), list(&holding.frames))),
    );
    sentences.join(" ")
}

/// The same content as tables in Markdown.
pub fn tables(picture: &Picture) -> String {
    let mut lines = Vec::new();
    regions(picture, &mut lines);
    if !picture.values.is_empty() {
        lines.extend(["".into(), "| variable | in | virtual address | physical address | value |".into()]);
        lines.push("|---|---|---|---|---|".into());
        lines.extend(picture.values.iter().map(|value| {
            let changed = if value.changed { " (changed)" } else { "" };
            let (variable, space, number) = (&value.variable, &value.space, value.value);
            format!("| `{variable}` | {space} | `{}` | `{}` | {number}{changed} |", value.address, value.physical)
        }));
    }
    lines.extend(["".into(), "| physical memory | frames | size |".into(), "|---|---|---|".into()]);
    lines.extend(picture.memory.iter().rev().map(|holding| {
        let bytes = holding.frames.iter().map(|frames| frames.bytes).sum();
        format!("| {}{} | {} | {} |", holding.name, change(holding), code(&holding.frames), size(bytes))
    }));
    lines.join("\n") + "\n"
}

/// A row for each region, with a column of frames for each space.
fn regions(picture: &Picture, lines: &mut Vec<String>) {
    let names = picture.spaces.iter().map(|space| format!(" frames of {} |", space.name)).collect::<String>();
    let (sharing, rule) = if picture.spaces.len() > 1 { (" shared |", "---|") } else { ("", "") };
    lines.push(format!("| region | virtual addresses | rights |{names}{sharing}"));
    lines.push(format!("|---|---|---|{}{rule}", "---|".repeat(picture.spaces.len())));
    for region in all_regions(&picture.spaces).into_iter().rev() {
        let Region { name, start, end, rights, .. } = region;
        let of_space = |space: &Space| {
            let found = space.regions.iter().find(|other| (other.start, other.end) == (region.start, region.end));
            found.map_or(" |".into(), |found| format!(" {} |", code(&found.frames)))
        };
        let frames: String = picture.spaces.iter().map(of_space).collect();
        let sharing = region.sharing.map_or(String::new(), |sharing: Sharing| format!(" {} |", sharing.word()));
        lines.push(format!("| {name} | `{start}`–`{end}` | {rights} |{frames}{sharing}"));
    }
}

/// The regions of all spaces, each once, from the lowest address up.
fn all_regions(spaces: &[Space]) -> Vec<&Region> {
    let mut regions: Vec<&Region> = spaces.iter().flat_map(|space| &space.regions).collect();
    regions.sort_by_key(|region| (region.start, region.end));
    regions.dedup_by_key(|region| (region.start, region.end));
    regions
}

fn change(holding: &Holding) -> &'static str {
    match holding.change {
        Some(Change::New) => ", new",
        Some(Change::FreeAgain) => ", free again",
        None => "",
    }
}

pub(crate) fn list(frames: &[Frames]) -> String {
    let range = |frames: &Frames| format!("{} to {}", frames.start, frames.end());
    frames.iter().map(range).collect::<Vec<_>>().join(", ")
}

pub(crate) fn code(frames: &[Frames]) -> String {
    let range = |frames: &Frames| format!("`{}`–`{}`", frames.start, frames.end());
    frames.iter().map(range).collect::<Vec<_>>().join(", ")
}

pub(crate) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_readable_units() {
        assert_eq!(
            [4 << 10, 1 << 20, 1020 << 10, 14 << 20, (14 << 20) + (512 << 10)].map(size),
            ["4 KiB", "1 MiB", "1020 KiB", "14 MiB", "14.5 MiB"]
        );
    }
}
