//! Rows of comma-separated values as in RFC 4180, except that no field holds a line break.

use std::borrow::Cow;

/// A field of a row.
pub(crate) struct Field<'a> {
    pub text: Cow<'a, str>,
    /// Column of its first character, from one.
    pub column: usize,
    /// Characters that it takes, without quotes.
    pub width: usize,
}

/// The fields of a row, without their quotes and the blanks around them.
pub(crate) fn split(line: &str) -> Vec<Field<'_>> {
    let (mut fields, mut start, mut before, mut quoted) = (Vec::new(), 0, 0, false);
    let mut add = |start: usize, end: usize| {
        let written = &line[start..end];
        let trimmed = written.trim();
        let blanks = written.chars().count() - written.trim_start().chars().count();
        let inner = trimmed
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let text = inner.map_or(Cow::Borrowed(trimmed), |inner| {
            if inner.contains("\"\"") {
                Cow::Owned(inner.replace("\"\"", "\""))
            } else {
                Cow::Borrowed(inner.trim())
            }
        });
        fields.push(Field {
            column: before + blanks + usize::from(inner.is_some()) + 1,
            width: inner.unwrap_or(trimmed).chars().count().max(1),
            text,
        });
        before += written.chars().count() + 1;
    };
    for (index, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                add(start, index);
                start = index + 1;
            }
            _ => {}
        }
    }
    add(start, line.len());
    fields
}
