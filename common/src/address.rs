//! Physical and virtual addresses: two types, so that the compiler rejects a mix-up.
//!
//! When both are a `u32`, they are easy to confuse. The memory bus takes physical addresses, and a program
//! uses virtual ones. Only the page tables (chapter 5) turn a virtual address into a physical one.

use core::fmt;

// ANCHOR: types
/// An address on the memory bus, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhysAddr(u32);

/// An address as a program uses it, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtAddr(u32);
// ANCHOR_END: types

impl PhysAddr {
    /// The physical address `address`, in bytes.
    pub const fn new(address: u32) -> Self {
        Self(address)
    }

    /// The address in bytes.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

impl VirtAddr {
    /// The virtual address `address`, in bytes.
    pub const fn new(address: u32) -> Self {
        Self(address)
    }

    /// The address in bytes.
    pub const fn as_u32(self) -> u32 {
        self.0
    }

    /// The address as a pointer. Dereferencing it is `unsafe`, as with every raw pointer.
    pub const fn as_ptr<T>(self) -> *mut T {
        self.0 as usize as *mut T
    }

    /// The address that is `bytes` higher. It wraps at 4 GiB, as in the CPU.
    pub const fn wrapping_add(self, bytes: u32) -> Self {
        Self(self.0.wrapping_add(bytes))
    }

    /// The address that is `bytes` lower. It wraps at 0, as in the CPU.
    pub const fn wrapping_sub(self, bytes: u32) -> Self {
        Self(self.0.wrapping_sub(bytes))
    }
}

impl<T> From<*const T> for VirtAddr {
    fn from(pointer: *const T) -> Self {
        Self(pointer.addr() as u32)
    }
}

impl fmt::Display for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl fmt::Display for VirtAddr {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl fmt::Debug for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "PhysAddr({self})")
    }
}

impl fmt::Debug for VirtAddr {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "VirtAddr({self})")
    }
}
