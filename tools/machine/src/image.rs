//! The bootable image: a CD with GRUB, the kernel, and the words that the kernel is given.

use crate::grub;
use crate::kernels;
use crate::workspace::{Chapter, Workspace};
use anyhow::{Context, Result, bail};
use clap::Args;
use object::build::elf::Builder;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the file is filled with that some tests find beside the kernel.
const MODULE_TEXT: &str = "a module for the tests\n";
const MODULE_BYTES: usize = 64 * 1024;

/// What stands between the name of a function and the compiler's number.
const NUMBERED: &[u8] = b".llvm.";

/// What `make iso` can be told.
#[derive(Args)]
pub struct Options {
    /// Number or name of the chapter; the last one if not given.
    #[arg(long)]
    chapter: Option<String>,
}

/// Makes the image of a chapter and says where it is.
pub fn iso(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapter = workspace.chapter(options.chapter.as_deref())?;
    let kernel = kernels::build_one(workspace, chapter)?;
    let image = make_for(workspace, chapter, &kernel, "")?;
    println!("{}", image.strip_prefix(&workspace.root).unwrap_or(&image).display());
    Ok(ExitCode::SUCCESS)
}

/// Makes the image of a chapter's demonstration, in the place where a person finds it again.
pub fn make_for(workspace: &Workspace, chapter: &Chapter, kernel: &Path, words: &str) -> Result<PathBuf> {
    let image = workspace.target.join(&chapter.name).with_extension("iso");
    make(kernel, words, false, &image)?;
    Ok(image)
}

/// Makes an image that boots `kernel` with these words, and with the tests' module if wanted.
pub fn make(kernel: &Path, words: &str, with_module: bool, image: &Path) -> Result<()> {
    if !grub::accepts(kernel)? {
        bail!("GRUB finds no Multiboot2 header in the first 32 KiB of {}, and would not boot it.", kernel.display());
    }
    let folder = tempfile::tempdir().context("no temporary folder could be made")?;
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

/// GRUB's orders. They stand outside of any menu, so GRUB carries them out without asking.
fn configuration(words: &str, with_module: bool) -> String {
    let module = if with_module { "module2 /module\n" } else { "" };
    format!("multiboot2 /kernel {words}\n{module}boot\n")
}

fn module() -> Vec<u8> {
    MODULE_TEXT.bytes().cycle().take(MODULE_BYTES).collect()
}

/// The kernel without what only debuggers read.
///
/// GRUB loads *every* section of the file, for the kernel to find by the tag of ELF sections. With debug
/// information that would be several MiB of the machine's memory. And the compiler adds a number to some names of
/// functions that depends on where the source lies: without it, what GRUB loads is the same everywhere, and so is
/// where.
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
    strip().with_context(|| format!("{} is no ELF file of 32 bits", kernel.display()))
}
