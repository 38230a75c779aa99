//! Calls Cargo, for the host or for the kernels' target.
//!
//! There is no compiled `core` or `alloc` for `i686.json`, so Cargo builds them together with the kernels. That takes
//! unstable flags. They are here and not in `.cargo/config.toml`, because there they would also apply to the tests on
//! the host, and give those a second `core`.

use crate::workspace::{self, Workspace};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The file that describes the kernels' target.
const TARGET: &str = "i686.json";

/// How a kernel is optimized, and which checks it has. The workspace's Cargo.toml defines these profiles.
#[derive(Clone, Copy)]
pub enum Profile {
    /// For readers and tests: with every check.
    Kernel,
    /// As small as possible, without checks.
    Release,
}

/// `cargo` with this subcommand, for the host.
pub fn for_host(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = workspace::cargo([subcommand]);
    command.current_dir(&workspace.root).env("CARGO_TARGET_DIR", &workspace.target);
    command.stderr(if workspace.is_quiet { Stdio::null() } else { Stdio::inherit() });
    command
}

/// `cargo` with this subcommand, for the kernels' target.
pub fn for_kernels(workspace: &Workspace, subcommand: &str, profile: Profile) -> Command {
    let mut command = for_host(workspace, subcommand);
    let name = match profile {
        Profile::Kernel => "kernel",
        Profile::Release => "release",
    };
    command.args(["--profile", name, "--target", TARGET, "-Zjson-target-spec", "-Zbuild-std=core,alloc"]);
    command.arg("-Zbuild-std-features=compiler-builtins-mem,optimize_for_size");
    // A stable compiler accepts unstable flags only with this.
    command.env("RUSTC_BOOTSTRAP", "1");
    let mut flags = without_paths_of_this_machine();
    if let Profile::Release = profile {
        // A derived `Debug` then prints names only, without fields.
        flags.push("-Zfmt-debug=shallow".into());
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    command
}

/// Makes this command build the standard library from source, so that no target has to be downloaded.
pub fn with_its_own_std(mut command: Command) -> Command {
    command.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
    command
}

/// Flags that shorten the paths of libraries, so that they begin at `/`. Every panic message contains the path of its
/// file; with these flags a kernel is the same on every machine, and smaller.
fn without_paths_of_this_machine() -> Vec<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let registries = home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
    let registries = registries.into_iter().flatten().flatten().map(|entry| entry.path());
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().ok();
    let sysroot = sysroot.and_then(|output| String::from_utf8(output.stdout).ok());
    let library = sysroot.map(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library"));
    registries.chain(library).map(|path| format!("--remap-path-prefix={}/=/", path.display())).collect()
}

/// Adds `-p NAME` for each package.
pub fn packages<'a>(command: &mut Command, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        command.args(["-p", name]);
    }
}
