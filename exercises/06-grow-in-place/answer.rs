//! The answer to exercise 6.3: the functions that have no bodies yet in `src/lib.rs`.

impl<'a> Heap<'a> {
    pub fn grow(&mut self, block: Block, words: usize) -> Option<Block> {
        let size = Self::size_for(words);
        if size <= block.size {
            return Some(block);
        }
        if block.end() == self.top {
            if size > self.words.len() - block.start {
                return None;
            }
            let grown = Block { size, ..block };
            self.top = grown.end();
            self.tag(grown, true);
            return Some(grown);
        }
        let hole = self.free_after(block)?;
        let both = Block { size: block.size + hole.size, ..block };
        if both.size < size {
            return None;
        }
        Some(self.cut(both, size))
    }

    pub fn shrink(&mut self, block: Block, words: usize) -> Block {
        let size = Self::size_for(words);
        if size >= block.size {
            return block;
        }
        let kept = Block { size, ..block };
        let mut rest = Block { start: kept.end(), size: block.size - size };
        if block.end() == self.top {
            self.top = kept.end();
            self.tag(kept, true);
            return kept;
        }
        if let Some(hole) = self.free_after(block) {
            rest.size += hole.size;
        }
        if rest.size < SMALLEST {
            return block;
        }
        self.tag(kept, true);
        self.tag(rest, false);
        kept
    }

    pub fn reallocate(&mut self, block: Block, words: usize) -> Option<Block> {
        if Self::size_for(words) <= block.size {
            return Some(self.shrink(block, words));
        }
        if let Some(grown) = self.grow(block, words) {
            return Some(grown);
        }
        let moved = self.allocate(words)?;
        self.words.copy_within(block.payload(), moved.payload().start);
        self.free(block);
        Some(moved)
    }
}
