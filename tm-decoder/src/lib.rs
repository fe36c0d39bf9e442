//! tm-decoder
