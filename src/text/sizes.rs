//! Sizes of files, in words that are the same in every language.

/// In units of a thousand, as people and their systems count: `340 KB`, `1.2 MB`.
pub fn size(bytes: i64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", (bytes + 500) / 1_000),
        1_000_000.. => {
            let tenths = (bytes + 50_000) / 100_000;
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_is_said_in_the_unit_that_needs_few_digits() {
        for (bytes, said) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_499, "1 KB"),
            (340_400, "340 KB"),
            (1_249_999, "1.2 MB"),
            (20_000_000, "20.0 MB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }
}
