//! What lies in memory, found by the page tables alone: no file, no QEMU, no `unsafe`.
//!
//! It takes physical memory as bytes, and the registers CR3 and CR4, so it runs on the host and in a browser alike.
//! In reading order: [`memory`] holds the bytes, and [`walk`] reads the page tables as the CPU does. [`scene`] adds the
//! names of regions and makes the [`model`] of a picture. The picture itself is made by [`shapes`], [`tiles`],
//! [`places`], [`drawing`] and [`words`]. [`sharing`] draws what two address spaces share. [`translation`] is the walk
//! for a single address, and [`translation_drawing`] its picture. [`word_table`] and [`strip`] draw what else lies in
//! memory: words, and blocks.
//!
//! It checks the kernels, so it shares no code with them.

#![forbid(unsafe_code)]

pub mod error;
pub mod memory;
pub mod walk;
pub mod translation;

pub mod model;
pub mod scene;

pub mod shapes;
pub mod tiles;
pub mod places;
pub mod drawing;
pub mod sharing;
pub mod words;
pub mod word_table;
pub mod strip;
pub mod translation_drawing;
