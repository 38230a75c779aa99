//! The drawing of chapter 8's timeline: a row for each thread, a bar for each turn, a letter for its end.
//!
//! It is to scale in ticks, with one exception: a tick with a whole turn in it is drawn wider and shaded, so that
//! no turn is too short to be seen.

use crate::paper::{Sheet, Table, with_words};
use crate::turns::{Facts, Turn};
use memory_map::shapes::{Layout, NARROW_WIDTH, Pen, SHADE, WIDTH, bold, frame, line, words};
use memory_map::strip::{Block, Face, Label, Look, Strip};
use std::ops::Range;
use svg::node::element::Group;

const LEFT: i32 = 84;
const RIGHT: i32 = 10;
const NARROW_RIGHT: i32 = 3;
const TOP: i32 = 40;
const ROW: i32 = 32;
const BAR: i32 = 22;
/// The width of a turn within a tick.
const MOMENT: i32 = 13;
/// The number of ticks between two numbers of the scale.
const MARKS: u32 = 10;

/// The threads from top to bottom.
const ORDER: [&str; 8] = ["first", "impatient", "reader", "A", "B", "C", "sleeper", "idle"];

/// Draws it; the tables hold the same facts. In a narrow layout, the second half of the ticks is below the first.
pub fn draw(facts: &Facts, tables: Vec<Table>) -> Sheet {
    const LEGEND: [&str; 3] = [
        "A bar is a turn; the letter in it says why it ended. T: the timer, its timeslice was used up. S: the thread sleeps.",
        "I: it waits for input. W: it waits for another thread's end. X: it has ended. Y: it yields (the idle thread alone does).",
        "A shaded tick is drawn wider, because whole turns lie in it. Dotted: the CPU is halted. No letter: the turn lasts to the end.",
    ];
    let ticks = facts.turns.last().map_or(0, |turn| turn.to_tick + 1);
    let whole = Scale::of(&facts.turns, 0..ticks, LEFT, WIDTH - RIGHT);
    let Layout { height: bottom, shapes: mut drawing } = chart(facts, &whole, TOP);
    for (number, said) in (0..).zip(LEGEND) {
        drawing = drawing.add(words(said, 12, bottom + 26 + number * 18, "start"));
    }
    let middle = middle(&facts.turns, &whole);
    let [first, second] =
        [0..middle, middle..ticks].map(|part| Scale::of(&facts.turns, part, LEFT, NARROW_WIDTH - NARROW_RIGHT));
    let first = chart(facts, &first, TOP);
    let second = chart(facts, &second, first.height + TOP);
    let halves = Layout { height: second.height + 8, shapes: first.shapes.add(second.shapes) };
    Sheet {
        name: "08-timeline",
        title: "Who ran when, and why each turn ended".into(),
        tables,
        note: String::new(),
        height: bottom + 26 + LEGEND.len() as i32 * 18,
        drawing,
        narrow: Some(with_words(
            halves,
            &format!("{} A bar that is too short for its letter has none.", LEGEND.join(" ")),
        )),
    }
}

/// The tick nearest to the middle of the drawing without a turn across it; the end if there is none.
fn middle(turns: &[Turn], scale: &Scale) -> u32 {
    let is_between = |tick: &u32| turns.iter().all(|turn| turn.end() <= *tick || *tick <= turn.from_tick);
    let far =
        |tick: &u32| (2 * scale.start(*tick) - scale.start(scale.ticks.start) - scale.start(scale.ticks.end)).abs();
    scale.ticks.clone().skip(1).filter(is_between).min_by_key(far).unwrap_or(scale.ticks.end)
}

/// The turns in the ticks of a scale: a row for each thread, from `top` down.
fn chart(facts: &Facts, scale: &Scale, top: i32) -> Layout {
    let bottom = top + ROW * ORDER.len() as i32;
    let row = |top| Strip { left: 0, top, width: WIDTH, height: BAR, units: WIDTH as u32 };
    let mut shapes = Group::new().add(words("ticks", LEFT - 16, top - 10, "end"));
    for tick in scale.ticks.clone().filter(|tick| moments(&facts.turns, *tick) > 0) {
        let (from, to) = (scale.start(tick), scale.start(tick + 1));
        shapes = shapes.add(frame(from, top, to - from, bottom - top, SHADE, Pen::Plain).set("stroke-width", 0));
    }
    for tick in scale.ticks.clone().filter(|tick| tick.is_multiple_of(MARKS)) {
        let x = scale.start(tick);
        shapes = shapes.add(line((x, top - 5), (x, bottom), Pen::Plain).set("opacity", "0.3"));
        shapes = shapes.add(row(top - 5).mark(&tick.to_string(), x as u32, x as u32));
    }
    let bars = bars(facts, scale);
    for (number, name) in (1..).zip(ORDER) {
        let end = top + number * ROW;
        let blocks: Vec<Block> = bars.iter().filter(|(of, _)| *of == name).map(|(_, turn)| block(name, turn)).collect();
        shapes = shapes
            .add(line((LEFT, end), (scale.start(scale.ticks.end), end), Pen::Plain).set("opacity", "0.3"))
            .add(bold(name, LEFT - 10, end - ROW / 2 + 5, "end"))
            .add(row(end - (ROW + BAR) / 2).draw(&blocks));
    }
    Layout { height: bottom, shapes }
}

/// A turn in the drawing: its beginning, its end and the reason for that.
type Bar<'a> = (i32, i32, Option<&'a str>);

/// All turns that begin in the ticks of a scale, each with its thread's name. Turns within a tick stand side by side.
fn bars<'a>(facts: &'a Facts, scale: &Scale) -> Vec<(&'a str, Bar<'a>)> {
    let mut taken = vec![0; scale.starts.len()];
    let bar = |turn: &'a Turn| {
        let from = scale.start(turn.from_tick) + taken[scale.place(turn.from_tick)];
        if turn.from_tick == turn.to_tick {
            taken[scale.place(turn.from_tick)] += MOMENT;
        }
        let to = match turn.ended_by {
            Some(_) => scale.start(turn.to_tick) + taken[scale.place(turn.to_tick)],
            None => scale.start(turn.end()),
        };
        (facts.name(turn.thread), (from, to, turn.ended_by.as_deref()))
    };
    facts.turns.iter().filter(|turn| scale.ticks.contains(&turn.from_tick)).map(bar).collect()
}

fn block(name: &str, &(from, to, reason): &Bar) -> Block {
    let look = if name == "idle" { Look::Free } else { Look::Strong };
    let labels = reason.map(|reason| Label::new(Face::End, [letter(reason)])).into_iter().collect();
    Block { from: from as u32, to: to as u32, look, labels }
}

/// The letter for the kernel's word.
fn letter(reason: &str) -> char {
    match reason {
        "exit" => 'X',
        _ => reason.chars().next().unwrap_or('?').to_ascii_uppercase(),
    }
}

/// The positions of ticks in the drawing.
struct Scale {
    /// The ticks.
    ticks: Range<u32>,
    /// The position where each of them begins; and after the last one, where it ends.
    starts: Vec<i32>,
}

impl Scale {
    /// Places these ticks between `left` and `right`.
    fn of(turns: &[Turn], ticks: Range<u32>, left: i32, right: i32) -> Self {
        let all: i32 = ticks.clone().map(|tick| moments(turns, tick)).sum();
        let (room, count) = (right - left - all * MOMENT, ticks.len().max(1) as i32);
        let mut starts = vec![left];
        let mut moments_so_far = 0;
        for (number, tick) in (1..).zip(ticks.clone()) {
            moments_so_far += moments(turns, tick);
            starts.push(left + room * number / count + moments_so_far * MOMENT);
        }
        Self { ticks, starts }
    }

    /// Where a tick begins. What lies beyond the scale begins at its end.
    fn start(&self, tick: u32) -> i32 {
        self.starts[self.place(tick)]
    }

    fn place(&self, tick: u32) -> usize {
        (tick.saturating_sub(self.ticks.start) as usize).min(self.starts.len() - 1)
    }
}

/// The number of whole turns in a tick.
fn moments(turns: &[Turn], tick: u32) -> i32 {
    turns.iter().filter(|turn| (turn.from_tick, turn.to_tick) == (tick, tick)).count() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(from_tick: u32, to_tick: u32) -> Turn {
        Turn { thread: 0, from_tick, to_tick, ended_by: Some("timer".into()) }
    }

    #[test]
    fn a_tick_is_as_wide_as_the_turns_in_it_need() {
        let turns = [turn(0, 2), turn(2, 2), turn(2, 2), turn(2, 3), Turn { ended_by: None, ..turn(3, 3) }];
        let scale = Scale::of(&turns, 0..4, LEFT, WIDTH - RIGHT);
        let all = [0, 1, 2, 3].map(|tick| moments(&turns, tick));
        assert_eq!(all, [0, 0, 2, 1]);
        let widths = scale.starts.windows(2).map(|pair| pair[1] - pair[0]).zip(all);
        let ticks: Vec<i32> = widths.map(|(width, moments)| width - moments * MOMENT).collect();
        assert!(ticks.iter().all(|width| (ticks[0] - 1..=ticks[0] + 1).contains(width)), "{ticks:?}");
        assert_eq!((scale.starts[0], scale.starts[4]), (LEFT, WIDTH - RIGHT));
    }

    #[test]
    fn the_halves_of_a_narrow_layout_cut_no_turn() {
        let turns = [turn(0, 4), turn(4, 11), turn(11, 12), turn(12, 20)];
        let whole = Scale::of(&turns, 0..21, LEFT, WIDTH - RIGHT);
        assert_eq!(middle(&turns, &whole), 11);
        let second = Scale::of(&turns, 11..21, LEFT, NARROW_WIDTH - RIGHT);
        assert_eq!((second.start(11), second.start(21)), (LEFT, NARROW_WIDTH - RIGHT));
        assert_eq!(middle(&[turn(0, 20)], &whole), 20, "there is no better place");
        let goes_on = Turn { ended_by: None, ..turn(9, 20) };
        let turns = [turn(0, 9), goes_on];
        assert_eq!(middle(&turns, &whole), 9, "a turn that goes on takes its last tick too");
        let first = Scale::of(&turns, 0..20, LEFT, NARROW_WIDTH - RIGHT);
        assert_eq!(first.start(21), NARROW_WIDTH - RIGHT, "what lies beyond a scale begins at its end");
    }

    #[test]
    fn reasons_have_letters_of_their_own() {
        let letters: String = ["timer", "yield", "sleep", "input", "wait", "exit"].into_iter().map(letter).collect();
        assert_eq!(letters, "TYSIWX");
    }
}
