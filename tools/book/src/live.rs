//! Makes what the pages load when a reader wants to run a kernel in them: `book/src/live`, which mdBook copies.
//!
//! The kernels are those of `make run`, and the drawing is the one of `make figures`, compiled to WebAssembly. The machine
//! is v86, which npm installs; `book/live/build.mjs` puts all of that into scripts.

use anyhow::{Context, Result, ensure};
use machine::cargo::{self, Profile};
use machine::kernels::{self, Kind};
use machine::workspace::{Chapter, Workspace};
use pictures::live::{Kernel, Mistake};
use std::fs;
use std::path::Path;
use std::process::Command;
use trials::broken::{BrokenKernel, BrokenKernels};
use trials::defects;

const TARGET: &str = "wasm32-unknown-unknown";
/// The crate that draws, and the profile that it is built with.
const DRAWING: &str = "live";
/// Whether the packages from npm are installed. Without them, no kernel runs in the pages.
const PACKAGES: &str = "book/live/node_modules";

/// Makes the scripts.
pub fn make(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target.join("live-kernels");
    write_kernels(workspace, &folder)?;
    let mut build = cargo::for_host(workspace, "build");
    build.args([
        "--quiet",
        "--package",
        DRAWING,
        "--target",
        TARGET,
        "--profile",
        DRAWING,
        "-Zbuild-std-features=optimize_for_size",
    ]);
    // A panic ends the drawing, and no text about it is in the file.
    build.env("RUSTFLAGS", "-Zunstable-options -Cpanic=immediate-abort");
    succeed(cargo::with_its_own_std(build), "the drawing could not be compiled to WebAssembly")?;
    let wasm = workspace.target.join(TARGET).join(DRAWING).join(format!("{DRAWING}.wasm"));
    fs::copy(&wasm, folder.join("drawing.wasm")).with_context(|| format!("{} is not there", wasm.display()))?;
    ensure!(
        workspace.root.join(PACKAGES).is_dir(),
        "There is no {PACKAGES}; `make book` installs it, and so does `npm ci --prefix book/live`."
    );
    let mut bundle = Command::new("node");
    bundle.arg(workspace.root.join("book/live/build.mjs")).arg(&folder);
    succeed(bundle, "the scripts for the pages could not be made")
}

/// Writes the kernels into this folder: that of each chapter, and those with known mistakes that show.
fn write_kernels(workspace: &Workspace, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let chapters: Vec<&Chapter> = workspace.chapters.iter().collect();
    let mut broken = BrokenKernels::new(workspace)?;
    for (chapter, file) in
        chapters.iter().zip(kernels::build(workspace, &chapters, Kind::Demonstration, Profile::Kernel)?)
    {
        let file = file.with_context(|| format!("The kernel of {} could not be built.", chapter.name))?;
        let mut mistakes = Vec::new();
        for defect in defects::of_chapters(workspace, &[chapter])? {
            let Some(look) = defect.live.clone() else { continue };
            let (name, title) = (defect.title().replace('/', "-"), defect.short_name().replace('-', " "));
            let BrokenKernel { file, root } = broken.with(&defect)?;
            Kernel { chapter, file: &file, root, mistakes: &[] }.write(workspace, &folder.join(&name))?;
            mistakes.push(Mistake { name, title, look });
        }
        let name = chapter.name.split('-').next().unwrap_or(&chapter.name);
        Kernel { chapter, file: &file, root: &workspace.root, mistakes: &mistakes }
            .write(workspace, &folder.join(name))?;
    }
    Ok(())
}

fn succeed(mut command: Command, otherwise: &str) -> Result<()> {
    let status =
        command.status().with_context(|| format!("{} could not be started", command.get_program().display()))?;
    ensure!(status.success(), "{otherwise}.");
    Ok(())
}
