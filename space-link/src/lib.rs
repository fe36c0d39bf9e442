//! space-link
