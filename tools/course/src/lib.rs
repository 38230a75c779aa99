//! The course: exercises that a student does, and a judge that needs not trust her kernel.
//!
//! An exercise names functions, and a student writes their bodies. The judge takes nothing but these bodies out of her
//! file, and puts them into a pristine copy of the project. So one exercise does not depend on her answers to others,
//! and it does not matter what else she has changed.
//!
//! In reading order: the [`holes`] of an [exercise](book::exercise), and the [`rules`] for what goes into them; the [`tree`]
//! into which an answer is put. A [`run`] watches a kernel from outside, and what it shows is [`compare`]d with what the
//! right answer shows. [`host`] runs tests that need no machine. The [`judge`] puts all of this together, and a
//! [`report`] with a [`picture`] is what a student gets.
//!
//! A student's [`desk`] is her working tree; [`student`] has the commands that she types, and a [`hunt`] is
//! for a mistake without a name. A [`question`] asks for a prediction. [`self_check`] tests the
//! exercises themselves, with answers that are right, blank, wrong, or [`cheats`].
//!
//! The [`result`] of a student who hands something in becomes a [`page`] for her, and an [`export`] for other programs.
//!
//! For an instructor: a [`starter`] is what she hands out, and a [`fix`] is how she corrects it later; a student
//! [applies](mod@apply) it.

pub mod holes;
pub mod rules;
pub mod tree;

pub mod compare;
pub mod run;

pub mod host;
pub mod judge;

pub mod picture;
pub mod report;
pub mod result;

pub mod desk;
pub mod student;
pub mod submission;
pub mod grade;
pub mod tables;
pub mod export;
pub mod page;

pub mod warm;
pub mod jobs;

pub mod hunt;
pub mod question;

pub mod apply;
pub mod fix;
pub mod starter;

pub mod alike;
pub mod cheats;
pub mod journal;
pub mod rehearsal;
pub mod self_check;
