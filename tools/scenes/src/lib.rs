//! The pictures of the chapters, made from a machine: its registers and its memory, wherever it runs. No file, no QEMU.
//!
//! `make figures` uses it to take the book's pictures, and a page uses it to draw the kernel that runs there, so the
//! same moment gives the same bytes in both.
//!
//! A [`Scene`] is what one has to know beforehand about a kernel: names, and addresses of its variables. It comes from
//! the kernel's file. An [`Album`] makes pictures of a scene, one moment after another. Each kind of picture has
//! its own file: [`descriptor`], [`frame`], [`map`] (with [`translation`]), [`heap`], [`timeline`] and [`fork`] belong
//! to one chapter each, [`screen`] to all. They share the sheet of [`paper`]. [`questions`] answers what a reader asks
//! about addresses.
//!
//! Memory is never trusted: whatever it contains, the result is a picture or an error, and no panic.

#![forbid(unsafe_code)]

pub mod machine;
pub mod known;
pub mod functions;
pub mod paper;

pub mod descriptor;
pub mod frame;
pub mod map;
pub mod translation;
pub mod blocks;
pub mod heap;
pub mod turns;
pub mod timeline;
pub mod timeline_drawing;
pub mod fork;

pub mod cells;
pub mod screen;

pub mod questions;

use anyhow::Result;
use machine::Machine;
use memory_map::model::Picture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Files, by name.
pub type Files = BTreeMap<String, String>;

/// The title of what is seen between moments.
const NOW: &str = "Now";

/// What has to be known about a chapter's kernel to draw it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Scene {
    /// The two digits at the beginning of the chapter's name.
    pub chapter: String,
    /// The bits of a page table's entry that the kernel uses for itself, with their names.
    pub own_bits: Vec<(u32, String)>,
    /// Its picture, if it has one besides the screen.
    pub subject: Option<Subject>,
}

/// The subject of a chapter's picture, and what has to be known about it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// Chapter 3.
    Descriptor,
    /// Chapter 4.
    Frame(frame::Plan),
    /// Chapter 5.
    Map(map::Plan),
    /// Chapter 6.
    Heap(heap::Plan),
    /// Chapter 8.
    Timeline(timeline::Plan),
    /// Chapter 9.
    Fork(fork::Plan),
}

/// The pictures of a chapter at the moments so far.
pub trait Album {
    /// Adds the moment at a stop, given by its number in the chapter, and returns its picture; of a picture that grows,
    /// all of it so far; nothing, if it is no moment of the picture. The moments come in the order of their stops.
    fn moment(&mut self, stop: usize, machine: &Machine) -> Result<Files>;

    /// The picture as the machine is now, between moments, or after a reader has changed its memory.
    fn now(&self, machine: &Machine) -> Result<Files>;
}

impl Scene {
    /// An empty album; `None` if the chapter has no picture besides the screen.
    pub fn album(&self) -> Option<Box<dyn Album>> {
        Some(match self.subject.clone()? {
            Subject::Descriptor => Box::new(descriptor::Album),
            Subject::Frame(plan) => Box::new(frame::Album::new(plan)),
            Subject::Map(plan) => Box::new(map::Album { plan, own_bits: self.own_bits.clone() }),
            Subject::Heap(plan) => Box::new(heap::Album::new(plan)),
            Subject::Timeline(plan) => Box::new(timeline::Album::new(plan)),
            Subject::Fork(plan) => Box::new(fork::Album::new(plan)),
        })
    }
}

/// The three files of a picture of memory.
fn memory_files(picture: &Picture, drawing: &svg::Document, tables: String) -> Result<Files> {
    let json = serde_json::to_string_pretty(picture)? + "\n";
    let files = [("svg", format!("{drawing}\n")), ("json", json), ("md", tables)];
    Ok(files.into_iter().map(|(ending, content)| (format!("{}.{ending}", picture.name), content)).collect())
}
