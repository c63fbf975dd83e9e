//! Reads the text of a file that a user names, and says plainly why that cannot be done.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Why there is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// What is wrong.
    pub reason: String,
    /// What would work.
    pub hint: Option<&'static str>,
    /// Whether there is nothing at that path.
    pub missing: bool,
}

/// The text of a regular file. Anything else is not opened: a pipe may never end.
///
/// # Errors
/// If there is no such file, it is no regular one, it cannot be opened, or it is not UTF-8.
pub(crate) fn text(path: &Path) -> Result<String, Unreadable> {
    let broken = |reason: String, hint| Unreadable {
        reason,
        hint,
        missing: false,
    };
    let failed = |error: std::io::Error| Unreadable {
        missing: error.kind() == ErrorKind::NotFound,
        ..broken(error.to_string(), None)
    };
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    if kind.is_dir() {
        let hint = "give a file in it";
        return Err(broken("it is a directory".to_owned(), Some(hint)));
    }
    if !kind.is_file() {
        let hint = "write its content to a file first";
        return Err(broken("it is not a regular file".to_owned(), Some(hint)));
    }
    let bytes = fs::read(path).map_err(failed)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = bytes[..valid].split(|byte| *byte == b'\n').count();
        let reason = format!(
            "it is not UTF-8 text: byte {:#04x} in line {line}",
            bytes[valid]
        );
        broken(reason, Some("save it as UTF-8"))
    })
}
