//! The answer to exercise 8.4: the functions that have no bodies yet in `src/lib.rs`.

impl Semaphore {
    pub fn take(&'static self) {
        let take_one = || self.count.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1)).ok();
        self.waiting.wait(Reason::Wait, take_one);
    }

    pub fn take_before(&'static self, deadline: u64) -> bool {
        let take_one = || self.count.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1)).ok();
        self.waiting.wait_until(Reason::Wait, Some(deadline), take_one).is_some()
    }

    pub fn give(&self) {
        self.count.fetch_add(1, Relaxed);
        self.waiting.wake_one();
    }
}
