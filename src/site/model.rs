//! What a site is and what it may be called.
use super::look::Look;
use crate::{
    error::Invalid,
    ids::{SiteId, SiteKey, TeamId},
    text::Lang,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub id: SiteId,
    pub key: SiteKey,
    pub name: String,
    pub lang: Lang,
    /// IANA name of the time zone its days are counted in.
    pub zone: String,
    /// Where its pages live; they may show the chat in a frame.
    pub origins: Vec<String>,
    pub look: Look,
    /// Whose agents should answer what begins here; `None` where anybody may.
    pub team: Option<TeamId>,
    /// Whether only those are heard whom the site's own server signed.
    pub signed_only: bool,
}

/// The most origins of a site.
const ORIGINS: usize = 20;

impl Site {
    /// Lets pages of one more origin show the chat; false if they could already.
    pub fn allow(&mut self, origin: Origin) -> Result<bool, Invalid> {
        if self.origins.contains(&origin.0) {
            return Ok(false);
        }
        if self.origins.len() >= ORIGINS {
            return Err(Invalid { field: "origin", reason: "invalid-origin-count" });
        }
        self.origins.push(origin.0);
        Ok(true)
    }

    /// The lines for a customer's pages: the script, and a link for whoever runs none.
    pub fn snippet(&self, base: &str) -> String {
        let (key, words) = (&self.key, self.lang.t("chat-with-us"));
        format!(
            "<script async src=\"{base}/w/{key}.js\"></script>\n<noscript><a href=\"{base}/w/{key}\">{words}</a></noscript>"
        )
    }
}

/// 1–100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteName(String);

impl SiteName {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0 || length > 100 || name.chars().any(char::is_control) {
            return Err(Invalid { field: "name", reason: "invalid-name" });
        }
        Ok(Self(name.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes of an address in which an origin is looked for.
const LONGEST_ADDRESS: usize = 8_192;

/// Scheme, host and port of a page, as browsers write it: `https://shop.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = Invalid { field: "origin", reason: "invalid-origin" };
        let url = url::Url::parse(text.trim()).map_err(|_| invalid)?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            // A host may have marks that mean something where policies are written.
            && url.host_str().is_some_and(|host| {
                host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c))
            });
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !bare {
            return Err(invalid);
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
    /// As people type it: the address of any page, or only its host, which is taken for https.
    pub fn typed(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let address =
            if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        Self::of_page(&address).ok_or(Invalid { field: "origin", reason: "invalid-origin" })
    }
    /// Of a page, as a browser tells its address; `None` for what is no page.
    pub fn of_page(address: &str) -> Option<Self> {
        let url = url::Url::parse(address).ok().filter(|_| address.len() <= LONGEST_ADDRESS)?;
        Self::parse(&url.origin().ascii_serialization()).ok()
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where on this server a page is, under the address of `base` or of the `host` that was asked; `None` for any other's page.
pub fn own_path(page: &str, base: &str, host: Option<&str>) -> Option<String> {
    let url = url::Url::parse(page).ok().filter(|_| page.len() <= LONGEST_ADDRESS)?;
    let origin = url.origin().ascii_serialization();
    let asked =
        host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, own)| own == host));
    (asked || origin == base).then(|| url.path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_do_and_brings_no_policy_of_its_own() {
        assert_eq!(
            Origin::parse("https://Shop.example:443/").unwrap().as_str(),
            "https://shop.example"
        );
        assert_eq!(
            Origin::parse("http://localhost:8080").unwrap().as_str(),
            "http://localhost:8080"
        );
        for hostile in [
            "",
            "*",
            "https://",
            "https://a.example/x",
            "javascript:alert(1)",
            "https://a.example; script-src *",
            "https://a.example;script-src",
            "https://a.example,b.example",
            "https://*.example",
            "https://'self'",
            "https://u@a.example",
            "data:text/html,x",
        ] {
            assert!(Origin::parse(hostile).is_err(), "{hostile}");
        }
        let of = |page| Origin::of_page(page).map(|origin| origin.as_str().to_owned());
        assert_eq!(of("https://u:p@Shop.example/a?b#c").as_deref(), Some("https://shop.example"));
        for nothing in ["", "null", "about:blank", "data:text/html,x", "https://a;b/", "file:///x"]
        {
            assert_eq!(of(nothing), None, "{nothing}");
        }
        assert_eq!(of(&format!("https://a.example/{}", "x".repeat(9_000))), None);
    }

    #[test]
    fn a_page_of_this_server_is_known_by_either_of_its_addresses() {
        let path = |page| own_path(page, "https://kf.example", Some("localhost:3000"));
        assert_eq!(path("https://kf.example/demo?lang=en").as_deref(), Some("/demo"));
        assert_eq!(path("http://localhost:3000/w/demo").as_deref(), Some("/w/demo"));
        for other in ["https://kf.example.evil/demo", "http://localhost/demo", "null", ""] {
            assert_eq!(path(other), None, "{other}");
        }
    }

    #[test]
    fn whatever_is_typed_or_pasted_as_an_address_is_taken_for_its_origin() {
        let typed = |text| Origin::typed(text).ok().map(|origin| origin.0);
        for text in ["https://shop.example/cup?a#b", "shop.example", " shop.example/cup "] {
            assert_eq!(typed(text).as_deref(), Some("https://shop.example"), "{text}");
        }
        assert_eq!(typed("http://localhost:8080").as_deref(), Some("http://localhost:8080"));
        for hostile in
            ["", "*", "javascript:alert(1)", "https://a.example;script-src", "a b", "x:y"]
        {
            assert_eq!(typed(hostile), None, "{hostile}");
        }
    }
}
