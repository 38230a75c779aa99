//! A test of chapter 5's page directory: long random sequences of calls, compared with a model.
//!
//! The directory's tables lie in frames that it reaches through the identity map, so the test has to run in a kernel.
//! The model needs a heap, so it runs in this chapter's. The CPU never uses this directory, so its pages may map any
//! frames.

use alloc::collections::{BTreeMap, BTreeSet};
use common::{PhysAddr, VirtAddr};
use core::ops::Range;
use paging::directory::{Directory, MapError, NotMapped};
use paging::{Entry, Flags, Frame, OwnedFrame, Page, frame_allocator};

/// The index of the directory's entry for a large page, and the large page's first frame.
const LARGE: usize = 5;
const LARGE_FRAME: Frame = Frame::from_number(77 * 1024);

/// The numbers of the pages that the test uses: at both ends of the address space, on both sides of a border between
/// two tables, and in the large page. The very last page is left out, because its end is not a 32-bit address.
const PAGES: [Range<u32>; 4] = [0..6, 2 * 1024 - 6..2 * 1024 + 6, 0xF_FFF9..0xF_FFFF, 5 * 1024 + 500..5 * 1024 + 502];

/// A directory, and the mappings that it should hold.
struct Life {
    directory: Directory,
    mapped: BTreeMap<Page, (Frame, Flags)>,
    /// The frames that the test maps, each to any number of pages.
    shared: [OwnedFrame; 3],
    /// The mapped pages for which the directory has allocated frames.
    found: BTreeSet<Page>,
    /// The indices of the directory's entries that have page tables.
    tables: BTreeSet<usize>,
    /// The number of frames that were in use before the test.
    taken: u32,
    random: u32,
}

pub fn a_directory_agrees_with_a_model_for_long() {
    // Let the heap grow now, so that the model's own memory does not change the count of frames later.
    drop(core::hint::black_box(alloc::vec::Vec::<u8>::with_capacity(64 << 10)));
    for seed in 1..=50 {
        let mut life = Life::new(seed);
        for step in 0..1000 {
            life.step();
            if step % 8 == 0 {
                life.compare();
            }
        }
        life.end();
    }
}

impl Life {
    fn new(seed: u32) -> Self {
        let taken = frame_allocator::taken_count();
        let shared = [(); 3].map(|()| frame_allocator::allocate().expect("there is enough memory"));
        // SAFETY: the CPU never loads this directory.
        let mut directory = unsafe { Directory::new() }.expect("there is enough memory");
        // SAFETY: the CPU does not use the address space.
        unsafe { directory.fill(LARGE, Entry::new(LARGE_FRAME, Flags::LARGE)) };
        let (mapped, found, tables) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { directory, mapped, shared, found, tables, taken, random: seed }
    }

    /// A random number below `end` (Marsaglia's xorshift).
    fn below(&mut self, end: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random % end
    }

    fn flags(&mut self) -> Flags {
        // Writable or not, for ring 3 or not, and two of the bits that the CPU leaves to software.
        Flags::from_bits_truncate(self.below(4) << 1 | self.below(4) << 10)
    }

    /// The addresses of a few consecutive pages.
    fn pages(&mut self) -> Range<VirtAddr> {
        let part = PAGES[self.below(PAGES.len() as u32) as usize].clone();
        let start = part.start + self.below(part.end - part.start);
        let end = part.end.min(start + 1 + self.below(4));
        address(start)..address(end)
    }

    fn page(&mut self) -> Page {
        Page::containing(self.pages().start)
    }

    fn step(&mut self) {
        match self.below(9) {
            0..3 => self.map(),
            3..5 => self.unmap(),
            5 => self.map_free_frames(),
            6 => self.unmap_and_free(),
            7 => self.protect(),
            _ => self.make_tables(),
        }
        self.translate();
    }

    /// The frame to which `page` is mapped already.
    fn in_the_way(&self, page: Page) -> Option<Frame> {
        if page.directory_index() == LARGE {
            Some(LARGE_FRAME)
        } else {
            self.mapped.get(&page).map(|(frame, _)| *frame)
        }
    }

    fn map(&mut self) {
        let (page, number, flags) = (self.page(), self.below(3), self.flags());
        let share = self.shared[number as usize].share().expect("few pages share it");
        let frame = share.frame();
        let expected = self.in_the_way(page).map_or(Ok(()), |frame| Err(MapError::AlreadyMapped(frame)));
        // SAFETY: the CPU does not use the address space.
        let done = unsafe { self.directory.map(page, share, flags) };
        assert_eq!(done.map(|flush| flush.ignore()), expected);
        if expected.is_ok() {
            self.mapped.insert(page, (frame, flags));
            self.tables.insert(page.directory_index());
        }
    }

    fn unmap(&mut self) {
        let page = self.page();
        let expected = self.mapped.remove(&page).map(|(frame, _)| frame).ok_or(NotMapped(page));
        // SAFETY: the CPU does not use the address space.
        let done = unsafe { self.directory.unmap(page) };
        assert_eq!(done.map(|(owned, flush)| (flush.ignore(), owned.frame()).1), expected);
        self.found.remove(&page);
    }

    fn protect(&mut self) {
        let (page, flags) = (self.page(), self.flags());
        // SAFETY: the CPU does not use the address space.
        let done = unsafe { self.directory.protect(page, flags) };
        let mapped = self.mapped.get_mut(&page).ok_or(NotMapped(page));
        assert_eq!(done.map(|flush| flush.ignore()), mapped.map(|mapped| mapped.1 = flags));
    }

    fn map_free_frames(&mut self) {
        let (addresses, flags) = (self.pages(), self.flags());
        // SAFETY: the CPU does not use the address space.
        let done = unsafe { self.directory.map_free_frames(addresses.clone(), flags) };
        let in_the_way = Page::range(addresses.clone()).find_map(|page| self.in_the_way(page));
        assert_eq!(done, in_the_way.map_or(Ok(()), |frame| Err(MapError::AlreadyMapped(frame))));
        // A call that fails keeps the tables that it has made.
        let free = Page::range(addresses.clone()).take_while(|page| self.in_the_way(*page).is_none()).count();
        self.tables.extend(Page::range(addresses.clone()).take(free).map(Page::directory_index));
        for page in Page::range(addresses).filter(|_| done.is_ok()) {
            let frame = self.directory.translate(page.address()).map(Frame::containing).expect("just mapped");
            let twice = self.found.iter().find(|other| self.mapped[other].0 == frame);
            assert_eq!(twice, None, "{page:?} has got a frame that is in use");
            self.mapped.insert(page, (frame, flags));
            self.found.insert(page);
        }
    }

    fn unmap_and_free(&mut self) {
        let addresses = self.pages();
        let pages = Page::range(addresses.clone()).take_while(|page| self.found.contains(page)).count() as u32;
        let addresses = addresses.start..addresses.start.wrapping_add(pages * paging::PAGE_BYTES);
        // SAFETY: the CPU does not use the address space.
        unsafe { self.directory.unmap_and_free(addresses.clone()) };
        for page in Page::range(addresses) {
            self.found.remove(&page);
            self.mapped.remove(&page);
        }
    }

    fn make_tables(&mut self) {
        let page = self.page();
        let expected = if page.directory_index() == LARGE { Err(MapError::AlreadyMapped(LARGE_FRAME)) } else { Ok(()) };
        assert_eq!(self.directory.make_tables(page.address()..page.address().wrapping_add(1)), expected);
        self.tables.extend(expected.is_ok().then(|| page.directory_index()));
    }

    fn translate(&mut self) {
        let (page, offset) = (self.page(), self.below(paging::PAGE_BYTES));
        let address = page.address().wrapping_add(offset);
        let expected = if page.directory_index() == LARGE {
            Some(LARGE_FRAME.address().as_u32() + address.as_u32() % (4 << 20))
        } else {
            self.mapped.get(&page).map(|(frame, _)| frame.address().as_u32() + offset)
        };
        assert_eq!(self.directory.translate(address), expected.map(PhysAddr::new), "{address}");
    }

    /// Asserts that the directory holds the mappings of the model, and that no frames have been lost.
    fn compare(&self) {
        const OWNED: Flags = Flags::PRESENT.union(Flags::OWNED);
        let small = self.mapped.iter().map(|(page, (frame, flags))| (*page, *frame, 1, *flags | OWNED));
        let large = (Page::from_indices(LARGE, 0), LARGE_FRAME, 1024, Flags::PRESENT | Flags::LARGE);
        let expected = small.clone().filter(|small| small.0 < large.0).chain([large]);
        let expected = expected.chain(small.filter(|small| small.0 > large.0));
        let mappings = self.directory.mappings();
        assert!(mappings.map(|found| (found.page, found.frame, found.pages, found.flags)).eq(expected));
        let tables = self.directory.present(0..1024).filter(|(_, entry)| !entry.flags().contains(Flags::LARGE));
        assert!(tables.map(|(index, _)| index).eq(self.tables.iter().copied()));
        let frames = self.taken + 1 + (self.shared.len() + self.tables.len() + self.found.len()) as u32;
        assert_eq!(frame_allocator::taken_count(), frames, "frames are lost, or were found");
        for shared in &self.shared {
            let pages = self.mapped.values().filter(|(frame, _)| *frame == shared.frame()).count() as u32;
            assert_eq!(frame_allocator::owner_count(shared.frame()), pages + 1);
        }
    }

    /// Unmaps and frees everything.
    fn end(mut self) {
        for page in self.mapped.into_keys() {
            // SAFETY: the CPU does not use the address space.
            let (_, flush) = unsafe { self.directory.unmap(page) }.expect("it is mapped");
            flush.ignore();
        }
        for index in self.tables {
            let table = self.directory.entry(index).frame();
            // SAFETY: the directory is no longer used, and nothing else refers to the table.
            drop(unsafe { OwnedFrame::from_frame(table) });
        }
        drop((self.directory, self.shared));
        assert_eq!(frame_allocator::taken_count(), self.taken);
    }
}

/// The address at which the page with this number begins.
fn address(number: u32) -> VirtAddr {
    Page::from_indices(number as usize / 1024, number as usize % 1024).address()
}
