//! The drawing of chapter 8's timeline: a row for each thread, a bar for each turn, a letter for its end.
//!
//! It is to scale in ticks, with one exception: a tick in which a whole turn happens is drawn wider, so that
//! no turn is too short to be seen, and is shaded.

use crate::paper::{INK, PAPER, SHADE, Sheet, WIDTH, bold, digits, frame, line, words};
use crate::turns::{self, Facts, Turn};
use svg::Node;
use svg::node::element::{Group, Rectangle};
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

/// Draws it.
pub fn draw(facts: &Facts) -> Sheet {
    let scale = Scale::of(&facts.turns);
    let bottom = TOP + ROW * ORDER.len() as i32;
    let mut drawing = Group::new();
    for tick in (0..scale.starts.len() as u32 - 1).filter(|tick| scale.moments[*tick as usize] > 0) {
        let shade = Rectangle::new().set("x", scale.start(tick)).set("y", TOP).set("height", bottom - TOP);
        let mut shade = shade.set("width", scale.start(tick + 1) - scale.start(tick));
        shade.assign("style", format!("fill:{SHADE}"));
        drawing = drawing.add(shade);
    }
    drawing = drawing.add(words("ticks", LEFT - 10, TOP - 10, "end"));
    for tick in (0..scale.starts.len() as u32 - 1).step_by(MARKS as usize) {
        let x = scale.start(tick);
        drawing = drawing.add(line((x, TOP - 5), (x, bottom)).set("opacity", "0.3"));
        drawing = drawing.add(digits(&tick.to_string(), x, TOP - 10, "middle").set("font-size", 12));
    }
    for (number, name) in (0..).zip(ORDER) {
        let y = TOP + number * ROW;
        drawing = drawing
            .add(line((LEFT, y + ROW), (scale.start(scale.starts.len() as u32 - 1), y + ROW)).set("opacity", "0.3"));
        drawing = drawing.add(bold(name, LEFT - 10, y + ROW / 2 + 5, "end"));
    }
    let mut taken = vec![0; scale.starts.len()];
    for turn in &facts.turns {
        drawing = draw_turn(drawing, facts, &scale, &mut taken, turn);
    }
    let legend = [
        "A bar is a turn; the letter in it says why it ended. T: the timer, its timeslice was used up. S: the thread sleeps.",
        "I: it waits for input. W: it waits for another thread's end. X: it has ended. Y: it yields (the idle thread alone does).",
        "A shaded tick is drawn wider, because whole turns lie in it. Dotted: the CPU is halted. No letter: to the end.",
    ];
    for (number, said) in (0..).zip(legend) {
        drawing = drawing.add(words(said, 12, bottom + 26 + number * 18, "start").set("font-size", 12));
    }
    Sheet {
        name: "08-timeline",
        title: "Who ran when, and why each turn ended".into(),
        description: description(facts),
        height: bottom + 26 + legend.len() as i32 * 18,
        drawing,
    }
}

fn draw_turn(drawing: Group, facts: &Facts, scale: &Scale, taken: &mut [i32], turn: &Turn) -> Group {
    let name = facts.name(turn.thread);
    let Some(row) = ORDER.iter().position(|other| *other == name) else { return drawing };
    let from = scale.start(turn.from_tick) + taken[turn.from_tick as usize];
    if turn.from_tick == turn.to_tick {
        taken[turn.from_tick as usize] += MOMENT;
    }
    let to = scale.start(turn.to_tick) + taken[turn.to_tick as usize];
    let to = if turn.ended_by.is_some() { to } else { scale.start(turn.to_tick + 1) };
    let y = TOP + row as i32 * ROW + (ROW - BAR) / 2;
    let is_idle = name == "idle";
    let mut bar = frame(from, y, to - from, BAR, PAPER, if is_idle { "2 3" } else { "none" });
    if !is_idle {
        bar.assign("fill-opacity", 1);
        bar.assign("stroke-width", 2);
    }
    let drawing = drawing.add(bar);
    let Some(reason) = turn.ended_by else { return drawing };
    let middle = to - MOMENT / 2;
    drawing.add(
        digits(&letter(reason).to_string(), middle, y + 16, "middle")
            .set("font-weight", "bold")
            .set("style", format!("fill:{INK}")),
    )
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

fn description(facts: &Facts) -> String {
    let turn = |turn: &Turn| {
        let (name, from, to) = (facts.name(turn.thread), turn.from_tick, turn.to_tick);
        let when = if from == to { format!("within tick {from}") } else { format!("from tick {from} to {to}") };
        match turn.ended_by {
            Some(reason) => format!("{name} {when}, ended by {}", turns::name(reason)),
            None => format!("{name} {when}, and goes on"),
        }
    };
    let turns: Vec<String> = facts.turns.iter().map(turn).collect();
    format!("The turns of {} threads, one after the other: {}.", facts.threads.len(), turns.join("; "))
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
