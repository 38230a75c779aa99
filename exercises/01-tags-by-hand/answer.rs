//! The answer to exercise 1.3: the functions that have no bodies yet in `src/lib.rs`.

fn check(information: &[u8]) -> Result<(), Damage> {
    if information.len() < HEADER_BYTES || word(information, 0) as usize != information.len() {
        return Err(Damage::Size);
    }
    let mut place = HEADER_BYTES;
    loop {
        // Rounding up may have gone beyond the end.
        let rest = information.get(place..).filter(|rest| rest.len() >= HEADER_BYTES);
        let rest = rest.ok_or(Damage::NoLastTag(place))?;
        let (kind, size) = (word(rest, 0), word(rest, 4) as usize);
        if size < HEADER_BYTES || size > rest.len() {
            return Err(Damage::Tag(place));
        }
        if kind == LAST {
            return Ok(());
        }
        // No overflow: the size is that of a slice.
        place += size.next_multiple_of(8);
    }
}

impl<'a> Iterator for Tags<'a> {
    fn next(&mut self) -> Option<Tag<'a>> {
        let rest = &self.information[self.next..];
        let (kind, size) = (word(rest, 0), word(rest, 4) as usize);
        if kind == LAST {
            return None;
        }
        self.next += size.next_multiple_of(8);
        Some(Tag { kind, contents: &rest[HEADER_BYTES..size] })
    }
}

pub fn area(contents: &[u8], number: usize) -> Option<Area> {
    let areas = contents.get(8..)?;
    let bytes = word(contents, 0) as usize;
    if bytes < AREA_BYTES {
        return None;
    }
    let start = number.checked_mul(bytes)?;
    let area = areas.get(start..start.checked_add(bytes)?)?;
    let long = |place| u64::from(word(area, place + 4)) << 32 | u64::from(word(area, place));
    Some(Area { start: long(0), size: long(8), kind: word(area, 16) })
}
