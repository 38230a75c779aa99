//! What a browser needs in order to run the kernels of this book: each kernel's file, and a plan.
//!
//! The plan says what a boot loader would have left in memory, and at which instructions there is something to see.

use crate::boot_information::BootInformation;
use crate::{FOLDER, fork, frame, heap, map, names, number, timeline};
use anyhow::{Context, Result, ensure};
use machine::workspace::{Chapter, Workspace};
use object::read::elf::{ElfFile32, ProgramHeader};
use object::{LittleEndian, elf};
use probe::program::{Checkpoint, Program};
use scenes::{Scene, Subject};
use serde::Serialize;
use std::fs;
use std::path::Path;

/// The memory of a machine for pictures.
const MEMORY_BYTES: u32 = 16 << 20;

/// The plan of one chapter.
#[derive(Serialize)]
struct Plan<'a> {
    chapter: &'a str,
    memory_bytes: u32,
    boot_information: BootInformation,
    stops: Vec<Stop>,
    scene: Scene,
    mistakes: &'a [Mistake],
}

/// A place to stop at, reached by running on from the one before.
#[derive(Serialize)]
struct Stop {
    title: &'static str,
    /// The addresses of the next instruction there, of which any will do.
    addresses: Vec<u32>,
    /// The name of the picture that it is a moment of.
    picture: Option<&'static str>,
    /// It comes again and again, until the next stop comes.
    repeats: bool,
}

/// A kernel that a reader can run in place of the right one.
#[derive(Serialize)]
pub struct Mistake {
    /// The name of its files.
    pub name: String,
    /// What was done wrong.
    pub title: String,
    /// What to look at when it runs.
    pub look: String,
}

/// A kernel for the pages.
pub struct Kernel<'a> {
    /// The chapter that it demonstrates.
    pub chapter: &'a Chapter,
    /// Its file.
    pub file: &'a Path,
    /// The folder of the project that it was built from.
    pub root: &'a Path,
    /// The kernels that can be run in its place.
    pub mistakes: &'a [Mistake],
}

impl Kernel<'_> {
    /// Writes the part of its file that is loaded, and its plan: `to`, with the extensions `elf` and `json`.
    pub fn write(&self, workspace: &Workspace, to: &Path) -> Result<()> {
        let plan = self.plan(workspace).with_context(|| format!("The plan of {}", to.display()))?;
        fs::write(to.with_extension("json"), serde_json::to_string(&plan)? + "\n")?;
        fs::write(to.with_extension("elf"), loaded_part(&fs::read(self.file)?)?)?;
        Ok(())
    }

    fn plan(&self, workspace: &Workspace) -> Result<Plan<'_>> {
        let Self { chapter, file, root, mistakes } = *self;
        let program = Program::read(file, root)?;
        let boot_information = BootInformation::committed(&workspace.root.join(FOLDER), number(chapter))?;
        self.leaves_room_for(&boot_information)?;
        let stops = stops(&chapter.name, &program)?;
        let subject = subject(workspace, chapter, &program, &boot_information)?;
        let scene = Scene { chapter: number(chapter).into(), own_bits: crate::own_bits(), subject };
        Ok(Plan { chapter: &chapter.name, memory_bytes: MEMORY_BYTES, boot_information, stops, scene, mistakes })
    }
}

impl Kernel<'_> {
    /// GRUB has put the boot information beside the committed kernel. Another kernel may be larger.
    fn leaves_room_for(&self, boot_information: &BootInformation) -> Result<()> {
        let (file, taken) = (fs::read(self.file)?, boot_information.range());
        let headers = ElfFile32::<LittleEndian>::parse(&*file)?;
        for header in headers.elf_program_headers().iter().filter(|header| header.p_type(LittleEndian) == elf::PT_LOAD)
        {
            let start = u64::from(header.p_paddr(LittleEndian));
            let end = start + u64::from(header.p_memsz(LittleEndian));
            ensure!(
                end <= taken.start || taken.end <= start,
                "This kernel lies at {start:#x} to {end:#x}, where the committed boot information lies too, at {:#x}. `make figures` \
                 takes it again.",
                taken.start
            );
        }
        Ok(())
    }
}

/// The stops of a chapter, in the order in which its kernel reaches them.
fn stops(chapter: &str, program: &Program) -> Result<Vec<Stop>> {
    let stop = |title, checkpoint: Checkpoint, picture| -> Result<Stop> {
        Ok(Stop { title, addresses: program.addresses(checkpoint)?, picture, repeats: false })
    };
    let mut stops = match chapter {
        "04-interrupts" => vec![stop("The handler of the breakpoint begins", names::HANDLER, Some("04-frame"))?],
        "05-paging" => vec![stop("The handler has mapped the page", names::PAGE_IS_THERE.into(), Some("05-map"))?],
        "06-heap" => {
            let moments = heap::MOMENTS.into_iter().map(|title| stop(title, names::USAGE, Some("06-heap")));
            moments.collect::<Result<_>>()?
        }
        "08-threads" => {
            let switch = stop("One thread leaves, another comes", names::SWITCH, Some("08-timeline"))?;
            vec![Stop { repeats: true, ..switch }]
        }
        "09-multitasking" => {
            let moments = fork::MOMENTS.iter();
            let moments = moments.map(|moment| stop(moment.title, moment.stop_before.into(), Some(moment.name)));
            moments.collect::<Result<_>>()?
        }
        _ => Vec::new(),
    };
    let last = match chapter {
        "03-segments" => Some("03-descriptor"),
        "08-threads" => Some("08-timeline"),
        _ => None,
    };
    stops.push(stop("The end", names::END, last)?);
    Ok(stops)
}

/// What the drawing of a chapter's picture has to know.
fn subject(
    workspace: &Workspace,
    chapter: &Chapter,
    program: &Program,
    boot_information: &BootInformation,
) -> Result<Option<Subject>> {
    let boot_information = boot_information.range();
    Ok(Some(match chapter.name.as_str() {
        "03-segments" => Subject::Descriptor,
        "04-interrupts" => Subject::Frame(frame::plan(program)?),
        "05-paging" => Subject::Map(map::plan(program, boot_information)?),
        "06-heap" => Subject::Heap(heap::plan(program)?),
        "08-threads" => Subject::Timeline(timeline::plan(program)?),
        "09-multitasking" => {
            let committed = |name: String| {
                let file = workspace.root.join(FOLDER).join(&name);
                fs::read_to_string(&file).with_context(|| format!("{FOLDER}/{name} could not be read"))
            };
            let series = fork::MOMENTS.iter().map(|moment| committed(format!("{}.json", moment.name)));
            let series = series.map(|text| Ok(serde_json::from_str(&text?)?)).collect::<Result<_>>()?;
            Subject::Fork(fork::plan(
                program,
                boot_information,
                &committed(format!("{}-log.txt", number(chapter)))?,
                series,
            )?)
        }
        _ => return Ok(None),
    }))
}

/// A kernel's file, up to the end of its last part that is loaded.
fn loaded_part(file: &[u8]) -> Result<&[u8]> {
    let headers = ElfFile32::<LittleEndian>::parse(file)?;
    let headers = headers.elf_program_headers().iter().filter(|header| header.p_type(LittleEndian) == elf::PT_LOAD);
    let end = headers.map(|header| header.p_offset(LittleEndian) + header.p_filesz(LittleEndian)).max();
    end.and_then(|end| file.get(..end as usize)).context("the kernel's file has no part that is loaded")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with these program headers: type, offset and size.
    fn file(parts: &[(u32, u32, u32)]) -> Vec<u8> {
        let ident = [0x464C_457F, 0x0001_0101, 0, 0, 0x0003_0002, 1, 0, 52, 0, 0, 0x0020_0034, parts.len() as u32, 0];
        let header = |(kind, offset, size): &(u32, u32, u32)| [*kind, *offset, 0, 0, *size, *size, 0, 0];
        let mut bytes = ident.into_iter().chain(parts.iter().flat_map(header)).flat_map(u32::to_le_bytes).collect();
        Vec::resize(&mut bytes, 1000, 7);
        bytes
    }

    #[test]
    fn what_is_not_loaded_is_left_out() {
        let length = |parts: &[(u32, u32, u32)]| loaded_part(&file(parts)).map(<[u8]>::len).ok();
        assert_eq!(length(&[(1, 400, 100), (1, 300, 50), (4, 600, 100)]), Some(500));
        assert_eq!((length(&[(4, 0, 9)]), length(&[(1, 990, 11)])), (None, None));
    }
}
