//! Time codes (CCSDS 301.0-B-4).
