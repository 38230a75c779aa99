//! The answer to exercise 2.3: the functions that have no bodies yet in `src/lib.rs`.

impl Memory for Vga {
    fn show_from(&mut self, cell: usize) {
        self.write_controller(START[0], (cell >> 8) as u8);
        self.write_controller(START[1], cell as u8);
    }
}

impl<M: Memory> Roll<M> {
    fn place(&self, row: usize, column: usize) -> usize {
        self.top + row * WIDTH + column
    }

    fn show_cursor(&mut self) {
        let cell = self.place(self.row, self.column);
        self.memory.set_cursor(cell);
    }

    fn scroll(&mut self) {
        if self.top + (HEIGHT + 1) * WIDTH <= CELLS {
            self.top += WIDTH;
        } else {
            for cell in 0..(HEIGHT - 1) * WIDTH {
                let value = self.memory.read(self.top + WIDTH + cell);
                self.memory.write(cell, value);
            }
            self.top = 0;
        }
        for column in 0..WIDTH {
            let cell = self.place(HEIGHT - 1, column);
            self.memory.write(cell, BLANK);
        }
        self.show(self.top);
    }

    pub fn look_back(&mut self, rows: usize) -> usize {
        let rows = rows.min(self.top / WIDTH);
        self.show(self.top - rows * WIDTH);
        rows
    }
}
