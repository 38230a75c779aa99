//! The trap frame: the registers of interrupted code, as the stubs save them on the stack.

use common::VirtAddr;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr;
use x86::Ring;
use x86::segmentation::{SegmentSelector, ss};

// ANCHOR: frame
/// Every register of the interrupted code, lowest address first. `stubs.s` has a drawing of it.
///
/// Handlers get it as `&mut TrapFrame`. The interrupted code continues with the values that the handler leaves here. A
/// frame is never passed by value: a compiler may reuse the memory of such an argument, and here that memory *is* the
/// saved registers.
///
/// If CS is a segment of ring 3, a [`UserStack`] lies directly after the frame, and both are a [`UserTrapFrame`]. The
/// methods below rely on this. So code outside of this file can neither make a `TrapFrame` alone nor change its CS.
#[repr(C)]
#[derive(Debug)]
pub struct TrapFrame {
    /// A segment register, saved by the stub. The upper half is meaningless.
    pub gs: u32,
    /// As `gs`.
    pub fs: u32,
    /// As `gs`.
    pub es: u32,
    /// As `gs`.
    pub ds: u32,
    /// A general-purpose register, saved by `pusha`.
    pub edi: u32,
    /// As `edi`.
    pub esi: u32,
    /// As `edi`.
    pub ebp: u32,
    /// ESP in the middle of the stub. No code uses it: `popa` skips it.
    esp_in_stub: u32,
    /// As `edi`.
    pub ebx: u32,
    /// As `edi`.
    pub edx: u32,
    /// As `edi`.
    pub ecx: u32,
    /// As `edi`.
    pub eax: u32,
    /// The number of the interrupt, 0 to 255, pushed by the stub.
    pub vector: u32,
    /// Pushed by the CPU for some exceptions. For all other vectors the stub pushes 0.
    pub error_code: u32,
    /// The address at which the interrupted code continues, pushed by the CPU.
    pub eip: u32,
    /// The code segment in which it continues, pushed by the CPU.
    cs: u32,
    /// The flags with which it continues, pushed by the CPU.
    pub eflags: u32,
}

const _: () = assert!(size_of::<TrapFrame>() == 17 * 4);
// ANCHOR_END: frame

// ANCHOR: user
/// The frame of an interrupt from ring 3: two more words lie above the others.
///
/// The CPU pushes them only if it changes the ring, and with it the stack.
/// Source: Intel SDM volume 3A, 6.12.1 "Exception- or Interrupt-Handler Procedures".
#[repr(C)]
#[derive(Debug)]
pub struct UserTrapFrame {
    registers: TrapFrame,
    /// The two words that only an interrupt from ring 3 has.
    pub stack: UserStack,
}

/// The stack of an interrupted program in ring 3.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserStack {
    /// The stack pointer, pushed by the CPU.
    pub esp: u32,
    /// The stack segment, pushed by the CPU. The upper half is meaningless.
    pub ss: u32,
}

const _: () = assert!(size_of::<UserTrapFrame>() == 19 * 4);
// ANCHOR_END: user

// ANCHOR: ring
impl TrapFrame {
    /// The selector in CS when the code was interrupted.
    pub fn cs(&self) -> u16 {
        self.cs as u16
    }

    /// Whether the interrupted code ran in ring 3 instead of the kernel.
    pub fn is_from_ring_3(&self) -> bool {
        self.cs & 3 == Ring::Ring3 as u32
    }

    /// The stack of the interrupted program, which a handler may change; `None` if the kernel was interrupted.
    pub fn user_stack(&mut self) -> Option<&mut UserStack> {
        // SAFETY: the two words lie after every frame with a CS of ring 3, and a borrow of the frame borrows them too.
        self.is_from_ring_3().then(|| unsafe { &mut *self.behind() })
    }

    /// Lets the interrupted program continue with the registers of `frame` instead.
    ///
    /// # Panics
    /// If the kernel was interrupted: after such a frame there is no room for the two words.
    pub fn replace_by(&mut self, frame: UserTrapFrame) {
        *self.user_stack().expect("a program was interrupted") = frame.stack;
        *self = frame.registers;
    }

    /// Like [`user_stack`](Self::user_stack), but a copy.
    fn pushed_for_ring_3(&self) -> Option<UserStack> {
        // SAFETY: as above.
        self.is_from_ring_3().then(|| unsafe { *self.behind() })
    }

    /// The place of the two words after a frame from ring 3. By Rust's rules, a pointer made from `self` must not leave
    /// the frame. So this one is made from the address alone: the CPU has written the words, or a [`UserTrapFrame`] has
    /// exposed them.
    fn behind(&self) -> *mut UserStack {
        ptr::with_exposed_provenance_mut((&raw const *self).addr() + size_of::<Self>())
    }
}
// ANCHOR_END: ring

// ANCHOR: esp
impl TrapFrame {
    /// The value that ESP had in the interrupted code.
    ///
    /// If the ring does not change, the CPU pushes neither ESP nor SS, and the interrupted stack begins directly above
    /// the frame (Intel SDM volume 3A, 6.12.1 "Exception- or Interrupt-Handler Procedures").
    pub fn esp(&self) -> VirtAddr {
        match self.pushed_for_ring_3() {
            Some(stack) => VirtAddr::new(stack.esp),
            None => VirtAddr::from(&raw const *self).wrapping_add(size_of::<Self>() as u32),
        }
    }

    /// The value that SS had in the interrupted code. If the ring has not changed, SS still has it.
    pub fn ss(&self) -> u16 {
        self.pushed_for_ring_3().map_or_else(|| ss().bits(), |stack| stack.ss as u16)
    }
}
// ANCHOR_END: esp

// ANCHOR: new
impl UserTrapFrame {
    /// The first frame of a program in ring 3. `interrupt_return` starts the program with it: at `eip`, with its stack
    /// below `esp`, with interrupts on and 0 in the general-purpose registers.
    ///
    /// # Panics
    /// If `code` is not a selector for ring 3.
    pub fn new(code: SegmentSelector, data: SegmentSelector, eip: VirtAddr, esp: VirtAddr) -> Self {
        /// Bit 1, which is always set, and IF, which lets interrupts in.
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

    /// A copy of `frame` and its two words, so that another program can continue at the same place; `None` if the
    /// kernel was interrupted. (A `TrapFrame` alone cannot be copied: two words must follow one from ring 3.)
    pub fn copy_of(frame: &TrapFrame) -> Option<Self> {
        let stack = frame.pushed_for_ring_3()?;
        // SAFETY: the frame consists of integers, which may be copied.
        Some(Self { registers: unsafe { ptr::read(frame) }, stack })
    }
}
// ANCHOR_END: new

impl Deref for UserTrapFrame {
    type Target = TrapFrame;

    fn deref(&self) -> &TrapFrame {
        (&raw const *self).expose_provenance(); // the whole `UserTrapFrame`, for `TrapFrame::behind`
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
    /// The registers in three lines, without EIP, because the trace of a stop begins with it. A frame from ring 3 has
    /// no trace, so a fourth line shows SS and EIP.
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
