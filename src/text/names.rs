//! How a name looks on a tile.

/// The letter of an avatar: the first character that says something, in capitals.
pub fn letter(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map_or_else(|| "·".into(), |c| c.to_uppercase().collect())
}

/// One of the six tints of an avatar, always the same for the same person.
pub fn tint(id: i64) -> i64 {
    id.rem_euclid(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_that_says_something() {
        assert_eq!(letter("  林小雨"), "林");
        assert_eq!(letter("\"élan\""), "É");
        assert_eq!(letter("…"), "·");
    }
}
