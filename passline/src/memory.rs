//! How the allocator treats large buffers: they go back to the system when they are freed.
//!
//! glibc otherwise raises its threshold with the sizes it sees, and a replay of some GiB then
//! keeps hundreds of MiB that nothing uses.

/// Buffers from this size on are mapped of their own.
const MAPPED_OCTETS_MIN: i32 = 256 << 10;

/// Asks the allocator for it; elsewhere than on glibc there is nothing to ask.
#[allow(unsafe_code, reason = "the C library has no safe interface to it")]
pub(crate) fn return_large_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets a parameter of the allocator; it is called before any thread.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_OCTETS_MIN);
    }
}
