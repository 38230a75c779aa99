//! Tests of the bit map against a set of numbers.

use crate::bit_map::{BITS, BitMap};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn change() -> impl Strategy<Value = (usize, bool)> {
    // All rows, but some bits often, so that they are changed back.
    (prop_oneof![0..BITS, Just(0), Just(31), Just(32), Just(BITS - 1)], any::<bool>())
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "it uses no memory of the heap")]
    fn the_map_agrees_with_a_set(changes in prop::collection::vec(change(), 0..60)) {
        let (mut map, mut set) = (BitMap::new(), BTreeSet::new());
        for (bit, is_set) in changes {
            if is_set {
                map.set(bit);
                set.insert(bit);
            } else {
                map.clear(bit);
                set.remove(&bit);
            }
        }
        for bit in 0..BITS {
            prop_assert_eq!(map.is_set(bit), set.contains(&bit));
            prop_assert_eq!(map.next_after(bit), set.range(bit + 1..).next().copied());
        }
    }
}
