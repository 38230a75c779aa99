//! The registers of interrupted code, as the stubs leave them on the stack.

use common::VirtAddr;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr;
use x86::Ring;
use x86::segmentation::{SegmentSelector, ss};

// ANCHOR: frame
/// Every register of the interrupted code, lowest address first; `stubs.s` draws the same picture.
///
/// Handlers get it as `&mut TrapFrame`: what they change here is what the interrupted code finds. It must
/// never be passed by value. A C compiler may use the memory of by-value arguments for itself, and
/// here that memory *is* the saved registers.
///
/// If CS is a segment of ring 3, a [`UserStack`] lies right behind the frame: both are a [`UserTrapFrame`]. Other
/// methods rely on this, so a `TrapFrame` alone cannot be made, and its CS cannot be changed.
#[repr(C)]
#[derive(Debug)]
pub struct TrapFrame {
    /// Segment registers, saved by the stub; the upper half of each is meaningless.
    pub gs: u32,
    /// As `gs`.
    pub fs: u32,
    /// As `gs`.
    pub es: u32,
    /// As `gs`.
    pub ds: u32,
    /// General-purpose registers, saved by `pusha`.
    pub edi: u32,
    /// As `edi`.
    pub esi: u32,
    /// As `edi`.
    pub ebp: u32,
    /// ESP in the middle of the stub, of no use: `popa` skips it.
    esp_in_stub: u32,
    /// As `edi`.
    pub ebx: u32,
    /// As `edi`.
    pub edx: u32,
    /// As `edi`.
    pub ecx: u32,
    /// As `edi`.
    pub eax: u32,
    /// Which interrupt this is, 0 to 255, pushed by the stub.
    pub vector: u32,
    /// Pushed by the CPU for some exceptions, and as 0 by the stub for all other vectors.
    pub error_code: u32,
    /// The instruction to go on with, pushed by the CPU.
    pub eip: u32,
    /// The code segment to go on in, pushed by the CPU.
    cs: u32,
    /// The flags to go on with, pushed by the CPU.
    pub eflags: u32,
}

const _: () = assert!(size_of::<TrapFrame>() == 17 * 4);
// ANCHOR_END: frame

// ANCHOR: user
/// What an interrupt of ring 3 leaves on the kernel's stack: two words more, above the others.
///
/// The CPU pushes them only where it changes to another ring, and so to another stack (Intel SDM volume 3,
/// 6.12.1 "Exception- or Interrupt-Handler Procedures").
#[repr(C)]
#[derive(Debug)]
pub struct UserTrapFrame {
    registers: TrapFrame,
    /// The two words.
    pub stack: UserStack,
}

/// Where a program in ring 3 has its stack.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserStack {
    /// The stack pointer to go on with, pushed by the CPU.
    pub esp: u32,
    /// The stack segment to go on with, pushed by the CPU; the upper half is meaningless.
    pub ss: u32,
}

const _: () = assert!(size_of::<UserTrapFrame>() == 19 * 4);
// ANCHOR_END: user

// ANCHOR: ring
impl TrapFrame {
    /// The code segment that was interrupted.
    pub fn cs(&self) -> u16 {
        self.cs as u16
    }

    /// Whether a program in ring 3 was interrupted, rather than the kernel.
    pub fn is_from_ring_3(&self) -> bool {
        self.cs & 3 == Ring::Ring3 as u32
    }

    /// The two words that the CPU pushes for ring 3, to be changed; none if it has not pushed them.
    pub fn user_stack(&mut self) -> Option<&mut UserStack> {
        // SAFETY: they lie behind a frame with a CS of ring 3, and what borrows the frame borrows them.
        self.is_from_ring_3().then(|| unsafe { &mut *self.behind() })
    }

    /// Lets the interrupted program go on by `frame` instead.
    ///
    /// # Panics
    /// If the kernel was interrupted: there is no room for a stack of ring 3.
    pub fn replace_by(&mut self, frame: UserTrapFrame) {
        *self.user_stack().expect("a program was interrupted") = frame.stack;
        *self = frame.registers;
    }

    /// As [`user_stack`](Self::user_stack), by value.
    fn pushed_for_ring_3(&self) -> Option<UserStack> {
        // SAFETY: as above.
        self.is_from_ring_3().then(|| unsafe { *self.behind() })
    }

    /// Where a frame of ring 3 has its two words. By Rust's rules a pointer made from `self` ends with the frame, so
    /// this one is made from the address alone: of memory that the CPU has written, or a [`UserTrapFrame`] exposes.
    fn behind(&self) -> *mut UserStack {
        ptr::with_exposed_provenance_mut((&raw const *self).addr() + size_of::<Self>())
    }
}
// ANCHOR_END: ring

// ANCHOR: esp
impl TrapFrame {
    /// The value that ESP had in the interrupted code.
    ///
    /// Without a change of ring the CPU pushes neither ESP nor SS (Intel SDM volume 3, 6.12.1): the
    /// interrupted stack begins right above the frame.
    pub fn esp(&self) -> VirtAddr {
        match self.pushed_for_ring_3() {
            Some(stack) => VirtAddr::new(stack.esp),
            None => VirtAddr::from(&raw const *self).wrapping_add(size_of::<Self>() as u32),
        }
    }

    /// The value that SS had in the interrupted code. Without a change of ring it still has it.
    pub fn ss(&self) -> u16 {
        self.pushed_for_ring_3().map_or_else(|| ss().bits(), |stack| stack.ss as u16)
    }
}
// ANCHOR_END: esp

// ANCHOR: new
impl UserTrapFrame {
    /// The frame by which a program in ring 3 begins at `eip`, with its stack below `esp`, with interrupts on
    /// and 0 in all other registers: `interrupt_return` starts it.
    ///
    /// # Panics
    /// If `code` is not a selector for ring 3.
    pub fn new(code: SegmentSelector, data: SegmentSelector, eip: VirtAddr, esp: VirtAddr) -> Self {
        /// A bit that is always set, and the one that lets interrupts in.
        const EFLAGS: u32 = 1 << 1 | 1 << 9;
        let (cs, data) = (u32::from(code.bits()), u32::from(data.bits()));
        assert_eq!(cs & 3, Ring::Ring3 as u32, "a program runs in ring 3");
        let (gs, fs, es, ds, eip, eflags) = (data, data, data, data, eip.as_u32(), EFLAGS);
        let (edi, esi, ebp, esp_in_stub, ebx, edx, ecx, eax, vector, error_code) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        #[rustfmt::skip]
        let registers = TrapFrame {
            gs, fs, es, ds, edi, esi, ebp, esp_in_stub, ebx, edx, ecx, eax, vector, error_code, eip, cs, eflags,
        };
        Self { registers, stack: UserStack { esp: esp.as_u32(), ss: data } }
    }

    /// A copy of `frame` and what lies behind it, by which another program goes on where this one does; none if the
    /// kernel was interrupted. (A `TrapFrame` alone cannot be copied: one that says ring 3 must have the two words.)
    pub fn copy_of(frame: &TrapFrame) -> Option<Self> {
        let stack = frame.pushed_for_ring_3()?;
        // SAFETY: it consists of words.
        Some(Self { registers: unsafe { ptr::read(frame) }, stack })
    }
}
// ANCHOR_END: new

impl Deref for UserTrapFrame {
    type Target = TrapFrame;

    fn deref(&self) -> &TrapFrame {
        (&raw const *self).expose_provenance(); // all of it, for `TrapFrame::behind`
        &self.registers
    }
}

impl DerefMut for UserTrapFrame {
    fn deref_mut(&mut self) -> &mut TrapFrame {
        (&raw mut *self).expose_provenance();
        &mut self.registers
    }
}

impl fmt::Display for TrapFrame {
    /// The registers in three lines. EIP is not among them: the trace of a stop begins with it. Of ring 3, which
    /// has no trace, a fourth line tells it.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { eax, ebx, ecx, edx, esi, edi, ebp, cs, eflags, ds, es, fs, gs, .. } = self;
        let segment = |register: &u32| register & 0xFFFF;
        writeln!(f, "  EAX {eax:#010x}  EBX {ebx:#010x}  ECX {ecx:#010x}  EDX {edx:#010x}")?;
        writeln!(f, "  ESI {esi:#010x}  EDI {edi:#010x}  EBP {ebp:#010x}  ESP {}", self.esp())?;
        write!(f, "  EFLAGS {eflags:#010x}  CS {:#06x}  DS {:#06x}  ", segment(cs), segment(ds))?;
        write!(f, "ES {:#06x}  FS {:#06x}  GS {:#06x}", segment(es), segment(fs), segment(gs))?;
        if self.is_from_ring_3() {
            write!(f, "\n  SS {:#06x}  EIP {:#010x}, in ring 3", self.ss(), self.eip)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_ring_3_is_followed_by_its_stack() {
        let data = SegmentSelector::new(4, Ring::Ring3);
        let code = SegmentSelector::new(3, Ring::Ring3);
        let mut frame = UserTrapFrame::new(code, data, VirtAddr::new(0x0804_8000), VirtAddr::new(0xBFFF_F000));
        assert_eq!((frame.eip, frame.cs(), frame.eflags), (0x0804_8000, 0x1B, 0x202));
        assert_eq!((frame.esp(), frame.ss()), (VirtAddr::new(0xBFFF_F000), 0x23));
        frame.user_stack().expect("it is of ring 3").esp -= 4;
        frame.eax = 7;
        assert_eq!((frame.stack, frame.eax), (UserStack { esp: 0xBFFF_EFFC, ss: 0x23 }, 7));
        let copy = UserTrapFrame::copy_of(&frame).expect("it is of ring 3");
        frame.stack.esp = 0;
        assert_eq!((copy.esp(), copy.ss(), copy.eax), (VirtAddr::new(0xBFFF_EFFC), 0x23, 7));
        frame.replace_by(copy);
        assert_eq!((frame.stack.esp, frame.eax, frame.cs()), (0xBFFF_EFFC, 7, 0x1B));
    }

    fn of_ring_0() -> UserTrapFrame {
        let selector = SegmentSelector::new(3, Ring::Ring3);
        let mut frame = UserTrapFrame::new(selector, selector, VirtAddr::new(0), VirtAddr::new(0));
        frame.registers.cs = 8;
        frame
    }

    #[test]
    fn a_frame_of_ring_0_is_followed_by_no_stack() {
        let mut frame = of_ring_0();
        assert!(frame.user_stack().is_none() && UserTrapFrame::copy_of(&frame).is_none());
        assert_eq!(frame.esp(), VirtAddr::from(&raw const frame.stack));
    }

    #[test]
    #[should_panic(expected = "a program was interrupted")]
    fn what_has_no_stack_of_ring_3_gets_none() {
        let (mut frame, other) = (of_ring_0(), of_ring_0());
        frame.replace_by(other);
    }

    #[test]
    #[should_panic(expected = "ring 3")]
    fn a_program_in_ring_0_is_refused() {
        let (code, data) = (SegmentSelector::new(1, Ring::Ring0), SegmentSelector::new(2, Ring::Ring0));
        UserTrapFrame::new(code, data, VirtAddr::new(0), VirtAddr::new(0));
    }
}
