//! How a kernel of tests comes up: as its chapter's own kernel does, without the demonstration.
//!
//! ```text
//! harness::boot!(TESTS, up to heap);
//!     the usual: the steps of the chapters' kernels up to this one, in their order, then the test that the
//!     command line picks; the kernel's output for stops and panics is the screen, if it comes so far
//!
//! harness::boot!(TESTS, up to heap, then { timer::init(5000).expect("a rate"); timer::start() });
//!     the same, with steps of its own behind them
//!
//! harness::boot!(TESTS, handover => begin(handover), up to heap);
//!     the same, but `begin` is what it does first: it sets up the serial port and returns the boot information
//! ```

/// Makes a kernel that runs one of `$tests`, once it is set up: see the head of this file.
#[macro_export]
macro_rules! boot {
    ($tests:expr, up to $last:ident $(, then $more:block)?) => {
        $crate::boot!($tests, handover => { ::boot::serial::init(); handover.information() },
            up to $last $(, then $more)?);
    };
    ($tests:expr, $handover:ident => $information:expr, up to serial $(, then $more:block)?) => {
        $crate::boot!(@kernel ::boot::serial::last_words, $tests, $handover, $information, serial, $($more)?);
    };
    ($tests:expr, $handover:ident => $information:expr, up to $last:ident $(, then $more:block)?) => {
        $crate::boot!(@kernel ::screen::last_words, $tests, $handover, $information, $last, $($more)?);
    };

    (@kernel $last_words:path, $tests:expr, $handover:ident, $information:expr, $last:ident, $($more:block)?) => {
        ::boot::entry!(kernel, $last_words);

        fn kernel($handover: ::boot::entry::Handover) -> ! {
            let boot = $information;
            $crate::boot!(@set_up $last, boot);
            $($more)?
            $crate::run(::boot::information::command_line(&boot), $tests, ::boot::serial::write);
            ::boot::stop::end("exit", ::boot::serial::write)
        }
    };

    (@set_up serial, $boot:ident) => {};
    (@set_up screen, $boot:ident) => {
        $crate::boot!(@set_up serial, $boot);
        ::screen::init();
    };
    (@set_up segments, $boot:ident) => {
        $crate::boot!(@set_up screen, $boot);
        ::segments::init();
    };
    (@set_up interrupts, $boot:ident) => {
        $crate::boot!(@set_up segments, $boot);
        ::interrupts::init();
    };
    (@set_up paging, $boot:ident) => {
        $crate::boot!(@set_up interrupts, $boot);
        ::paging::init(&$boot);
    };
    (@set_up heap, $boot:ident) => {
        $crate::boot!(@set_up paging, $boot);
        ::heap::init();
    };
}
