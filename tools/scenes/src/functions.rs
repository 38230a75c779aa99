//! The functions of a kernel, to name what an address lies in.

use serde::{Deserialize, Serialize};

/// Functions by their first address, from the lowest up.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Functions(pub Vec<(u32, String)>);

impl Functions {
    /// The name of the function that an address lies in, or of the last one before it.
    pub fn name_at(&self, address: u32) -> Option<&str> {
        let after = self.0.partition_point(|(start, _)| *start <= address);
        self.0[..after].last().map(|(_, name)| name.as_str())
    }

    /// The last part of that name.
    pub fn short_name_at(&self, address: u32) -> Option<&str> {
        self.name_at(address)?.rsplit("::").next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_the_last_function_that_begins_at_or_before_it() {
        let functions = Functions([(0x10, "a::b"), (0x20, "c")].map(|(start, name)| (start, name.into())).into());
        let names = [0xF, 0x10, 0x1F, 0x20, u32::MAX].map(|address| functions.name_at(address));
        assert_eq!(names, [None, Some("a::b"), Some("a::b"), Some("c"), Some("c")]);
        assert_eq!(functions.short_name_at(0x11), Some("b"));
    }
}
