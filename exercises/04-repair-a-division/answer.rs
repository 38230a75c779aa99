//! The answer to exercise 4.2: the functions that have no bodies yet in `src/lib.rs`.

pub extern "C" fn repair(frame: &mut TrapFrame) {
    if frame.ecx == 0 {
        frame.ecx = INSTEAD_OF_ZERO;
    } else {
        frame.eax = u32::MAX;
        frame.edx = 0;
        frame.eip += DIV_ECX_BYTES;
    }
}
