//! A context switch with a check: does it preserve the registers that a call preserves?

/// Makes `checked`, which switches threads by `$switch`. When the first thread continues, `checked` panics if EBX, ESI,
/// EDI or EBP has changed. Also makes `SWITCHES`, the number of its calls.
#[macro_export]
macro_rules! checked_switch {
    ($switch:path, $thread_id:ty) => {
        // Fills the registers, switches, and compares them: extern "C" fn switch_with(from, to, seed: u32) -> u32.
        // It returns 1 if the registers have not changed.
        ::core::arch::global_asm!(
            ".global switch_with",
            "switch_with:",
            "push ebp; push ebx; push esi; push edi",
            "mov ecx, [esp + 20]; mov edx, [esp + 24]",
            "mov ebx, [esp + 28]; lea esi, [ebx + 1]; lea edi, [ebx + 2]; lea ebp, [ebx + 3]",
            "call {switch}",
            "mov edx, [esp + 28]",
            "xor eax, eax",
            "cmp ebx, edx; jne 2f; inc edx; cmp esi, edx; jne 2f",
            "inc edx; cmp edi, edx; jne 2f; inc edx; cmp ebp, edx; jne 2f",
            "inc eax",
            "2: pop edi; pop esi; pop ebx; pop ebp",
            "ret",
            switch = sym $switch,
        );

        static SWITCHES: ::core::sync::atomic::AtomicU32 = ::core::sync::atomic::AtomicU32::new(0);

        unsafe extern "fastcall" fn checked(from: $thread_id, to: $thread_id) {
            unsafe extern "C" {
                fn switch_with(from: $thread_id, to: $thread_id, seed: u32) -> u32;
            }
            let number = SWITCHES.fetch_add(1, ::core::sync::atomic::Ordering::Relaxed);
            // SAFETY: the caller promises what `$switch` demands.
            let kept = unsafe { switch_with(from, to, number.wrapping_mul(0x0101_0101)) };
            assert_eq!(kept, 1, "EBX, ESI, EDI or EBP has changed");
        }
    };
}
