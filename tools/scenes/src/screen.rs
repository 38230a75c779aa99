//! Every chapter: the screen.

use crate::Files;
use crate::cells::{self, COLUMNS, ROWS, Run};
use crate::paper::identifier;
use anyhow::Result;
use memory_map::shapes::{WIDTH, document};
use serde::Serialize;
use svg::Document;
use svg::node::element::{Rectangle, Text};

/// The first chapter whose kernel writes to the screen.
const FIRST_WITH_SCREEN: &str = "02";

/// The size of a drawn cell, and the margin around all of them.
const CELL_WIDTH: i32 = 9;
const CELL_HEIGHT: i32 = 18;
const MARGIN: i32 = (WIDTH - COLUMNS as i32 * CELL_WIDTH) / 2;
/// Rows of dots in a cell.
const DOTS: i32 = 16;

/// The VGA's colors, the same in every page theme.
const COLORS: [&str; 16] = [
    "#000", "#00a", "#0a0", "#0aa", "#a00", "#a0a", "#a50", "#aaa", "#555", "#55f", "#5f5", "#5ff", "#f55", "#f5f",
    "#ff5", "#fff",
];

/// The registers of the display controller with the cursor's shape and place: its first row of dots, its last one, and
/// the high and the low half of its cell's number.
pub const CURSOR: [u8; 4] = [0x0A, 0x0B, 0x0E, 0x0F];
/// In the first of them: there is no cursor.
const CURSOR_OFF: u8 = 1 << 5;

/// The content of the screen.
#[derive(Serialize)]
struct Facts {
    columns: usize,
    rows: usize,
    cursor: Option<Cursor>,
    text: Vec<String>,
    runs: Vec<Run>,
}

/// The cursor's cell, and which of its rows of dots the cursor fills.
#[derive(Clone, Copy, Serialize)]
struct Cursor {
    row: usize,
    column: usize,
    first_dots: i32,
    last_dots: i32,
}

/// The picture of a screen with these cells. `cursor` holds the registers [`CURSOR`]. At the end of the demonstration,
/// `is_end`.
pub fn files(chapter: &str, bytes: &[u8], cursor: [u8; 4], is_end: bool) -> Result<Files> {
    let runs = cells::runs(bytes)?;
    let facts = Facts { columns: COLUMNS, rows: ROWS, cursor: find_cursor(cursor), text: cells::text(&runs), runs };
    let name = format!("{chapter}-screen");
    let files = [
        (format!("{name}.svg"), format!("{}\n", draw(&name, &title(chapter, is_end), &facts))),
        (format!("{name}.json"), serde_json::to_string_pretty(&facts)? + "\n"),
        (format!("{name}.md"), format!("```text\n{}\n```\n", facts.text.join("\n"))),
    ];
    Ok(files.into())
}

fn find_cursor([start, end, high, low]: [u8; 4]) -> Option<Cursor> {
    let cells = usize::from(u16::from_be_bytes([high, low]));
    let is_seen = start & CURSOR_OFF == 0 && cells < COLUMNS * ROWS;
    let dots = |value: u8| i32::from(value & 0x1F).min(DOTS - 1);
    let (row, column) = (cells / COLUMNS, cells % COLUMNS);
    is_seen.then(|| Cursor { row, column, first_dots: dots(start), last_dots: dots(end) })
}

fn title(chapter: &str, is_end: bool) -> String {
    let number = chapter.trim_start_matches('0');
    match is_end {
        false => format!("The screen of chapter {number}"),
        true if chapter < FIRST_WITH_SCREEN => {
            format!("The screen at the end of chapter {number}: what the boot loader has left there")
        }
        true => format!("The screen at the end of chapter {number}"),
    }
}

fn draw(name: &str, title: &str, facts: &Facts) -> Document {
    let height = ROWS as i32 * CELL_HEIGHT + 2 * MARGIN;
    let case =
        rectangle(1, 1, WIDTH - 2, height - 2, "#000").set("rx", 14).set("stroke", "#777").set("stroke-width", 2);
    let mut document = document(&identifier(name), title, &description(facts), height)
        .set("font-family", "monospace")
        .set("font-size", 15)
        .add(case);
    for run in &facts.runs {
        let columns = run.text.chars().count() as i32;
        if run.background != 0 {
            let (x, y, color) = (x(run.column), y(run.row), COLORS[usize::from(run.background)]);
            document = document.add(rectangle(x, y, columns * CELL_WIDTH, CELL_HEIGHT, color));
        }
        if let Some(text) = letters(run) {
            document = document.add(text);
        }
    }
    if let Some(Cursor { row, column, first_dots, last_dots }) = facts.cursor {
        let dots = |number: i32| number * CELL_HEIGHT / DOTS;
        let (top, end) = (dots(first_dots), dots(last_dots + 1));
        document = document.add(rectangle(x(column), y(row) + top, CELL_WIDTH, (end - top).max(1), COLORS[7]));
    }
    document
}

/// A run without the blanks around it; `None` if it is all blank.
fn letters(run: &Run) -> Option<Text> {
    let is_blank = |character: char| character == ' ' || character == '\u{A0}';
    let start = run.text.chars().take_while(|character| is_blank(*character)).count();
    let text = run.text.trim_matches(is_blank);
    // Blanks that do not break stay as they are without `xml:space`, with which the line breaks that the
    // svg crate puts around words would be blanks as well.
    let unbroken = text.replace(' ', "\u{A0}");
    (!text.is_empty()).then(|| {
        Text::new(unbroken)
            .set("x", x(run.column + start))
            .set("y", y(run.row) + CELL_HEIGHT - 5)
            .set("textLength", text.chars().count() as i32 * CELL_WIDTH)
            .set("lengthAdjust", "spacingAndGlyphs")
            .set("fill", COLORS[usize::from(run.letter)])
    })
}

fn description(facts: &Facts) -> String {
    let rows: Vec<&str> = facts.text.iter().map(|row| row.trim()).filter(|row| !row.is_empty()).collect();
    let cursor = match facts.cursor {
        Some(Cursor { row, column, .. }) => format!("The cursor is in row {}, column {}.", row + 1, column + 1),
        None => "There is no cursor to be seen.".into(),
    };
    format!("A text screen of {ROWS} rows with {COLUMNS} columns. {cursor} It reads, row by row: {}", rows.join(" / "))
}

fn rectangle(x: i32, y: i32, width: i32, height: i32, color: &str) -> Rectangle {
    Rectangle::new().set("x", x).set("y", y).set("width", width).set("height", height).set("fill", color)
}

fn x(column: usize) -> i32 {
    MARGIN + column as i32 * CELL_WIDTH
}

fn y(row: usize) -> i32 {
    MARGIN + row as i32 * CELL_HEIGHT
}
