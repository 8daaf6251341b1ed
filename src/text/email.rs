//! Addresses of mail.

/// An address that mail could be sent to, in lower case and without blanks around it; at most 254 bytes. `None` if it is none.
pub fn email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let plausible = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && !host.starts_with('.')
            && !host.ends_with('.')
    });
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"',;()[]\\".contains(c);
    (plausible && email.len() <= 254 && !email.contains(odd)).then_some(email)
}
