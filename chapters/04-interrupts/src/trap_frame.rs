//! The registers of interrupted code, as the stubs leave them on the stack.

#![forbid(unsafe_code)]

use core::fmt;

// ANCHOR: frame
/// Every register of the interrupted code, lowest address first; `stubs.s` draws the same picture.
///
/// Handlers get it as `&mut TrapFrame`: what they change here is what the interrupted code finds. It must
/// never be passed by value. A C compiler may use the memory of by-value arguments for itself, and
/// here that memory *is* the saved registers.
#[repr(C)]
#[derive(Clone, Debug)]
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
    /// ESP in the middle of the stub, of no use to anybody: `popa` skips it.
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
    pub cs: u32,
    /// The flags to go on with, pushed by the CPU.
    pub eflags: u32,
}

const _: () = assert!(size_of::<TrapFrame>() == 17 * 4);
// ANCHOR_END: frame

// ANCHOR: esp
impl TrapFrame {
    /// The value that ESP had in the interrupted code.
    ///
    /// Without a change of ring the CPU pushes neither ESP nor SS (Intel SDM volume 3, 6.12.1): the
    /// interrupted stack begins right above the frame.
    pub fn esp(&self) -> u32 {
        (&raw const *self).addr() as u32 + size_of::<Self>() as u32
    }
}
// ANCHOR_END: esp

impl fmt::Display for TrapFrame {
    /// The registers in three lines. EIP is not among them: the trace of a stop begins with it.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { eax, ebx, ecx, edx, esi, edi, ebp, cs, eflags, ds, es, fs, gs, .. } = self;
        let segment = |register: &u32| register & 0xFFFF;
        writeln!(f, "  EAX {eax:#010x}  EBX {ebx:#010x}  ECX {ecx:#010x}  EDX {edx:#010x}")?;
        writeln!(f, "  ESI {esi:#010x}  EDI {edi:#010x}  EBP {ebp:#010x}  ESP {:#010x}", self.esp())?;
        write!(f, "  EFLAGS {eflags:#010x}  CS {:#06x}  DS {:#06x}  ", segment(cs), segment(ds))?;
        write!(f, "ES {:#06x}  FS {:#06x}  GS {:#06x}", segment(es), segment(fs), segment(gs))
    }
}
