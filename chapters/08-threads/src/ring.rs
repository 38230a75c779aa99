//! A queue of bounded length, with constant-time ends.
//!
//! ```text
//!             first          first + length
//!               v                  v
//!   | . | . | . | a | b | c | d | e | . | . |     and around at the end
//! ```
//! The run queue is one, and so is the buffer of what was typed.

#![forbid(unsafe_code)]

/// A queue of at most `N` values, `N` being a power of two.
pub struct Ring<T, const N: usize> {
    values: [T; N],
    first: usize,
    length: usize,
}

impl<T: Copy, const N: usize> Ring<T, N> {
    /// An empty queue. Where nothing is, `nothing` stands, which is never given out.
    pub const fn new(nothing: T) -> Self {
        const { assert!(N.is_power_of_two()) };
        Self { values: [nothing; N], first: 0, length: 0 }
    }

    /// Puts `value` at the end; tells whether there was room.
    #[inline(always)]
    pub fn push(&mut self, value: T) -> bool {
        if self.length == N {
            return false;
        }
        self.values[(self.first + self.length) % N] = value;
        self.length += 1;
        true
    }

    /// Takes the value at the head; none if the queue is empty.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<T> {
        let value = self.first()?;
        self.first = (self.first + 1) % N;
        self.length -= 1;
        Some(value)
    }

    /// The value at the head; none if the queue is empty.
    #[inline(always)]
    pub fn first(&self) -> Option<T> {
        if self.is_empty() { None } else { Some(self.values[self.first % N]) }
    }

    /// Is there nothing in the queue?
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn behaves_like_a_bounded_queue(steps in prop::collection::vec(prop::option::of(any::<u8>()), 0..200)) {
            let (mut ring, mut model) = (Ring::<u8, 8>::new(0), VecDeque::new());
            for step in steps {
                match step {
                    Some(value) => {
                        let room = model.len() < 8;
                        prop_assert_eq!(ring.push(value), room);
                        if room { model.push_back(value) }
                    }
                    None => prop_assert_eq!(ring.pop(), model.pop_front()),
                }
                prop_assert_eq!(ring.first(), model.front().copied());
                prop_assert_eq!(ring.is_empty(), model.is_empty());
            }
        }
    }
}
