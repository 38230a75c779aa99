//! How a test kernel boots: like its chapter's own kernel, without the demonstration.
//!
//! ```text
//! harness::boot!(TESTS, up to heap);
//!     The usual form. The kernel sets up the chapters' steps up to this one, in their order, and then runs the
//!     test that the command line names. Stops and panics print to the screen, if the steps include it.
//!
//! harness::boot!(TESTS, up to heap, then { timer::init(5000).expect("a rate"); timer::start() });
//!     The same, with more steps after those.
//!
//! harness::boot!(TESTS, handover => begin(handover), up to heap);
//!     The same, but `begin` runs first. It sets up the serial port and returns the boot information.
//! ```

/// Makes a kernel that sets itself up and runs one of `$tests`. The top of this file has the forms.
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
