//! The bootable image: a CD with GRUB, the kernel, and the kernel's command line.

use crate::grub;
use crate::kernels;
use crate::workspace::{Chapter, Workspace};
use anyhow::{Context, Result, bail};
use clap::Args;
use object::build::elf::Builder;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Some tests get a Multiboot2 module beside the kernel; this text fills it.
const MODULE_TEXT: &str = "a module for the tests\n";
const MODULE_BYTES: usize = 64 * 1024;

/// What separates the name of a function from a number that the compiler may append.
const NUMBERED: &[u8] = b".llvm.";

/// The options of `make iso`.
#[derive(Args)]
pub struct Options {
    /// Make the image of this chapter, by number or name; the last one by default.
    #[arg(long)]
    chapter: Option<String>,
}

/// Makes the image of a chapter and prints its path.
pub fn iso(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapter = workspace.chapter(options.chapter.as_deref())?;
    let kernel = kernels::build_one(workspace, chapter)?;
    let image = make_for(workspace, chapter, &kernel, "")?;
    println!("{}", image.strip_prefix(&workspace.root).unwrap_or(&image).display());
    Ok(ExitCode::SUCCESS)
}

/// Makes the image of a chapter's demonstration, in the target folder, where it stays.
pub fn make_for(workspace: &Workspace, chapter: &Chapter, kernel: &Path, words: &str) -> Result<PathBuf> {
    let image = workspace.target.join(&chapter.name).with_extension("iso");
    make(kernel, words, false, &image)?;
    Ok(image)
}

/// Makes an image that boots `kernel` with `words` as its command line, and with the tests' module if wanted.
pub fn make(kernel: &Path, words: &str, with_module: bool, image: &Path) -> Result<()> {
    if !grub::accepts(kernel)? {
        bail!("GRUB finds no Multiboot2 header in the first 32 KiB of {}, so it would not boot it.", kernel.display());
    }
    let folder = tempfile::tempdir().context("a temporary folder could not be created")?;
    let fill = || -> std::io::Result<()> {
        fs::create_dir_all(folder.path().join("boot/grub"))?;
        fs::write(folder.path().join("boot/grub/grub.cfg"), configuration(words, with_module))?;
        if with_module {
            fs::write(folder.path().join("module"), module())?;
        }
        Ok(())
    };
    fill().context("the contents of the image could not be written")?;
    fs::write(folder.path().join("kernel"), without_debug_information(kernel)?)?;
    grub::make_rescue_image(folder.path(), image)
}

/// GRUB's commands. They are outside any menu entry, so GRUB runs them at once and shows no menu.
fn configuration(words: &str, with_module: bool) -> String {
    let module = if with_module { "module2 /module\n" } else { "" };
    format!("multiboot2 /kernel {words}\n{module}boot\n")
}

fn module() -> Vec<u8> {
    MODULE_TEXT.bytes().cycle().take(MODULE_BYTES).collect()
}

/// The kernel's file without its debug information.
///
/// GRUB loads *every* section of the file, so that the kernel can find them through the tag of ELF sections. Debug
/// information would take several MiB of the machine's memory.
///
/// The compiler also appends a number to the names of some functions, and that number depends on the folder of the
/// source. Without it, GRUB loads the same bytes to the same addresses wherever the kernel was built.
fn without_debug_information(kernel: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(kernel).with_context(|| format!("{} could not be read", kernel.display()))?;
    let strip = || -> object::build::Result<Vec<u8>> {
        let mut file = Builder::read32(bytes.as_slice())?;
        for section in &mut file.sections {
            section.delete = section.name.as_slice().starts_with(b".debug_");
        }
        for symbol in &mut file.symbols {
            let name = symbol.name.as_slice();
            if let Some(end) = name.windows(NUMBERED.len()).position(|part| part == NUMBERED) {
                symbol.name = name[..end].to_vec().into();
            }
        }
        let mut stripped = Vec::new();
        file.write(&mut stripped)?;
        Ok(stripped)
    };
    strip().with_context(|| format!("{} is not a 32-bit ELF file", kernel.display()))
}
