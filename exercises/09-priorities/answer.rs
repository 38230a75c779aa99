//! The answer to exercise 9.5: the functions that have no bodies yet in `src/lib.rs`.

impl Scheduler {
    pub fn level(&self, thread: ThreadId) -> Option<u32> {
        if let Some(running) = self.running.filter(|running| running.thread == thread) {
            return Some(running.level);
        }
        let ready = self.ready[thread.slot()]?;
        Some((ready.priority + (self.now - ready.since) / PATIENCE_TICKS).min(TOP))
    }

    fn best(&self) -> Option<ThreadId> {
        let ready = (0..MOST).filter_map(|slot| self.ready[slot].map(|ready| (ThreadId::new(slot), ready.arrival)));
        let best = ready.max_by_key(|(thread, arrival)| (self.level(*thread), u32::MAX - arrival));
        best.map(|(thread, _)| thread)
    }

    fn run_best(&mut self) {
        if let Some(Running { thread, priority, .. }) = self.running.take() {
            self.ready[thread.slot()] = Some(Ready { priority, since: self.now, arrival: self.arrivals });
            self.arrivals += 1;
        }
        let Some(thread) = self.best() else { return };
        let level = self.level(thread).unwrap_or(0);
        if let Some(Ready { priority, .. }) = self.ready[thread.slot()].take() {
            self.running = Some(Running { thread, priority, level, ticks_left: SLICE_TICKS });
        }
    }

    pub fn wake(&mut self, thread: ThreadId, priority: u32) {
        self.ready[thread.slot()] = Some(Ready { priority, since: self.now, arrival: self.arrivals });
        self.arrivals += 1;
        match self.running {
            Some(running) if priority <= running.level => {}
            _ => self.run_best(),
        }
    }

    pub fn tick(&mut self) {
        self.now += 1;
        let Some(running) = &mut self.running else { return };
        running.ticks_left -= 1;
        let (is_over, level) = (running.ticks_left == 0, running.level);
        if is_over || self.best().and_then(|best| self.level(best)).is_some_and(|best| best > level) {
            self.run_best();
        }
    }

    pub fn sleep(&mut self) {
        self.running = None;
        self.run_best();
    }
}
