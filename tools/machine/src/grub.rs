//! GRUB's command-line programs, whose names differ between systems.
//!
//! `grub-mkrescue` on Debian and Arch is `grub2-mkrescue` on Fedora and openSUSE, and `i686-elf-grub-mkrescue` in
//! Homebrew.

use anyhow::{Context, Result, bail};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

const PREFIXES: [&str; 3] = ["grub", "grub2", "i686-elf-grub"];

/// Where systems keep the part of GRUB that boots a PC with a BIOS. A system may also have parts for EFI. Our machine
/// does not use them, and they would make the image several times as large.
const BIOS_PARTS: [&str; 3] = ["/usr/lib/grub/i386-pc", "/usr/share/grub2/i386-pc", "/usr/share/grub/i386-pc"];

/// Whether GRUB recognizes this file as a Multiboot2 kernel.
pub fn accepts(kernel: &Path) -> Result<bool> {
    let output = output("file", |command| command.arg("--is-x86-multiboot2").arg(kernel))?;
    Ok(output.status.success())
}

/// Makes a bootable CD image of the files in `folder`, without fonts, translations, themes and modules that no kernel
/// here needs.
pub fn make_rescue_image(folder: &Path, image: &Path) -> Result<()> {
    let output = output("mkrescue", |command| {
        let mut modules = String::from("normal multiboot2");
        if let Some(part) = BIOS_PARTS.iter().map(Path::new).find(|part| part.is_dir()) {
            command.arg("--directory").arg(part);
            // When it boots, GRUB tries to load these too, and prints an error for each one that is missing.
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

/// The output of GRUB's `--version`.
pub fn version() -> Result<Output> {
    output("mkrescue", |command| command.arg("--version"))
}

/// Runs a program of GRUB under the first of the prefixes for which this system has it.
fn output(program: &str, configure: impl Fn(&mut Command) -> &mut Command) -> Result<Output> {
    for prefix in PREFIXES {
        match configure(&mut Command::new(format!("{prefix}-{program}"))).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => return result.with_context(|| format!("{prefix}-{program} could not be started")),
        }
    }
    bail!("grub-{program} is not installed, and the image needs it; `make doctor` says how to get it.")
}
