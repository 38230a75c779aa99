//! GRUB's own programs, under the names that systems give them.
//!
//! Debian and Arch say `grub-mkrescue`, Fedora and openSUSE `grub2-mkrescue`, Homebrew
//! `i686-elf-grub-mkrescue`.

use anyhow::{Context, Result, bail};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

const PREFIXES: [&str; 3] = ["grub", "grub2", "i686-elf-grub"];

/// Where systems keep the part of GRUB that starts from a PC's BIOS. A system may have others, for EFI,
/// which would make the image several times as large and the machine no better.
const BIOS_PARTS: [&str; 3] = ["/usr/lib/grub/i386-pc", "/usr/share/grub2/i386-pc", "/usr/share/grub/i386-pc"];

/// Whether GRUB would take this file for a Multiboot2 kernel.
pub fn accepts(kernel: &Path) -> Result<bool> {
    let output = output("file", |command| command.arg("--is-x86-multiboot2").arg(kernel))?;
    Ok(output.status.success())
}

/// Makes a bootable CD image of what lies in `folder`, without what a kernel has no use for.
pub fn make_rescue_image(folder: &Path, image: &Path) -> Result<()> {
    let output = output("mkrescue", |command| {
        let mut modules = String::from("normal multiboot2");
        if let Some(part) = BIOS_PARTS.iter().map(Path::new).find(|part| part.is_dir()) {
            command.arg("--directory").arg(part);
            // The CD will try to load these, and a person would see it complain.
            let for_partitions = std::fs::read_to_string(part.join("partmap.lst")).unwrap_or_default();
            for_partitions.lines().for_each(|module| modules += &format!(" {module}"));
        }
        command.arg(format!("--install-modules={modules}"));
        command.args(["--fonts=", "--locales=", "--themes="]);
        command.arg("--output").arg(image).arg(folder)
    })?;
    if !output.status.success() {
        bail!("GRUB could not make the image: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// What GRUB says of its version.
pub fn version() -> Result<Output> {
    output("mkrescue", |command| command.arg("--version"))
}

/// Runs the program of GRUB that this system has under one of the prefixes.
fn output(program: &str, configure: impl Fn(&mut Command) -> &mut Command) -> Result<Output> {
    for prefix in PREFIXES {
        match configure(&mut Command::new(format!("{prefix}-{program}"))).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => return result.with_context(|| format!("{prefix}-{program} could not be started")),
        }
    }
    bail!("grub-{program} is not installed, and without it there is no image; `make doctor` says how to get it.")
}
