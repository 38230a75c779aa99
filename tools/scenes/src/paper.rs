//! The common parts of pictures with facts of their own: a drawing, and the same facts in words.

use crate::Files;
use anyhow::Result;
use memory_map::shapes::{Layout, NARROW_WIDTH, document, in_two_layouts, words};
use memory_map::tiles::Column;
use serde::Serialize;
use svg::node::element::Group;

/// A drawing, and its facts.
pub struct Sheet {
    /// The name of its files, without an extension.
    pub name: &'static str,
    /// A short title.
    pub title: String,
    /// All facts that it shows.
    pub tables: Vec<Table>,
    /// Remarks besides the facts, in sentences.
    pub note: String,
    /// Its height; all have the same width.
    pub height: i32,
    /// The drawing.
    pub drawing: Group,
    /// The same, laid out for a narrow page; `None` if there is only one layout.
    pub narrow: Option<Layout>,
}

/// Facts in rows.
pub struct Table {
    /// The titles of the columns.
    pub columns: Vec<String>,
    /// The cells of each row. Text in backticks is code.
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    /// The three files of a picture: the drawing, the facts, and the facts as tables.
    pub fn files(self, facts: &impl Serialize) -> Result<Files> {
        let Self { name, title, tables, note, height, drawing: shapes, narrow } = self;
        let described: String = tables.iter().map(Table::sentences).collect();
        let described = (described + &note).replace('`', "");
        let id = identifier(name);
        let drawing = match narrow {
            Some(narrow) => in_two_layouts(&id, &title, &described, Layout { height, shapes }, narrow),
            None => document(&id, &title, &described, height).add(shapes),
        };
        let drawing = format!("{drawing}\n");
        let mut words: Vec<String> = tables.iter().map(Table::markdown).collect();
        words.extend((!note.is_empty()).then(|| note + "\n"));
        let files = [("svg", drawing), ("json", serde_json::to_string_pretty(facts)? + "\n"), ("md", words.join("\n"))];
        Ok(files.into_iter().map(|(ending, content)| (format!("{name}.{ending}"), content)).collect())
    }
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        Self { columns: columns.iter().map(|column| (*column).to_owned()).collect(), rows: rows.into_iter().collect() }
    }

    fn markdown(&self) -> String {
        let row = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | "));
        let rule = vec!["---".to_owned(); self.columns.len()];
        [&self.columns, &rule].into_iter().chain(&self.rows).map(row).collect()
    }

    /// A sentence for each row: each column's title with its cell.
    fn sentences(&self) -> String {
        let cell = |(column, cell): (&String, &String)| format!("{column} {cell}").trim().to_owned();
        let sentence = |row: &Vec<String>| {
            let filled = self.columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            filled.map(cell).collect::<Vec<_>>().join(", ") + ". "
        };
        self.rows.iter().map(sentence).collect()
    }
}

/// A narrow layout with these words below it, on as many lines as they need.
pub fn with_words(layout: Layout, said: &str) -> Layout {
    const LINE: i32 = 17;
    let lines = Column::narrow(0, NARROW_WIDTH).lines(said, false);
    let height = layout.height + LINE * lines.len() as i32;
    let place = |number: usize| layout.height + LINE * (number as i32 + 1) - 4;
    let shapes = (0..)
        .zip(&lines)
        .fold(layout.shapes, |shapes, (number, said)| shapes.add(words(said, 1, place(number), "start")));
    Layout { height, shapes }
}

/// The beginning of a picture's identifiers. It starts with a letter; a picture's name does not.
pub fn identifier(name: &str) -> String {
    format!("picture-{name}")
}

/// A word of 32 bits, in the notation for addresses.
pub fn hexadecimal(word: u32) -> String {
    format!("{word:#010x}")
}

/// The same in a table.
pub fn code(words: &str) -> String {
    format!("`{words}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_comes_with_a_table_and_sentences() {
        let rows = [vec![code("0x8"), "EIP".into(), "go on".into()], vec![code("0x4"), "CS".into(), String::new()]];
        let tables = vec![Table::new(&["address", "word", ""], rows)];
        let (title, note, drawing) = ("A".into(), "It is `small`.".into(), Group::new());
        let files =
            Sheet { name: "04-a", title, tables, note, height: 9, drawing, narrow: None }.files(&()).expect("files");
        let table = "| address | word |  |\n| --- | --- | --- |\n| `0x8` | EIP | go on |\n| `0x4` | CS |  |\n";
        assert_eq!(files["04-a.md"], format!("{table}\nIt is `small`.\n"));
        let described = "address 0x8, word EIP, go on. address 0x4, word CS. It is small.";
        assert!(files["04-a.svg"].contains(described), "{}", files["04-a.svg"]);
    }

    #[test]
    fn a_second_layout_is_there_and_hidden_until_the_page_shows_it() {
        let narrow = || Layout { height: 100, shapes: Group::new() };
        let sheet = |narrow| {
            let (title, note, drawing) = ("A".into(), String::new(), Group::new());
            let files = Sheet { name: "04-a", title, tables: Vec::new(), note, height: 50, drawing, narrow }.files(&());
            files.expect("files")["04-a.svg"].clone()
        };
        assert!(!sheet(None).contains("narrow"));
        let drawn = sheet(Some(narrow()));
        assert!(drawn.contains("--narrow:380/100") && drawn.contains("viewBox=\"0 0 760 50\""), "{drawn}");
        assert_eq!((drawn.matches("display=\"none\"").count(), drawn.matches("<title").count()), (1, 1), "{drawn}");
        let Layout { height, shapes } = with_words(narrow(), &"words ".repeat(20));
        assert_eq!((height, shapes.to_string().matches("<text").count()), (100 + 3 * 17, 3), "{shapes}");
    }
}
