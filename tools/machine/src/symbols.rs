//! Turns addresses into functions, files and lines.

use addr2line::{Frame, Loader};
use object::{Object, ObjectSegment};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

/// The compiler's name for the function marked `#[panic_handler]`.
const PANIC_HANDLER: &str = "__rustc::rust_begin_unwind";
/// How many bytes before an instruction its line may be found.
const FURTHEST_LINE: u32 = 32;

/// The symbols and the debug information of a kernel, read when they are first needed.
pub struct Symbols {
    kernel: PathBuf,
    root: PathBuf,
    loader: OnceCell<Option<Loader>>,
}

/// Where in the source an instruction comes from.
#[derive(Debug)]
pub struct Place {
    spot: Spot,
    /// The functions of this project that it was inlined into, innermost first.
    inlined_into: Vec<Spot>,
    /// Whether any of it is code of this project, apart from the panic handler.
    pub is_ours: bool,
    /// Whether it is the panic handler, which reports every panic.
    pub is_panic: bool,
}

/// A function, and a line in it.
#[derive(Debug)]
struct Spot {
    function: String,
    line: Option<(String, u32)>,
}

impl Symbols {
    /// The symbols of `kernel`. Files under `root` are named by their paths from there.
    pub fn new(kernel: &Path, root: &Path) -> Self {
        Self { kernel: kernel.into(), root: root.into(), loader: OnceCell::new() }
    }

    /// The address at which the kernel begins in memory, and the word that is there once it has been loaded.
    pub fn first_word(&self) -> Option<(u32, u32)> {
        let bytes = fs::read(&self.kernel).ok()?;
        let file = object::File::parse(bytes.as_slice()).ok()?;
        let first = file.segments().min_by_key(|segment| segment.address())?;
        let word = first.data().ok()?.first_chunk()?;
        Some((first.address().try_into().ok()?, u32::from_le_bytes(*word)))
    }

    /// The place in the source that `address` belongs to.
    pub fn place(&self, address: u32) -> Option<Place> {
        let loader = self.loader.get_or_init(|| Loader::new(&self.kernel).ok()).as_ref()?;
        // Debug information alone is not enough: it lists what the linker has left out as if that were at address 0.
        let symbol = loader.find_symbol(address.into())?;
        let mut frames = loader.find_frames(address.into()).ok()?;
        let innermost = frames.next().ok()?;
        let function = match innermost.and_then(|frame| frame.function) {
            Some(function) => function.demangle().ok()?.into_owned(),
            // Assembly has symbols, but no debug information.
            None => addr2line::demangle_auto(symbol.into(), None).into_owned(),
        };
        // An instruction to which the compiler gave no line belongs to the last line before it.
        let line = |back: u32| {
            let before = u64::from(address.checked_sub(back)?);
            let location = loader.find_location(before).ok()?.filter(|_| loader.find_symbol(before) == Some(symbol))?;
            Some((location.file?, location.line?))
        };
        let line = (0..FURTHEST_LINE).find_map(line);
        let is_panic = function == PANIC_HANDLER;
        let mut inlined_into = Vec::new();
        while let Ok(Some(Frame { function: Some(function), location, .. })) = frames.next() {
            let line = location.and_then(|location| Some((location.file?, location.line?)));
            if line.is_some_and(|(file, _)| self.is_ours(file)) {
                inlined_into.push(self.spot(function.demangle().ok()?.into_owned(), line));
            }
        }
        let is_ours = !is_panic && line.is_none_or(|(file, _)| self.is_ours(file)) || !inlined_into.is_empty();
        Some(Place { spot: self.spot(function, line), inlined_into, is_ours, is_panic })
    }

    fn spot(&self, function: String, line: Option<(&str, u32)>) -> Spot {
        Spot { function, line: line.map(|(file, line)| (self.shorten(file), line)) }
    }

    fn is_ours(&self, file: &str) -> bool {
        Path::new(file).starts_with(&self.root)
    }

    /// The path of a file from where a reader looks for it: this project, a package, or Rust's `library`.
    fn shorten(&self, file: &str) -> String {
        let of_us = || Path::new(file).strip_prefix(&self.root).ok()?.to_str();
        let of_package = || Some(file.split_once("/registry/src/")?.1.split_once('/')?.1);
        let of_rust = || file.find("/library/").map(|start| &file[start + 1..]);
        of_us().or_else(of_package).or_else(of_rust).unwrap_or(file).to_owned()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.spot)?;
        self.inlined_into.iter().try_for_each(|outer| write!(f, " inlined into {outer}"))
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "`{}`", self.function)?;
        match &self.line {
            Some((file, line)) => write!(f, " ({file}:{line})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn landmark() -> usize {
        landmark as *const () as usize
    }

    #[test]
    fn files_are_named_relative_to_the_project() {
        let symbols = Symbols::new(Path::new("/x/kernel"), Path::new("/home/me/kernel"));
        assert_eq!(symbols.shorten("/home/me/kernel/chapters/01-boot/src/main.rs"), "chapters/01-boot/src/main.rs");
        assert_eq!(symbols.shorten("/home/me/.cargo/registry/src/index/x86-0.52.0/src/io.rs"), "x86-0.52.0/src/io.rs");
        assert_eq!(symbols.shorten("/usr/rust/library/core/src/fmt/mod.rs"), "library/core/src/fmt/mod.rs");
        assert_eq!(symbols.shorten("/elsewhere/x.rs"), "/elsewhere/x.rs");
    }

    #[test]
    fn an_unreadable_file_has_no_lines() {
        assert!(Symbols::new(Path::new("/dev/null"), Path::new("/")).place(landmark() as u32).is_none());
    }
}
