//! The course: exercises that a student does, and a judge that needs not trust her kernel.
//!
//! An exercise names functions, and a student writes their bodies. The judge takes nothing but these bodies out of her
//! file, and puts them into a pristine copy of the project. So one exercise does not depend on her answers to others,
//! and it does not matter what else she has changed.
//!
//! In reading order: the [`holes`] of an [exercise](trials::exercise), and the [`rules`] for what goes into them; the
//! [`tree`] into which an answer is put, and what the [`compiler`] says about it. A [`run`] watches a kernel from outside,
//! and what it shows is [`compare`]d with what the right answer shows. [`host`] runs tests that need no machine. The
//! [`judge`] puts all of this together, and a [`report`] with a [`picture`] is what a student gets.
//!
//! A student's [`desk`] is her working tree; [`student`] has the commands that she types. A [`hunt`] is for a mistake
//! without a name, and a [`question`] asks for a prediction.
//!
//! An instructor hands out a [`starter`]. If she corrects it later by a [`fix`], her students [apply](mod@apply) that. She
//! gets the [submissions](mod@submission) of a [`class`], and [grades](mod@grade) each, or a [`shard`] of them, while a line
//! tells the [`progress`]. The [`result`]s are kept as [`records`], and become [`tables`], a [`page`] for each student, and
//! an [`export`] for other programs. [`alike`] finds equal answers. [`jobs`] have other machines grade,
//! which [`warm`] makes ready, and [`gradescope`] is a package for a service that does.
//!
//! [`self_check`] tests the exercises themselves, with answers that are right, blank, [`mod@wrong`], or [`cheats`], and a
//! [`rehearsal`] tests grading. A [`journal`] remembers what has passed.

pub mod holes;
pub mod rules;
pub mod tree;
pub mod compiler;
pub mod compare;
pub mod run;
pub mod host;
pub mod judge;
pub mod picture;
pub mod report;

pub mod desk;
pub mod student;
pub mod hunt;
pub mod question;

pub mod starter;
pub mod fix;
pub mod apply;
pub mod submission;
pub mod class;
pub mod shard;
pub mod grade;
pub mod progress;
pub mod result;
pub mod records;
pub mod tables;
pub mod page;
pub mod export;
pub mod alike;
pub mod jobs;
pub mod gradescope;
pub mod warm;

pub mod self_check;
pub mod wrong;
pub mod cheats;
pub mod rehearsal;
pub mod journal;
