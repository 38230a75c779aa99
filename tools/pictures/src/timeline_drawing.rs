//! The drawing of chapter 8's timeline: a row for each thread, a bar for each turn, a letter for its end.
//!
//! It is to scale in ticks, with one exception: a tick in which a whole turn happens is drawn wider, so that
//! no turn is too short to be seen, and is shaded.

use crate::paper::{Sheet, Table};
use crate::turns::{self, Facts, Turn};
use memory_map::shapes::{Pen, SHADE, WIDTH, bold, frame, line, words};
use memory_map::strip::{Block, Face, Label, Look, Strip};
use svg::node::element::Group;
use threads::Reason;

const LEFT: i32 = 84;
const RIGHT: i32 = 10;
const TOP: i32 = 40;
const ROW: i32 = 32;
const BAR: i32 = 22;
/// The width of a turn within a tick.
const MOMENT: i32 = 13;
/// As many ticks are between two numbers.
const MARKS: u32 = 10;

/// The threads from top to bottom.
const ORDER: [&str; 8] = ["first", "impatient", "reader", "A", "B", "C", "sleeper", "idle"];

/// Draws it; the tables say the same.
pub fn draw(facts: &Facts, tables: Vec<Table>) -> Sheet {
    let scale = Scale::of(&facts.turns);
    let ticks = scale.moments.len() as u32;
    let bottom = TOP + ROW * ORDER.len() as i32;
    let row = |top| Strip { left: 0, top, width: WIDTH, height: BAR, units: WIDTH as u32 };
    let mut drawing = Group::new().add(words("ticks", LEFT - 10, TOP - 10, "end"));
    for tick in (0..ticks).filter(|tick| scale.moments[*tick as usize] > 0) {
        let (from, to) = (scale.start(tick), scale.start(tick + 1));
        drawing = drawing.add(frame(from, TOP, to - from, bottom - TOP, SHADE, Pen::Plain).set("stroke-width", 0));
    }
    for tick in (0..ticks).step_by(MARKS as usize) {
        let x = scale.start(tick);
        drawing = drawing.add(line((x, TOP - 5), (x, bottom), Pen::Plain).set("opacity", "0.3"));
        drawing = drawing.add(row(TOP - 5).mark(&tick.to_string(), x as u32, x as u32));
    }
    let bars = bars(facts, &scale);
    for (number, name) in (1..).zip(ORDER) {
        let end = TOP + number * ROW;
        let blocks: Vec<Block> = bars.iter().filter(|(of, _)| *of == name).map(|(_, turn)| block(name, turn)).collect();
        drawing = drawing
            .add(line((LEFT, end), (scale.start(ticks), end), Pen::Plain).set("opacity", "0.3"))
            .add(bold(name, LEFT - 10, end - ROW / 2 + 5, "end"))
            .add(row(end - (ROW + BAR) / 2).draw(&blocks));
    }
    let legend = [
        "A bar is a turn; the letter in it says why it ended. T: the timer, its timeslice was used up. S: the thread sleeps.",
        "I: it waits for input. W: it waits for another thread's end. X: it has ended. Y: it yields (the idle thread alone does).",
        "A shaded tick is drawn wider, because whole turns lie in it. Dotted: the CPU is halted. No letter: to the end.",
    ];
    for (number, said) in (0..).zip(legend) {
        drawing = drawing.add(words(said, 12, bottom + 26 + number * 18, "start"));
    }
    Sheet {
        name: "08-timeline",
        title: "Who ran when, and why each turn ended".into(),
        tables,
        note: String::new(),
        height: bottom + 26 + legend.len() as i32 * 18,
        drawing,
        narrow: None,
    }
}

/// A turn in the drawing: where it begins and ends, and why.
type Bar = (i32, i32, Option<Reason>);

/// All turns, each with the name of its thread. Those within a tick lie side by side.
fn bars<'a>(facts: &'a Facts, scale: &Scale) -> Vec<(&'a str, Bar)> {
    let mut taken = vec![0; scale.moments.len()];
    let bar = |turn: &Turn| {
        let from = scale.start(turn.from_tick) + taken[turn.from_tick as usize];
        if turn.from_tick == turn.to_tick {
            taken[turn.from_tick as usize] += MOMENT;
        }
        let to = match turn.ended_by {
            Some(_) => scale.start(turn.to_tick) + taken[turn.to_tick as usize],
            None => scale.start(turn.to_tick + 1),
        };
        (facts.name(turn.thread), (from, to, turn.ended_by))
    };
    facts.turns.iter().map(bar).collect()
}

fn block(name: &str, &(from, to, reason): &Bar) -> Block {
    let look = if name == "idle" { Look::Free } else { Look::Strong };
    let labels = reason.map(|reason| Label::new(Face::End, [letter(reason)])).into_iter().collect();
    Block { from: from as u32, to: to as u32, look, labels }
}

fn letter(reason: Reason) -> char {
    match reason {
        Reason::Exit => 'X',
        _ => turns::name(reason).chars().next().unwrap_or('?').to_ascii_uppercase(),
    }
}

/// Where ticks lie in the drawing.
struct Scale {
    /// Where each tick begins; and behind the last one, where it ends.
    starts: Vec<i32>,
    /// How many whole turns lie in each tick.
    moments: Vec<i32>,
}

impl Scale {
    fn of(turns: &[Turn]) -> Self {
        let last = turns.last().map_or(0, |turn| turn.to_tick);
        let moments = |tick: u32| moments(turns, tick);
        let all: i32 = (0..=last).map(moments).sum();
        let (room, ticks) = (WIDTH - LEFT - RIGHT - all * MOMENT, last as i32 + 1);
        let mut starts = vec![LEFT];
        let mut moments_so_far = 0;
        for number in 0..=last {
            moments_so_far += moments(number);
            starts.push(LEFT + room * (number as i32 + 1) / ticks + moments_so_far * MOMENT);
        }
        Self { starts, moments: (0..=last).map(moments).collect() }
    }

    fn start(&self, tick: u32) -> i32 {
        self.starts[tick as usize]
    }
}

/// How many whole turns lie in a tick.
fn moments(turns: &[Turn], tick: u32) -> i32 {
    turns.iter().filter(|turn| (turn.from_tick, turn.to_tick) == (tick, tick)).count() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(from_tick: u32, to_tick: u32) -> Turn {
        Turn { thread: 0, from_tick, to_tick, ended_by: Some(Reason::Timer) }
    }

    #[test]
    fn a_tick_is_as_wide_as_the_turns_in_it_need() {
        let scale = Scale::of(&[turn(0, 2), turn(2, 2), turn(2, 2), turn(2, 3), Turn { ended_by: None, ..turn(3, 3) }]);
        assert_eq!(scale.moments, [0, 0, 2, 1]);
        let widths = scale.starts.windows(2).map(|pair| pair[1] - pair[0]).zip(&scale.moments);
        let ticks: Vec<i32> = widths.map(|(width, moments)| width - moments * MOMENT).collect();
        assert!(ticks.iter().all(|width| (ticks[0] - 1..=ticks[0] + 1).contains(width)), "{ticks:?}");
        assert_eq!((scale.starts[0], scale.starts[4]), (LEFT, WIDTH - RIGHT));
    }

    #[test]
    fn reasons_have_letters_of_their_own() {
        let letters: String = Reason::ALL.into_iter().map(letter).collect();
        assert_eq!(letters, "TYSIWX");
    }
}
